"""What is said to and by the mutations of sessions."""

import strawberry

from domain.crm.session import SessionEndReason
from resolvers.crm import sessions as resolve
from schema.crm.session import Session
from schema.fields import optional, plain
from schema.mutations import mutation, user_errors
from schema.user_errors import UserError


@strawberry.input(description="Which session to end.")
class SessionCloseInput:
    """Which session to end."""

    id: strawberry.ID = plain("The session.")
    reason: SessionEndReason = plain(
        "Why: MANUAL_CLOSE, RESOLVED or CONTACT_REQUEST.", default=SessionEndReason.MANUAL_CLOSE
    )
    expected_version: int | None = optional("The version you have seen; refused if there is a newer one.")


@strawberry.input(description="Who takes charge of which session.")
class SessionAssignInput:
    """Who takes charge of which session."""

    id: strawberry.ID = plain("The session.")
    agent_id: strawberry.ID = plain("The agent.")
    expected_version: int | None = optional("The version you have seen; refused if there is a newer one.")


@strawberry.type(description="What came of closing a session.")
class SessionClosePayload:
    """The answer."""

    session: Session | None = plain("The session as it is now.", default=None)
    user_errors: list[UserError] = user_errors()


@strawberry.type(description="What came of assigning a session.")
class SessionAssignPayload:
    """The answer."""

    session: Session | None = plain("The session as it is now.", default=None)
    user_errors: list[UserError] = user_errors()


session_close = mutation(
    resolve.close,
    "Ends a session by hand.",
    takes=SessionCloseInput,
    gives=SessionClosePayload,
    show=lambda session: {"session": session},
)
session_assign = mutation(
    resolve.assign,
    "Puts an agent in charge of a session that goes on.",
    takes=SessionAssignInput,
    gives=SessionAssignPayload,
    show=lambda session: {"session": session},
)
