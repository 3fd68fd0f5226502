"""Lists, buttons, events and orders in WhatsApp's own format."""

import json
from collections.abc import Callable

from domain.crm.content import (
    Button,
    ButtonsContent,
    EventContent,
    ListContent,
    ListRow,
    MessageContent,
    OrderContent,
)
from integrations.waha.fields import Node, child, flag, integer, items, member, text
from integrations.waha.times import instant


def _list_offer(node: Node, body: str | None) -> MessageContent:
    rows = (row for section in items(node, "sections") for row in items(section, "rows"))
    return ListContent(
        title=text(node, "title"),
        description=text(node, "description"),
        button=text(node, "buttonText"),
        footer=text(node, "footerText"),
        rows=tuple(
            ListRow(
                id=text(row, "rowId") or "",
                title=text(row, "title") or "",
                description=text(row, "description"),
            )
            for row in rows
        ),
        text=body,
    )


def _list_answer(node: Node, body: str | None) -> MessageContent:
    return ListContent(
        title=text(node, "title"),
        description=text(node, "description"),
        selected_id=text(child(node, "singleSelectReply"), "selectedRowId") or "",
        text=body or text(node, "title"),
    )


def _buttons_offer(node: Node, body: str | None) -> MessageContent:
    return ButtonsContent(
        buttons=tuple(
            Button(id=text(one, "buttonId") or "", text=text(child(one, "buttonText"), "displayText") or "")
            for one in items(node, "buttons")
        ),
        header=text(node, "text"),
        footer=text(node, "footerText"),
        text=body or text(node, "contentText"),
    )


def _buttons_answer(node: Node, body: str | None) -> MessageContent:
    return ButtonsContent(
        selected_id=text(node, "selectedButtonId", "selectedId") or "",
        text=body or text(node, "selectedDisplayText"),
    )


def _template(node: Node, body: str | None) -> MessageContent | None:
    template = child(node, "hydratedTemplate") or child(node, "hydratedFourRowTemplate")
    if not template:
        interactive = child(node, "interactiveMessageTemplate")
        return _interactive_offer(interactive, body) if interactive else None
    return ButtonsContent(
        buttons=tuple(_hydrated(one) for one in items(template, "hydratedButtons")),
        header=text(template, "hydratedTitleText"),
        footer=text(template, "hydratedFooterText"),
        text=body or text(template, "hydratedContentText"),
    )


def _hydrated(button: object) -> Button:
    kinds = (child(button, name) for name in ("quickReplyButton", "urlButton", "callButton"))
    one = next((kind for kind in kinds if kind), {})
    return Button(id=text(one, "id", "url", "phoneNumber") or "", text=text(one, "displayText") or "")


def _interactive_offer(node: Node, body: str | None) -> MessageContent:
    buttons = items(child(node, "nativeFlowMessage"), "buttons")
    return ButtonsContent(
        buttons=tuple(_native(one) for one in buttons),
        header=text(child(node, "header"), "title"),
        footer=text(child(node, "footer"), "text"),
        text=body or text(child(node, "body"), "text"),
    )


def _native(button: object) -> Button:
    params = _parameters(text(button, "buttonParamsJson"))
    name = text(button, "name") or ""
    return Button(
        id=text(params, "id", "url", "phone_number", "copy_code") or name,
        text=text(params, "display_text", "title") or name,
    )


def _interactive_answer(node: Node, body: str | None) -> MessageContent:
    params = text(child(node, "nativeFlowResponseMessage"), "paramsJson")
    return ButtonsContent(
        selected_id=text(_parameters(params), "id") or "",
        params=params,
        text=body or text(child(node, "body"), "text"),
    )


def _parameters(written: str | None) -> Node:
    try:
        value: object = json.loads(written or "{}")
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _event(node: Node, body: str | None) -> MessageContent | None:
    name = text(node, "name")
    return (
        None
        if name is None
        else EventContent(
            name=name,
            description=text(node, "description"),
            starts_at=instant(member(node, "startTime")),
            ends_at=instant(member(node, "endTime")),
            location=text(child(node, "location"), "name", "address"),
            is_cancelled=flag(node, "isCanceled"),
            text=body,
        )
    )


def _order(node: Node, body: str | None) -> MessageContent:
    return OrderContent(
        order_id=text(node, "orderId"),
        title=text(node, "orderTitle"),
        item_count=integer(node, "itemCount"),
        total_amount_1000=integer(node, "totalAmount1000"),
        currency=text(node, "totalCurrencyCode"),
        text=body or text(node, "message"),
    )


def _product(node: Node, body: str | None) -> MessageContent:
    product = child(node, "product")
    return OrderContent(
        order_id=text(product, "productId"),
        title=text(product, "title"),
        total_amount_1000=integer(product, "priceAmount1000"),
        currency=text(product, "currencyCode"),
        text=body or text(node, "body"),
    )


READERS: dict[str, Callable[[Node, str | None], MessageContent | None]] = {
    "listmessage": _list_offer,
    "listresponsemessage": _list_answer,
    "buttonsmessage": _buttons_offer,
    "buttonsresponsemessage": _buttons_answer,
    "templatebuttonreplymessage": _buttons_answer,
    "templatemessage": _template,
    "interactivemessage": _interactive_offer,
    "interactiveresponsemessage": _interactive_answer,
    "eventmessage": _event,
    "ordermessage": _order,
    "productmessage": _product,
}
"""The reader of each kind, by its name in lower case; a reader returns None for a node it cannot read."""
