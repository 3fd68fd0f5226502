"""What is said to and by the mutations of enrichments."""

import strawberry

from resolvers.crm import enrichments as resolve
from schema.crm.enrichment import Enrichment
from schema.fields import optional, plain
from schema.mutations import mutation, user_errors
from schema.user_errors import UserError


@strawberry.input(description="What to try again.")
class EnrichmentRetryInput:
    """What to try again."""

    id: strawberry.ID = plain("The enrichment.")
    expected_version: int | None = optional("The version you have seen; refused if there is a newer one.")


@strawberry.type(description="What came of asking for another attempt.")
class EnrichmentRetryPayload:
    """The answer."""

    enrichment: Enrichment | None = plain("The enrichment, PENDING.", default=None)
    user_errors: list[UserError] = user_errors()


enrichment_retry = mutation(
    resolve.retry,
    "Tries a FAILED or SKIPPED enrichment again, within the budget of the day.",
    takes=EnrichmentRetryInput,
    gives=EnrichmentRetryPayload,
    show=lambda enrichment: {"enrichment": enrichment},
)
