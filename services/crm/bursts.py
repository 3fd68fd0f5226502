"""What a burst says: its messages in the order they were written, each in its latest wording."""

from collections.abc import Iterable

from domain.crm.message import Message
from domain.crm.message_group import GroupPart, MessageGroup
from persistence.unit_of_work import Reader


async def parts_of(reader: Reader, group: MessageGroup) -> list[GroupPart]:
    """Return what the messages of a group say."""
    return parts((await reader.messages.find_many(group.message_ids)).values())


def parts(messages: Iterable[Message]) -> list[GroupPart]:
    """Return what messages say that were not deleted, by WhatsApp's time and then as they were filed."""
    return [
        GroupPart(
            message_id=message.id,
            kind=message.content_kind.value,
            sent_at=message.sent_at,
            text=(message.text or "").strip() or f"[{message.content_kind.value.lower()}]",
        )
        for message in sorted(messages, key=lambda one: (one.sent_at, one.id))
        if message.revoked_at is None
    ]


async def is_anything_open(reader: Reader, group: MessageGroup) -> bool:
    """Whether what a file says is still being found out."""
    return False
