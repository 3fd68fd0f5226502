"""What agents' tools do: the services of the application, bound to the one contact that is spoken with."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from domain.ai.agent_settings import AgentSettings
from domain.ai.contact_fact import MOST_FACTS, ContactFact
from domain.ai.quoting import Block, enclosed, quoted
from domain.ai.run import ToolOutcome
from domain.ai.tools import (
    TOOLS,
    AssignSession,
    BadArguments,
    CloseSession,
    EscalateToHuman,
    ListSessionSummaries,
    LookUpContact,
    RememberFact,
    RenameContact,
    SearchMessages,
    StaySilent,
    offered,
    read_arguments,
)
from domain.crm.contact import NameSource
from domain.errors import InvalidState, NotFound, TooMany
from domain.identity.permission import Permission
from domain.ids import ChatId, ContactId, SessionId
from persistence.ai import conversation
from persistence.unit_of_work import UnitOfWork
from services.ai.contact_data import facts_about
from services.ai.handing_over import session_of
from services.crm import sessions
from services.viewer import Viewer

RESULT_LIMIT = 8_000
"""Characters of what a tool returns; longer rows are left out, the last first."""

_SHOWN = 1_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Scope:
    """All that a tool can reach; no parameter names a contact, chat or session. `mark` encloses what is returned."""

    chat_id: ChatId
    contact_id: ContactId
    session_id: SessionId | None
    mark: str


async def call(
    uow: UnitOfWork,
    viewer: Viewer,
    *,
    scope: Scope,
    settings: AgentSettings,
    name: str,
    arguments: Mapping[str, object],
) -> tuple[ToolOutcome, str]:
    """Do what a call wants, if the agent may; return what came of it and what to tell the model.

    Raises the domain's errors when a rule is broken.
    """
    viewer.require(Permission.MESSAGES_READ)
    known = offered(settings.tools, can_escalate=settings.can_escalate)
    if name not in known:
        return ToolOutcome.FORBIDDEN, _told(f"There is no tool of this name. Yours are: {', '.join(known)}.")
    parameters = read_arguments(name, arguments)
    if isinstance(parameters, BadArguments):
        return ToolOutcome.REFUSED, _told(" ".join(parameters.problems))
    rows = await _ACTIONS[type(parameters)](uow, viewer, scope, parameters)
    return ToolOutcome.DONE, _shown(name, rows, mark=scope.mark)


async def _look_up(
    uow: UnitOfWork, viewer: Viewer, scope: Scope, _parameters: LookUpContact
) -> Sequence[Mapping[str, object]]:
    viewer.require(Permission.CONTACTS_READ)
    return [{"what": what, "is": value} for what, value in await facts_about(uow, scope.contact_id)]


async def _remember(
    uow: UnitOfWork, viewer: Viewer, scope: Scope, parameters: RememberFact
) -> Sequence[Mapping[str, object]]:
    viewer.require(Permission.CONTACTS_WRITE)
    await uow.contacts.get_for_update(scope.contact_id)
    known = await uow.contact_facts.about(scope.contact_id)
    if any(one.text.casefold() == parameters.fact.casefold() for one in known):
        return [{"done": "This was known already."}]
    if len(known) >= MOST_FACTS:
        raise TooMany(f"{MOST_FACTS} facts are remembered already; that is the limit.")
    uow.contact_facts.add(
        ContactFact.remember(
            parameters.fact,
            tenant_id=viewer.tenant_id,
            project_id=viewer.project_id,
            contact_id=scope.contact_id,
            agent_id=viewer.agent_id,
            at=uow.now,
        )
    )
    return [{"done": "Remembered."}]


async def _rename(
    uow: UnitOfWork, viewer: Viewer, scope: Scope, parameters: RenameContact
) -> Sequence[Mapping[str, object]]:
    viewer.require(Permission.CONTACTS_WRITE)
    contact = await uow.contacts.get_for_update(scope.contact_id)
    if contact.name_source is NameSource.MANUAL:
        raise InvalidState("A colleague wrote this person's name; only a colleague can change it.")
    contact.rename(parameters.name, source=NameSource.TOLD, said_at=uow.now, at=uow.now)
    return [{"done": "Noted."}]


async def _summaries(
    uow: UnitOfWork, viewer: Viewer, scope: Scope, parameters: ListSessionSummaries
) -> Sequence[Mapping[str, object]]:
    viewer.require(Permission.SESSIONS_READ)
    found = await uow.session_summaries.latest_of(scope.contact_id, limit=parameters.limit)
    return [{"ended": one.ended_at.isoformat(), "summary": one.text} for one in reversed(found)]


async def _search(
    uow: UnitOfWork, viewer: Viewer, scope: Scope, parameters: SearchMessages
) -> Sequence[Mapping[str, object]]:
    viewer.require(Permission.MESSAGES_READ)
    found = await conversation.search(
        uow.session, viewer.project_id, scope.contact_id, parameters.query, limit=parameters.limit
    )
    return [
        {
            "from": "customer" if one.is_inbound else "us",
            "at": one.sent_at.isoformat(timespec="seconds"),
            "text": (one.text or "")[:_SHOWN],
        }
        for one in found
    ]


async def _assign(
    uow: UnitOfWork, viewer: Viewer, scope: Scope, parameters: AssignSession
) -> Sequence[Mapping[str, object]]:
    viewer.require(Permission.SESSIONS_WRITE)
    people = await uow.agents.people(viewer.project_id)
    wanted = parameters.person.casefold()
    fitting = [one for one in people if one.name.casefold() == wanted]
    if len(fitting) != 1:
        names = ", ".join(one.name for one in people) or "nobody"
        raise NotFound(f"Exactly one person must have this name; there is {names}.")
    chat = await uow.chats.find(scope.chat_id)
    session = None if chat is None else await session_of(uow, chat, scope.session_id)
    if session is None:
        raise NotFound("There is no conversation to assign.")
    await sessions.assign(uow, viewer, session_id=session.id, agent_id=fitting[0].id, expected_version=None)
    return [{"done": f"{fitting[0].name} is in charge now."}]


async def _close(
    uow: UnitOfWork, viewer: Viewer, scope: Scope, _parameters: CloseSession
) -> Sequence[Mapping[str, object]]:
    viewer.require(Permission.SESSIONS_WRITE)
    chat = await uow.chats.find(scope.chat_id)
    session = None if chat is None else await session_of(uow, chat, scope.session_id)
    if session is None or not session.is_active:
        raise InvalidState("There is no conversation that goes on.")
    return [{"done": "The conversation ends after your answer."}]


async def _nothing(
    _uow: UnitOfWork, _viewer: Viewer, _scope: Scope, _parameters: EscalateToHuman | StaySilent
) -> Sequence[Mapping[str, object]]:
    """Do nothing yet: this call ends the run, and the ending does it."""
    return [{"done": "Noted."}]


# Any: each action takes the parameters of its own tool.
_Action = Callable[[UnitOfWork, Viewer, Scope, Any], Awaitable[Sequence[Mapping[str, object]]]]

_ACTIONS: Mapping[type, _Action] = {
    LookUpContact: _look_up,
    RememberFact: _remember,
    RenameContact: _rename,
    ListSessionSummaries: _summaries,
    SearchMessages: _search,
    AssignSession: _assign,
    CloseSession: _close,
    EscalateToHuman: _nothing,
    StaySilent: _nothing,
}
assert set(_ACTIONS) == set(TOOLS.values())  # noqa: S101 Whoever adds a tool adds what it does.


def _told(text: str) -> str:
    return quoted({"error": text})


def _shown(name: str, rows: Sequence[Mapping[str, object]], *, mark: str) -> str:
    lines: list[str] = []
    left = RESULT_LIMIT
    for line in map(quoted, rows):
        left -= len(line)
        if left < 0:
            break
        lines.append(line)
    return enclosed([Block(name, tuple(lines) or (quoted({"found": "nothing"}),))], mark=mark)
