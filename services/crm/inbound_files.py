"""What follows when a reported message has a file: a worker will fetch it."""

from dataclasses import replace

from domain.crm.content import MediaStatus, MessageContent, media_of, with_media
from domain.crm.inbound import ReceivedMessage
from domain.crm.message import Message
from domain.ids import MediaId, new_id
from persistence.crm.conversations import Conversations
from persistence.messaging.media import WantedFile


def with_file_id(content: MessageContent) -> MessageContent:
    """Return the content with an id for its file, if it is of a kind that has one."""
    media = media_of(content)
    return content if media is None else with_media(content, replace(media, id=MediaId(new_id())))


def want_file(held: Conversations, message: Message, event: ReceivedMessage) -> None:
    """Have a message's file fetched from where the event offers it, once.

    Of a message that we sent, WAHA offers the file with the echo; the caller's own address is never called.
    """
    ours, offered = media_of(message.content), media_of(event.content)
    if ours is None or ours.id is None or ours.status is not MediaStatus.PENDING or offered is None:
        return
    held.files.append(
        WantedFile(
            tenant_id=message.tenant_id,
            message_id=message.id,
            channel_id=message.channel_id,
            media=replace(offered, id=ours.id),
            chat_address=str(event.key.chat),
            author_address=None if event.key.author is None else str(event.key.author.address),
        )
    )
