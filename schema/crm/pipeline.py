"""The pipeline as published."""

from datetime import datetime

import strawberry

from domain.crm import pipeline as domain
from domain.ids import PipelineId
from schema.fields import plain, represents
from schema.relay import Node, id_of


@strawberry.type(description="A funnel that channels feed; it can set how long their sessions wait.")
@represents(domain.Pipeline)
class Pipeline(Node):
    """A pipeline."""

    id: strawberry.ID = id_of(PipelineId)
    name: str = plain("What people call it; unique in the project, without regard to case.")
    session_timeout_seconds: int | None = plain(
        "How much silence ends a session, in seconds, unless the channel says otherwise."
    )
    created_at: datetime = plain("When it was set up.")
    updated_at: datetime = plain("When it last changed.")
    version: int = plain("Grows with every change.")
