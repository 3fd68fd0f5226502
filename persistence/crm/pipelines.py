"""Pipelines: table, mapping, repository."""

from sqlalchemy import Column, Index, Integer, Text, Uuid, func

from domain.crm.pipeline import Pipeline
from persistence.metadata import belongs_to, tenant_table
from persistence.repository import Repository
from persistence.types import instant

pipelines = tenant_table(
    "pipelines",
    Column("project_id", Uuid, nullable=False),
    Column("name", Text, nullable=False),
    Column("session_timeout_seconds", Integer),
    Column("created_at", instant(), nullable=False),
    Column("updated_at", instant(), nullable=False),
    Column("version", Integer, nullable=False),
    belongs_to("project_id", "projects"),
)
Index(
    "uq_pipelines_name",
    pipelines.c.tenant_id,
    pipelines.c.project_id,
    func.lower(pipelines.c.name),
    unique=True,
)


class Pipelines(Repository[Pipeline]):
    """The pipelines of a tenant."""

    aggregate = Pipeline
    table = pipelines
