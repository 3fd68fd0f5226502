"""Message contents without an engine's record: what WAHA's own fields tell."""

from domain.crm.content import MessageContent, TextContent
from integrations.waha.content import BLANK, Nothing, by_mime_type, cards_of, location_of, media_of
from integrations.waha.fields import Node, child, flag, text


def read(payload: Node) -> MessageContent | Nothing:
    """Return what WAHA's own fields say."""
    body = text(payload, "body")
    if flag(payload, "hasMedia") or text(child(payload, "media"), "url"):
        return by_mime_type(media_of(payload), body)
    special = location_of(payload) or cards_of(payload)
    if special is not None:
        return special
    return BLANK if body is None else TextContent(text=body)
