"""What an agent is given to answer a burst: the conversation, earlier sessions, and the contact, as data."""

from domain.ai.prompt import Material, Said
from domain.crm.content_text import marker, stated_text
from domain.crm.message import Message
from domain.identity.permission import Permission
from persistence.ai import conversation
from persistence.unit_of_work import Reader
from services.ai.assignments import Assignment
from services.ai.contact_data import facts_about
from services.viewer import Viewer

_MESSAGES, _SESSIONS = 200, 10
"""How far back is looked; how much of it is told is a matter of tokens."""


async def gather(reader: Reader, viewer: Viewer, *, assignment: Assignment) -> Material:
    """Return everything there is to tell, oldest first."""
    viewer.require(Permission.MESSAGES_READ)
    summaries = await reader.session_summaries.latest_of(
        assignment.contact_id, limit=_SESSIONS, besides=assignment.session_id
    )
    said = await conversation.recent_messages(
        reader.session, assignment.chat_id, besides=assignment.message_ids, limit=_MESSAGES
    )
    return Material(
        facts=tuple(await facts_about(reader, assignment.contact_id)),
        summaries=tuple((one.ended_at, one.text) for one in summaries),
        history=tuple(said_in(one) for one in said),
        burst=tuple(
            Said(from_contact=True, at=part.sent_at, kind=part.kind, text=part.text)
            for part in assignment.parts
        ),
    )


def said_in(message: Message) -> Said:
    """Return what a message says; one without words only tells what kind of thing it is."""
    beyond = stated_text(message.content) or marker(message.content)
    return Said(
        from_contact=message.is_inbound,
        at=message.sent_at,
        kind=message.content_kind.value,
        text=" ".join(one for one in (message.text, beyond) if one),
    )
