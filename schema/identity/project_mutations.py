"""What is said to and by the mutations of workspaces."""

import strawberry

from resolvers.identity import projects as resolve
from schema.fields import optional, plain
from schema.identity.tenant import Project
from schema.mutations import mutation, user_errors
from schema.user_errors import UserError


@strawberry.input(description="What AI providers may cost.")
class ProjectSetAiBudgetInput:
    """What AI providers may cost."""

    ai_daily_budget_microusd: int | None = plain(
        "Millionths of a US dollar in a day of UTC, 0 to 2,000,000,000; 0 lets nothing be spent, null follows the "
        "installation."
    )
    expected_version: int | None = optional("The version you have seen; refused if there is a newer one.")


@strawberry.type(description="What came of setting the budget.")
class ProjectSetAiBudgetPayload:
    """The answer."""

    project: Project | None = plain("The project as it is now.", default=None)
    user_errors: list[UserError] = user_errors()


project_set_ai_budget = mutation(
    resolve.set_ai_budget,
    "Sets what AI providers may cost the project in a day. What is over it is skipped, and can be tried again.",
    takes=ProjectSetAiBudgetInput,
    gives=ProjectSetAiBudgetPayload,
    show=lambda project: {"project": project},
)
