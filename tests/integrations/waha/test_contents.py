"""Every kind of content in WhatsApp's own format, which GOWS and NOWEB pass on."""

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
    OrderContent,
    PollContent,
    StickerContent,
    SystemContent,
    TextContent,
    UnsupportedContent,
    VideoContent,
    VoiceContent,
)
from integrations.waha.content import Nothing
from integrations.waha.messages import content_of
from tests.integrations.waha.payloads import (
    JOAO_CARD,
    VCARD,
    gows,
    media,
    noweb,
    webjs,
    with_file,
)


@pytest.mark.parametrize(
    ("payload", "content"),
    [
        (gows({"conversation": "Oi"}, text="Oi"), TextContent(text="Oi")),
        (gows({"conversation": "Oi"}, text=None), TextContent(text="Oi")),
        (noweb({"extendedTextMessage": {"text": "Oi"}}), TextContent(text="Oi")),
        (gows({"ephemeralMessage": {"message": {"conversation": "Oi"}}}), TextContent(text="Oi")),
        (
            gows(
                {"deviceSentMessage": {"message": {"ephemeralMessage": {"message": {"conversation": "Oi"}}}}}
            ),
            TextContent(text="Oi"),
        ),
        (
            with_file({"imageMessage": {"fileLength": "95267", "height": 2, "width": 1}}, text="Foto"),
            ImageContent(media=media(size=95267, width=1, height=2), text="Foto"),
        ),
        (
            with_file({"viewOnceMessageV2": {"message": {"imageMessage": {"viewOnce": True}}}}),
            ImageContent(media=media(), is_view_once=True),
        ),
        (
            with_file({"videoMessage": {"seconds": 9, "gifPlayback": True, "caption": "V"}}),
            VideoContent(media=media(duration_seconds=9), text="V", is_gif=True),
        ),
        (with_file({"ptvMessage": {}}), VideoContent(media=media(), is_note=True)),
        (
            with_file({"audioMessage": {"PTT": True, "seconds": 12}}),
            VoiceContent(media=media(duration_seconds=12)),
        ),
        (with_file({"audioMessage": {"ptt": True}}), VoiceContent(media=media())),
        (with_file({"audioMessage": {"PTT": False}}), AudioContent(media=media())),
        (
            with_file(
                {"documentWithCaptionMessage": {"message": {"documentMessage": {"title": "T"}}}}, text="C"
            ),
            DocumentContent(media=media(), text="C", title="T"),
        ),
        (
            with_file({"stickerMessage": {"isAnimated": True}}),
            StickerContent(media=media(), is_animated=True),
        ),
        (
            with_file({"lottieStickerMessage": {"message": {"stickerMessage": {"isLottie": True}}}}),
            StickerContent(media=media(), is_animated=True),
        ),
        (
            gows({"locationMessage": {"degreesLatitude": -23.5, "degreesLongitude": -46.6, "name": "Loja"}}),
            LocationContent(latitude=-23.5, longitude=-46.6, name="Loja"),
        ),
        (
            gows({"liveLocationMessage": {"degreesLatitude": 1, "degreesLongitude": 2, "caption": "Indo"}}),
            LocationContent(latitude=1.0, longitude=2.0, is_live=True, text="Indo"),
        ),
        (
            gows({"contactMessage": {"displayName": "João", "vcard": VCARD}}),
            ContactCardContent(contacts=(JOAO_CARD,)),
        ),
        (
            gows(
                {
                    "contactsArrayMessage": {
                        "contacts": [{"vcard": VCARD}, {"displayName": "Ana", "vcard": ""}]
                    }
                }
            ),
            ContactCardContent(contacts=(JOAO_CARD, ContactCard(name="Ana"))),
        ),
        (
            noweb(
                {
                    "pollCreationMessageV3": {
                        "name": "Q",
                        "options": [{"optionName": "A"}, {}],
                        "selectableOptionsCount": 1,
                    }
                }
            ),
            PollContent(name="Q", options=("A",), selectable_count=1),
        ),
        (
            gows(
                {
                    "listMessage": {
                        "title": "Menu",
                        "buttonText": "Ver",
                        "sections": [{"rows": [{"title": "A", "rowID": "a"}]}],
                    }
                }
            ),
            ListContent(title="Menu", button="Ver", rows=(ListRow(id="a", title="A"),)),
        ),
        (
            gows({"listResponseMessage": {"title": "A", "singleSelectReply": {"selectedRowID": "a"}}}),
            ListContent(title="A", selected_id="a", text="A"),
        ),
        (
            noweb(
                {
                    "buttonsMessage": {
                        "contentText": "Q",
                        "buttons": [{"buttonId": "y", "buttonText": {"displayText": "Sim"}}],
                    }
                }
            ),
            ButtonsContent(buttons=(Button(id="y", text="Sim"),), text="Q"),
        ),
        (
            noweb(
                {
                    "templateMessage": {
                        "hydratedTemplate": {
                            "hydratedContentText": "Q",
                            "hydratedButtons": [{"urlButton": {"displayText": "Ver", "url": "u"}}],
                        }
                    }
                }
            ),
            ButtonsContent(buttons=(Button(id="u", text="Ver"),), text="Q"),
        ),
        (
            noweb(
                {
                    "interactiveMessage": {
                        "body": {"text": "Q"},
                        "nativeFlowMessage": {
                            "buttons": [
                                {
                                    "name": "quick_reply",
                                    "buttonParamsJson": '{"display_text":"Sim","id":"y"}',
                                },
                                {"name": "x", "buttonParamsJson": "{"},
                            ]
                        },
                    }
                }
            ),
            ButtonsContent(buttons=(Button(id="y", text="Sim"), Button(id="x", text="x")), text="Q"),
        ),
        (
            noweb(
                {
                    "interactiveResponseMessage": {
                        "body": {"text": "Sim"},
                        "nativeFlowResponseMessage": {"paramsJson": '{"id":"y"}'},
                    }
                }
            ),
            ButtonsContent(selected_id="y", params='{"id":"y"}', text="Sim"),
        ),
        (
            noweb({"templateButtonReplyMessage": {"selectedId": "0", "selectedDisplayText": "Sim"}}),
            ButtonsContent(selected_id="0", text="Sim"),
        ),
        (
            gows(
                {
                    "eventMessage": {
                        "name": "E",
                        "startTime": 1784086400,
                        "location": {"name": "Loja"},
                        "isCanceled": True,
                    }
                }
            ),
            EventContent(
                name="E",
                starts_at=datetime.fromtimestamp(1784086400, UTC),
                location="Loja",
                is_cancelled=True,
            ),
        ),
        (
            noweb(
                {
                    "orderMessage": {
                        "orderId": "1",
                        "itemCount": 2,
                        "totalAmount1000": "199900",
                        "totalCurrencyCode": "BRL",
                    }
                }
            ),
            OrderContent(order_id="1", item_count=2, total_amount_1000=199900, currency="BRL"),
        ),
        (
            noweb(
                {
                    "productMessage": {
                        "product": {
                            "productId": "7",
                            "title": "P",
                            "priceAmount1000": {"low": 5000, "high": 0, "unsigned": False},
                            "currencyCode": "BRL",
                        }
                    }
                }
            ),
            OrderContent(order_id="7", title="P", total_amount_1000=5000, currency="BRL"),
        ),
    ],
)
def test_whatsapps_own_format_is_read(payload, content):
    assert content_of(payload) == content


