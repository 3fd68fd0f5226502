"""What a message's file says, as published."""

from datetime import datetime

import strawberry

from domain.crm import enrichment as domain
from domain.crm.enrichment import EnrichmentKind, EnrichmentStatus
from domain.ids import EnrichmentId
from schema.fields import computed, plain, represents
from schema.relay import Node, id_of


@strawberry.type(
    description="What a message's file says, found out by a provider or a reader of the installation."
)
@represents(domain.Enrichment)
class Enrichment(Node):
    """An enrichment."""

    id: strawberry.ID = id_of(EnrichmentId)
    kind: EnrichmentKind = computed(lambda enrichment: enrichment.type, "What is found out.")
    status: EnrichmentStatus = plain("How far it came.")
    text: str | None = plain("What the file says, once it is COMPLETED; a long text is cut and says so.")
    language: str | None = plain("Its language, as the provider names it.")
    provider: str | None = plain("Who found it out; local for the installation itself.")
    model: str | None = plain("The model that did.")
    is_cached: bool = plain("Whether the same file had been asked about before, so that it cost nothing.")
    cost_microusd: int | None = plain("What it cost, in millionths of a US dollar; null when nobody knows.")
    duration_ms: int | None = plain("How long the call took, in milliseconds.")
    error: str | None = plain("What went wrong last, or why it was skipped.")
    attempts: int = plain("How often it was tried.")
    created_at: datetime = plain("When it was asked for.")
    completed_at: datetime | None = computed(
        lambda enrichment: enrichment.settled_at, "When it was completed, failed or skipped."
    )
    updated_at: datetime = plain("When it last changed.")
    version: int = plain("Grows with every change; give it as expectedVersion.")
