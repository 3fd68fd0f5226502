"""What messages say as plain text."""

from datetime import UTC, datetime

import pytest

from domain.crm.content import (
    AudioContent,
    Button,
    ButtonsContent,
    ContactCard,
    ContactCardContent,
    DocumentContent,
    EventContent,
    ImageContent,
    ListContent,
    ListRow,
    LocationContent,
    Media,
    MessageContent,
    OrderContent,
    PollContent,
    StickerContent,
    SystemContent,
    TextContent,
    UnsupportedContent,
    VideoContent,
    VoiceContent,
)
from domain.crm.content_text import full_text

ROWS = (ListRow(id="1", title="Pequena"), ListRow(id="2", title="Grande"))
AT = datetime(2026, 7, 14, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (TextContent(text="Oi"), "Oi"),
        (ImageContent(media=Media(), text="Olhe"), "Olhe [image]"),
        (VideoContent(media=Media()), "[video]"),
        (AudioContent(media=Media()), "[audio]"),
        (VoiceContent(media=Media()), "[audio]"),
        (DocumentContent(media=Media()), "[document]"),
        (StickerContent(media=Media()), "[sticker]"),
        (
            LocationContent(latitude=-23.55, longitude=-46.63, name="Padaria", address="Rua 1", text="Aqui"),
            "Aqui Location: Padaria, Rua 1 (-23.550000, -46.630000)",
        ),
        (
            LocationContent(latitude=0, longitude=0, is_live=True),
            "Live location: (0.000000, 0.000000)",
        ),
        (
            ContactCardContent(
                contacts=(ContactCard(name="Ana", phones=("+55 11 9",)), ContactCard(name="Bia"))
            ),
            "Contact: Ana, +55 11 9; Bia",
        ),
        (PollContent(name="Sabor?", options=("Doce", "Salgado")), "Poll: Sabor? (Doce, Salgado)"),
        (ListContent(title="Pizza", rows=ROWS), "List: Pizza (Pequena, Grande)"),
        (ListContent(rows=ROWS), "List: Pequena, Grande"),
        (ListContent(), "List"),
        (ListContent(rows=ROWS, selected_id="2"), "Choice: Grande"),
        (ListContent(selected_id="2", text="Grande"), "Grande"),
        (ButtonsContent(buttons=(Button(id="s", text="Sim"),), header="Certo?"), "Buttons: Certo? (Sim)"),
        (ButtonsContent(selected_id="s"), "Choice: s"),
        (ButtonsContent(selected_id="s", text="Sim"), "Sim"),
        (
            EventContent(name="Festa", starts_at=AT, location="Sede"),
            "Event: Festa, 2026-07-14 12:00 UTC, Sede",
        ),
        (EventContent(name="Festa", is_cancelled=True), "Cancelled event: Festa"),
        (
            OrderContent(title="Bolo", item_count=2, total_amount_1000=19990, currency="BRL"),
            "Order: Bolo, 2 items, 19.99 BRL",
        ),
        (OrderContent(), "Order"),
        (SystemContent(notice="GROUP_CREATED"), ""),
        (UnsupportedContent(raw_kind="x", raw="{}"), "[unsupported]"),
    ],
)
def test_everything_says_something_always_the_same(content: MessageContent, expected: str) -> None:
    assert full_text(content, text=content.text) == expected


def test_what_was_found_in_a_file_takes_the_place_of_the_marker() -> None:
    content = ImageContent(media=Media(), text="Olhe")

    assert full_text(content, text="Veja", found=["A cake.", "R$ 10"]) == "Veja A cake. R$ 10"
