"""Fields that two or three engines show alike."""

from wasim.content import Location, Media, body_of
from wasim.message import Message, Quote
from wasim.wire import Body


def location_of(content: object) -> Body | None:
    """The `location` object of a place, None for other kinds."""
    if not isinstance(content, Location):
        return None
    return {
        "live": content.live,
        "latitude": content.latitude,
        "longitude": content.longitude,
        "name": content.name,
        "address": content.address,
        "url": content.url,
        "description": content.description,
        "thumbnail": None,
    }


def reply_of(quoted: Message | Quote, me: str, data: Body) -> Body:
    """The `replyTo` object; its id is the bare one, its media never carries a URL."""
    body: str | None
    if isinstance(quoted, Quote):
        participant, body, has_media = quoted.participant, quoted.body, False
    else:
        participant = quoted.participant or (me if quoted.from_me else quoted.chat_id)
        body, has_media = body_of(quoted.content), isinstance(quoted.content, Media)
    return {
        "id": quoted.wa_id,
        "participant": participant,
        "body": body,
        "hasMedia": has_media,
        "media": None,
        "_data": data,
    }


def participant_v2(address: str, phone: str | None, role: str) -> Body:
    """One entry of `participants/v2`; `pn` only when the number is known."""
    entry: Body = {"id": address}
    if phone is not None:
        entry["pn"] = f"{phone}@c.us"
    return entry | {"role": role}
