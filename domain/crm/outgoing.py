"""What may be sent: the limits WhatsApp and the product set on our own messages."""

from urllib.parse import urlsplit

from domain.crm.content import (
    DocumentContent,
    ImageContent,
    LocationContent,
    Media,
    MessageContent,
    TextContent,
    media_of,
)
from domain.errors import CapabilityUnsupported, Invalid, Required, within

TEXT_LIMIT, CAPTION_LIMIT, URL_LIMIT, FILENAME_LIMIT, PLACE_LIMIT = 4_096, 1_024, 2_048, 255, 255
CLIENT_MESSAGE_ID_LIMIT = 255
_SENDABLE = TextContent | ImageContent | DocumentContent | LocationContent


def checked(content: MessageContent) -> MessageContent:
    """Return content that may be sent, or raise `Required`, `TooLong`, `Invalid` or `CapabilityUnsupported`."""
    if not isinstance(content, _SENDABLE):
        raise CapabilityUnsupported(
            f"Content of kind {content.kind.value} cannot be sent yet; send text, an image, a document or a location.",
            field=["content"],
        )
    if isinstance(content, TextContent):
        if not content.text.strip():
            raise Required("The text must not be empty.", field=["content", "text", "text"])
        within(content.text, field="content.text.text", limit=TEXT_LIMIT)
    elif isinstance(content, LocationContent):
        _check_place(content)
    else:
        within(content.text or "", field="content.caption", limit=CAPTION_LIMIT)
    if (media := media_of(content)) is not None:
        _check_media(media)
    return content


def _check_place(place: LocationContent) -> None:
    for name, value, most in (("latitude", place.latitude, 90), ("longitude", place.longitude, 180)):
        if not -most <= value <= most:
            raise Invalid(
                f"{name} is {value}; it must be between -{most} and {most} degrees.",
                field=["content", "location", name],
            )
    within(place.name or "", field="content.location.name", limit=PLACE_LIMIT)
    within(place.address or "", field="content.location.address", limit=PLACE_LIMIT)


def _check_media(media: Media) -> None:
    if not media.url:
        raise Required("Give the file's url.", field=["content", "url"])
    within(media.url, field="content.url", limit=URL_LIMIT)
    parts = urlsplit(media.url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username or parts.password:
        raise Invalid(
            "The url must be an absolute http or https address without credentials.", field=["content", "url"]
        )
    within(media.filename or "", field="content.filename", limit=FILENAME_LIMIT)