@pytest.mark.parametrize(
    "message",
    [
        {"protocolMessage": {"type": 3}},
        {"senderKeyDistributionMessage": {}, "messageContextInfo": {}},
        {"messageContextInfo": {"messageSecret": "x"}},
        {"reactionMessage": {"text": "x"}},
        {"pollUpdateMessage": {}},
        {"ephemeralMessage": {"message": {"protocolMessage": {}}}},
        {"editedMessage": {"message": {"protocolMessage": {"type": 14}}}},
        {"albumMessage": {"expectedImageCount": 2}},
    ],
)
@pytest.mark.parametrize("build", [gows, noweb])
def test_traffic_of_the_protocol_is_no_message(build, message):
    assert content_of(build(message)) == Nothing("protocol")


@pytest.mark.parametrize("kind", ["e2e_notification", "protocol", "ciphertext", "revoked"])
def test_notes_of_whatsapp_web_to_itself_are_no_message(kind):
    assert content_of(webjs(kind)) == Nothing("protocol")


def test_a_blank_text_is_no_message():
    assert content_of(gows({"conversation": ""}, text="")) == Nothing("no content")
    assert content_of(webjs("chat", text="")) == Nothing("no content")
    assert content_of(gows(None)) == Nothing("no content")


def test_keys_that_ride_on_a_text_do_not_hide_it():
    message = {"senderKeyDistributionMessage": {}, "conversation": "Oi", "messageContextInfo": {}}
    assert content_of(gows(message, text="Oi")) == TextContent(text="Oi")


@pytest.mark.parametrize(
    ("payload", "raw_kind", "text"),
    [
        (gows({"messageContextInfo": {}, "placeholderMessage": {}}), "placeholderMessage", None),
        (gows({"requestPaymentMessage": {"amount": 1}}, text="Pague"), "requestPaymentMessage", "Pague"),
        (gows({"locationMessage": {"degreesLatitude": 91, "degreesLongitude": 0}}), "locationMessage", None),
        (gows({"pollCreationMessage": {"options": []}}), "pollCreationMessage", None),
        (gows({"viewOnceMessage": {"message": {}}}), "viewOnceMessage", None),
        (webjs("groups_v4_invite", text="Entre"), "groups_v4_invite", "Entre"),
        (webjs("poll_creation"), "poll_creation", None),
    ],
)
def test_unknown_kinds_stay_visible_and_keep_everything(payload, raw_kind, text):
    content = content_of(payload)
    assert isinstance(content, UnsupportedContent)
    assert (content.raw_kind, content.text) == (raw_kind, text)
    assert content.raw.startswith('{"id":"false_')
    assert " " not in content.raw.replace("2026-07-14 ", "")


def test_what_may_be_seen_once_on_the_phone_leaves_a_trace():
    payload = gows(None)
    payload["_data"]["IsViewOnce"] = True
    assert content_of(payload).raw_kind == "viewOnceMessage"


def test_an_unknown_kind_with_a_file_is_what_its_type_says():
    payload = with_file({"newPictureMessage": {"width": 3}}, text="Foto")
    assert content_of(payload) == ImageContent(media=media(width=3), text="Foto")


def test_a_notice_of_a_group_is_a_system_message_and_an_undecrypted_one_none():
    payload = noweb(None)
    payload["_data"]["messageStubType"] = "GROUP_CREATE"
    assert content_of(payload) == SystemContent(notice="GROUP_CREATE")
    for stub in (2, "CIPHERTEXT"):
        payload["_data"]["messageStubType"] = stub
        assert content_of(payload) == Nothing("protocol")
