"""What a burst says: its messages in the order they were written, each in its latest wording."""

from domain.crm.message_group import GroupPart, MessageGroup
from persistence.unit_of_work import Reader


async def parts_of(reader: Reader, group: MessageGroup) -> list[GroupPart]:
    """Return the messages of a group that were not deleted, by WhatsApp's time and then as they were filed."""
    found = await reader.messages.find_many(group.message_ids)
    messages = [one for one in found.values() if one.revoked_at is None]
    return [
        GroupPart(
            message_id=message.id,
            kind=message.content_kind.value,
            sent_at=message.sent_at,
            text=(message.text or "").strip() or f"[{message.content_kind.value.lower()}]",
        )
        for message in sorted(messages, key=lambda one: (one.sent_at, one.id))
    ]


async def is_anything_open(reader: Reader, group: MessageGroup) -> bool:
    """Whether what a file says is still being found out."""
    return False
