"""What is said to and by the mutations that silence agents and make them forget."""

from datetime import datetime

import strawberry

from domain.ai import contact_fact as domain
from domain.ids import ContactFactId
from resolvers.ai import automation
from resolvers.ai import sessions as resolve
from resolvers.ids import public
from schema.crm.chat import Chat
from schema.fields import optional, plain
from schema.mutations import mutation, user_errors
from schema.user_errors import UserError


@strawberry.input(description="Where agents are to be silent, and how long.")
class ChatAutomationPauseInput:
    """Where agents are to be silent: with neither until nor seconds, until chatAutomationResume."""

    id: strawberry.ID = plain("The chat.")
    until: datetime | None = optional("Until when.", name="untilAt")
    seconds: int | None = optional("For how long, 1 to 31,536,000 s.")
    expected_version: int | None = optional("The version you have seen; refused if there is a newer one.")


@strawberry.type(description="What came of silencing agents in a chat.")
class ChatAutomationPausePayload:
    """The answer."""

    chat: Chat | None = plain("The chat as it is now.", default=None)
    user_errors: list[UserError] = user_errors()


@strawberry.input(description="Where agents may answer again.")
class ChatAutomationResumeInput:
    """Where agents may answer again."""

    id: strawberry.ID = plain("The chat.")
    expected_version: int | None = optional("The version you have seen; refused if there is a newer one.")


@strawberry.type(description="What came of letting agents answer again in a chat.")
class ChatAutomationResumePayload:
    """The answer."""

    chat: Chat | None = plain("The chat as it is now.", default=None)
    user_errors: list[UserError] = user_errors()


@strawberry.input(description="What to forget about a contact.")
class ContactFactForgetInput:
    """What to forget."""

    id: strawberry.ID = plain("The fact.")


@strawberry.type(description="What came of forgetting a fact.")
class ContactFactForgetPayload:
    """The answer."""

    forgotten_id: strawberry.ID | None = plain("The fact that is forgotten.", default=None)
    user_errors: list[UserError] = user_errors()


chat_automation_pause = mutation(
    automation.pause,
    "Silences AI agents in a chat; with neither untilAt nor seconds until they are let again.",
    takes=ChatAutomationPauseInput,
    gives=ChatAutomationPausePayload,
    show=lambda chat: {"chat": chat},
)
chat_automation_resume = mutation(
    automation.resume,
    "Lets AI agents answer in a chat again, and takes back that a person is needed there.",
    takes=ChatAutomationResumeInput,
    gives=ChatAutomationResumePayload,
    show=lambda chat: {"chat": chat},
)


def _forgotten(fact: domain.ContactFact) -> dict[str, object]:
    return {"forgotten_id": public(ContactFactId, fact.id)}


contact_fact_forget = mutation(
    resolve.forget,
    "Lets agents forget something about a contact, for good.",
    takes=ContactFactForgetInput,
    gives=ContactFactForgetPayload,
    show=_forgotten,
)
