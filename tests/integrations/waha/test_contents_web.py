"""Every kind of content in the format of WhatsApp Web, and what WAHA's own fields tell."""

from datetime import UTC, datetime

import pytest

from domain.crm.content import (
    AudioContent,
    ButtonsContent,
    ContactCardContent,
    DocumentContent,
    EventContent,
    ImageContent,
    ListContent,
    ListRow,
    LocationContent,
    Media,
    OrderContent,
    PollContent,
    StickerContent,
    SystemContent,
    TextContent,
    VideoContent,
    VoiceContent,
)
from integrations.waha.content import Nothing
from integrations.waha.messages import content_of
from tests.integrations.waha.payloads import (
    JOAO_CARD,
    OFFERED,
    URL,
    VCARD,
    gows,
    media,
    webjs,
)


@pytest.mark.parametrize(
    ("payload", "content"),
    [
        (webjs("chat", text="Oi"), TextContent(text="Oi")),
        (
            webjs(
                "image",
                text="Foto",
                raw={"caption": "Foto", "size": 5, "width": 1},
                hasMedia=True,
                media=OFFERED,
            ),
            ImageContent(media=media(size=5, width=1), text="Foto"),
        ),
        (
            webjs("video", raw={"duration": "9", "isGif": True}, hasMedia=True, media=OFFERED),
            VideoContent(media=media(duration_seconds=9), is_gif=True),
        ),
        (webjs("ptv", hasMedia=True, media=OFFERED), VideoContent(media=media(), is_note=True)),
        (webjs("ptt", hasMedia=True, media=OFFERED), VoiceContent(media=media())),
        (webjs("audio", hasMedia=True, media=OFFERED), AudioContent(media=media())),
        (
            webjs(
                "document",
                text="a.pdf",
                raw={"filename": "a.pdf", "body": "a.pdf"},
                hasMedia=True,
                media=OFFERED,
            ),
            DocumentContent(media=media(filename="a.pdf")),
        ),
        (webjs("sticker", hasMedia=True, media=OFFERED), StickerContent(media=media())),
        (
            webjs("location", text="Hjyu6w==", location={"latitude": "-23.5", "longitude": "-46.6"}),
            LocationContent(latitude=-23.5, longitude=-46.6),
        ),
        (
            webjs("location", text="Hjyu6w==", raw={"lat": 1, "lng": 2, "isLive": True}),
            LocationContent(latitude=1.0, longitude=2.0, is_live=True),
        ),
        (webjs("vcard", text=VCARD), ContactCardContent(contacts=(JOAO_CARD,))),
        (webjs("multi_vcard", vCards=[VCARD, VCARD]), ContactCardContent(contacts=(JOAO_CARD, JOAO_CARD))),
        (
            webjs(
                "poll_creation",
                raw={"pollName": "Q", "pollOptions": [{"name": "A"}], "pollSelectableOptionsCount": 0},
            ),
            PollContent(name="Q", options=("A",)),
        ),
        (
            webjs(
                "list",
                text="Menu",
                raw={
                    "list": {
                        "title": "M",
                        "buttonText": "Ver",
                        "sections": [{"rows": [{"rowId": "a", "title": "A"}]}],
                    }
                },
            ),
            ListContent(title="M", button="Ver", rows=(ListRow(id="a", title="A"),), text="Menu"),
        ),
        (
            webjs(
                "list_response",
                text="A",
                raw={"listResponse": {"title": "A", "singleSelectReply": {"selectedRowId": "a"}}},
            ),
            ListContent(title="A", selected_id="a", text="A"),
        ),
        (
            webjs("buttons_response", text="Sim", raw={"selectedButtonId": "y"}),
            ButtonsContent(selected_id="y", text="Sim"),
        ),
        (
            webjs("event_creation", raw={"eventName": "E", "eventStartTime": 1784086400}),
            EventContent(name="E", starts_at=datetime.fromtimestamp(1784086400, UTC)),
        ),
        (
            webjs(
                "order",
                raw={"orderId": "1", "itemCount": 2, "totalAmount1000": 5, "totalCurrencyCode": "BRL"},
            ),
            OrderContent(order_id="1", item_count=2, total_amount_1000=5, currency="BRL"),
        ),
        (webjs("gp2", raw={"subtype": "add"}), SystemContent(notice="gp2.add")),
        (webjs("call_log"), SystemContent(notice="call_log")),
    ],
)
def test_the_format_of_whatsapp_web_is_read(payload, content):
    assert content_of(payload) == content


@pytest.mark.parametrize(
    ("payload", "content"),
    [
        ({"body": "Oi"}, TextContent(text="Oi")),
        ({"body": "Oi", "hasMedia": True, "media": OFFERED}, ImageContent(media=media(), text="Oi")),
        (
            {"hasMedia": True, "media": {"mimetype": "video/mp4"}},
            VideoContent(media=Media(mime_type="video/mp4", error="WAHA offered no file.")),
        ),
        ({"hasMedia": True}, DocumentContent(media=Media(error="WAHA offered no file."))),
        ({"location": {"latitude": 1, "longitude": "2"}}, LocationContent(latitude=1.0, longitude=2.0)),
        ({"vCards": [VCARD, 7]}, ContactCardContent(contacts=(JOAO_CARD,))),
        ({"body": ""}, Nothing("no content")),
        ({}, Nothing("no content")),
    ],
)
def test_wahas_own_fields_are_enough(payload, content):
    assert content_of(payload) == content


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (
            {"url": URL, "mimetype": "audio/ogg; codecs=opus", "filename": None},
            Media(url=URL, mime_type="audio/ogg"),
        ),
        (None, Media(error="WAHA offered no file.", mime_type="image/png")),
        ({"url": None, "mimetype": "image/png"}, Media(error="WAHA offered no file.", mime_type="image/png")),
        (
            {"url": None, "error": {"details": "expired", "code": 410}},
            Media(error="expired", mime_type="image/png"),
        ),
        ({"url": None, "error": "no space"}, Media(error="no space", mime_type="image/png")),
        (
            {"url": URL, "filename": "../../etc/passwd"},
            Media(url=URL, filename="passwd", mime_type="image/png"),
        ),
        ({"url": URL, "filename": "C:\\a\\b.png"}, Media(url=URL, filename="b.png", mime_type="image/png")),
    ],
)
def test_a_file_is_described_or_its_absence_explained(told, expected):
    payload = gows({"imageMessage": {"mimetype": "image/png"}}, hasMedia=True, media=told)
    assert content_of(payload) == ImageContent(media=expected)
