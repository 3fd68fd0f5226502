"""What a burst says: its messages in the order they were written, each in its latest wording and with its files."""

from collections.abc import Iterable, Mapping, Sequence

from domain.crm.content_text import full_text
from domain.crm.message import Message
from domain.crm.message_group import GroupPart, MessageGroup
from domain.ids import MessageId
from persistence.unit_of_work import Reader
from services.crm.enrichment_texts import found_in


async def parts_of(reader: Reader, group: MessageGroup) -> list[GroupPart]:
    """Return what the messages of a group say."""
    messages = (await reader.messages.find_many(group.message_ids)).values()
    found = await found_in(reader, message_ids=[one.id for one in messages if one.revoked_at is None])
    return parts(messages, found)


def parts(messages: Iterable[Message], found: Mapping[MessageId, Sequence[str]]) -> list[GroupPart]:
    """Return what messages say that were not deleted, by WhatsApp's time and then as they were filed.

    A message says its words, then what was `found` in its file, else a marker such as `[audio]`.
    """
    return [
        GroupPart(
            message_id=message.id,
            kind=message.content_kind.value,
            sent_at=message.sent_at,
            text=full_text(message.content, text=message.text, found=found.get(message.id, ())),
        )
        for message in sorted(messages, key=lambda one: (one.sent_at, one.id))
        if message.revoked_at is None
    ]


async def is_anything_open(reader: Reader, group: MessageGroup) -> bool:
    """Whether what a file says is still being found out."""
    return await reader.enrichments.open_among(group.message_ids) > 0
