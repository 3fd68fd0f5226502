"""What an agent is given to answer a burst: the conversation, earlier sessions, and the contact, as data."""

from collections.abc import Sequence

from domain.ai.prompt import Material, Said
from domain.crm.message import Message
from domain.identity.permission import Permission
from persistence.ai import conversation
from persistence.unit_of_work import Reader
from services.ai.assignments import Assignment
from services.ai.contact_data import facts_about
from services.crm.enrichment_texts import full_texts
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
        history=await said_in(reader, viewer, messages=said),
        burst=tuple(
            Said(from_contact=True, at=part.sent_at, kind=part.kind, text=part.text)
            for part in assignment.parts
        ),
    )


async def said_in(reader: Reader, viewer: Viewer, *, messages: Sequence[Message]) -> tuple[Said, ...]:
    """Return what messages say, in the order given: their words, and what was found in their files."""
    viewer.require(Permission.MESSAGES_READ)
    texts = await full_texts(reader, viewer, messages=messages)
    return tuple(
        Said(
            from_contact=one.is_inbound,
            at=one.sent_at,
            kind=one.content_kind.value,
            text=texts[one.id],
        )
        for one in messages
    )
