"""A pipeline: the funnel a channel feeds; for now it only sets how long its sessions wait."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from domain.base import Aggregate, Event
from domain.crm.session import checked_timeout
from domain.errors import require_text
from domain.ids import PipelineId, ProjectId, TenantId, new_id

NAME_LIMIT = 200


class PipelineCreated(Event, name="pipeline.created"):
    """A pipeline was set up."""

    pipeline_id: PipelineId
    project_id: ProjectId


@dataclass(eq=False, kw_only=True)
class Pipeline(Aggregate):
    """A funnel; names are unique per project without regard to case."""

    kind: ClassVar[str] = "pipeline"
    id: PipelineId
    tenant_id: TenantId
    project_id: ProjectId
    name: str
    session_timeout_seconds: int | None = None
    created_at: datetime
    updated_at: datetime
    version: int = 1

    @classmethod
    def create(
        cls,
        *,
        tenant_id: TenantId,
        project_id: ProjectId,
        name: str,
        session_timeout_seconds: int | None,
        at: datetime,
    ) -> "Pipeline":
        """Set up a pipeline."""
        if session_timeout_seconds is not None:
            checked_timeout(session_timeout_seconds, field="sessionTimeoutSeconds")
        pipeline = cls(
            id=PipelineId(new_id()),
            tenant_id=tenant_id,
            project_id=project_id,
            name=require_text(name, field="name", limit=NAME_LIMIT),
            session_timeout_seconds=session_timeout_seconds,
            created_at=at,
            updated_at=at,
        )
        pipeline.record(PipelineCreated(pipeline_id=pipeline.id, project_id=project_id), at=at)
        return pipeline
