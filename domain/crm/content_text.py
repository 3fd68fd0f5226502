"""What a message says as plain text, for those who read nothing else: models, summaries, logs of a burst.

Places, cards, polls and the like are told from what they contain, always the same; files that nobody has read
are told by a marker such as `[audio]`.
"""

from collections.abc import Sequence

from domain.crm.content import (
    ButtonsContent,
    ContactCardContent,
    ContentKind,
    EventContent,
    ListContent,
    LocationContent,
    MessageContent,
    OrderContent,
    PollContent,
)

_MARKERS = {
    ContentKind.IMAGE: "[image]",
    ContentKind.VIDEO: "[video]",
    ContentKind.AUDIO: "[audio]",
    ContentKind.VOICE: "[audio]",
    ContentKind.DOCUMENT: "[document]",
    ContentKind.STICKER: "[sticker]",
    ContentKind.UNSUPPORTED: "[unsupported]",
}


def full_text(content: MessageContent, *, text: str | None, found: Sequence[str] = ()) -> str:
    """Return all that a message says: its latest words, then what was found in its file, else a marker."""
    beyond = list(found) or [one for one in (stated_text(content) or marker(content),) if one]
    return " ".join(one for one in ((text or "").strip(), *beyond) if one)


def stated_text(content: MessageContent) -> str | None:
    """Return what a content without a file says beyond its words; None when it says nothing, or has a file."""
    match content:
        case LocationContent():
            return _location(content)
        case ContactCardContent():
            return "Contact: " + "; ".join(", ".join((one.name, *one.phones)) for one in content.contacts)
        case PollContent():
            return f"Poll: {content.name} ({', '.join(content.options)})"
        case ListContent():
            return _list(content)
        case ButtonsContent():
            return _buttons(content)
        case EventContent():
            return _event(content)
        case OrderContent():
            return _order(content)
        case _:
            return None


def marker(content: MessageContent) -> str | None:
    """Return the word that stands for a content that says nothing by itself; None for one that has only words."""
    return _MARKERS.get(content.kind)


def _location(content: LocationContent) -> str:
    place = ", ".join(one for one in (content.name, content.address) if one)
    position = f"({content.latitude:.6f}, {content.longitude:.6f})"
    return " ".join(
        one for one in ("Live location:" if content.is_live else "Location:", place, position) if one
    )


def _list(content: ListContent) -> str | None:
    if content.selected_id is not None:
        chosen = next((row.title for row in content.rows if row.id == content.selected_id), None)
        # The title of what was chosen is usually the message's text.
        return None if content.text else f"Choice: {chosen or content.title or content.selected_id}"
    offer = ", ".join(row.title for row in content.rows)
    return _told("List", _lines(content.title, content.description), offer)


def _buttons(content: ButtonsContent) -> str | None:
    if content.selected_id is not None:
        chosen = next((one.text for one in content.buttons if one.id == content.selected_id), None)
        return None if content.text else f"Choice: {chosen or content.selected_id}"
    return _told("Buttons", _lines(content.header), ", ".join(one.text for one in content.buttons))


def _event(content: EventContent) -> str:
    times = " to ".join(
        one.strftime("%Y-%m-%d %H:%M UTC") for one in (content.starts_at, content.ends_at) if one
    )
    title = "Cancelled event:" if content.is_cancelled else "Event:"
    details = ", ".join(one for one in (content.name, times, content.location, content.description) if one)
    return f"{title} {details}"


def _order(content: OrderContent) -> str:
    amount = None
    if content.total_amount_1000 is not None:
        amount = f"{content.total_amount_1000 / 1000:.2f} {content.currency or ''}".strip()
    items = None if content.item_count is None else f"{content.item_count} items"
    details = ", ".join(one for one in (content.title, content.order_id, items, amount) if one)
    return f"Order: {details}" if details else "Order"


def _lines(*texts: str | None) -> str:
    return ", ".join(one for one in texts if one)


def _told(title: str, text: str, offer: str) -> str:
    said = f"{title}: {text}" if text else f"{title}:" if offer else title
    return f"{said} ({offer})" if offer and text else f"{said} {offer}" if offer else said
