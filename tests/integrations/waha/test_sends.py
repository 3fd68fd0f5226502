"""What is posted for each kind of content, and what the three kinds of answers say."""

from datetime import UTC, datetime

import pytest

from domain.crm.content import (
    AudioContent,
    ContactCard,
    ContactCardContent,
    DocumentContent,
    ImageContent,
    LocationContent,
    Media,
    PollContent,
    SystemContent,
    TextContent,
    VideoContent,
    VoiceContent,
    media_of,
)
from domain.crm.inbound import MessageKey, Party
from integrations.errors import Rejected
from integrations.waha.message_id import address
from integrations.waha.sends import SendResult, quoted, request_for, result_of, takes_message_id
from tests.integrations.waha.payloads import GROUP, MARIA, MARIA_LID

AT = datetime.fromtimestamp(1784000000, UTC)
URL = "https://crm.example.com/media/1"
JPEG = Media(url=URL, mime_type="image/jpeg", filename="a.jpg")
FILE = {"mimetype": "image/jpeg", "filename": "a.jpg", "url": URL}


def key(chat: str, *, from_me: bool | None, author: str | None = None) -> MessageKey:
    wrote = None if author is None else Party(address=address(author))
    return MessageKey(chat=address(chat), external_id="3EB0AA", from_me=from_me, author=wrote)


@pytest.mark.parametrize(
    ("content", "path", "body"),
    [
        (TextContent(text="Olá"), "/api/sendText", {"text": "Olá"}),
        (ImageContent(media=JPEG, text="Foto"), "/api/sendImage", {"file": FILE, "caption": "Foto"}),
        (DocumentContent(media=JPEG), "/api/sendFile", {"file": FILE, "caption": ""}),
        (
            VideoContent(media=Media(url=URL), is_note=True),
            "/api/sendVideo",
            {"file": {"mimetype": "video/mp4", "url": URL}, "caption": "", "asNote": True, "convert": True},
        ),
        (
            VoiceContent(media=Media(url=URL, mime_type="audio/ogg")),
            "/api/sendVoice",
            {"file": {"mimetype": "audio/ogg; codecs=opus", "url": URL}, "convert": False},
        ),
        (
            AudioContent(media=Media(url=URL, mime_type="audio/mpeg")),
            "/api/sendVoice",
            {"file": {"mimetype": "audio/mpeg", "url": URL}, "convert": True},
        ),
        (
            LocationContent(latitude=-23.5, longitude=-46.6, address="Av. 1"),
            "/api/sendLocation",
            {"latitude": -23.5, "longitude": -46.6, "title": "Av. 1"},
        ),
        (
            ContactCardContent(
                contacts=(ContactCard(name="J", phones=("+55 11 9",)), ContactCard(name="", vcard="V"))
            ),
            "/api/sendContactVcard",
            {
                "contacts": [
                    {"fullName": "J", "phoneNumber": "+55 11 9", "whatsappId": "55119"},
                    {"vcard": "V"},
                ]
            },
        ),
        (
            PollContent(name="Q", options=("A", "B"), selectable_count=1),
            "/api/sendPoll",
            {"poll": {"name": "Q", "options": ["A", "B"], "multipleAnswers": False}},
        ),
        (
            PollContent(name="Q", options=("A",)),
            "/api/sendPoll",
            {"poll": {"name": "Q", "options": ["A"], "multipleAnswers": True}},
        ),
    ],
)
def test_each_kind_is_posted_to_its_path(content, path, body):
    assert request_for(content, None) == (path, body)
    assert takes_message_id(content) is (media_of(content) is None)


def test_a_file_at_hand_is_sent_with_the_message():
    _, body = request_for(ImageContent(media=JPEG), b"\xff\xd8")
    assert body["file"] == {"mimetype": "image/jpeg", "filename": "a.jpg", "data": "/9g="}


@pytest.mark.parametrize(
    ("content", "code"),
    [(SystemContent(notice="gp2"), "UNSUPPORTED_CONTENT"), (ImageContent(media=Media()), "NO_FILE")],
)
def test_what_cannot_be_sent_is_rejected_before_anything_happens(content, code):
    with pytest.raises(Rejected) as problem:
        request_for(content, None)
    assert problem.value.code == code


@pytest.mark.parametrize(
    ("answer", "external_id", "at"),
    [
        ({"id": "true_5511999990001@c.us_3EB0AA", "_data": None}, "3EB0AA", None),
        (
            {"id": "true_1@lid_3EB0AA", "_data": {"Info": {"Timestamp": "2026-07-14T00:33:20-03:00"}}},
            "3EB0AA",
            AT,
        ),
        ({"key": {"id": "3EB0AA", "fromMe": True}, "messageTimestamp": "1784000000"}, "3EB0AA", AT),
        ({"id": "true_5511999990001@c.us_3EB0AA", "timestamp": 1784000000}, "3EB0AA", AT),
        (
            {"id": {"id": "3EB0AA", "_serialized": "true_1@c.us_3EB0AA"}, "_data": {"t": 1784000000}},
            "3EB0AA",
            AT,
        ),
        ({"id": {"$1": "true_1@c.us_3EB0AA"}}, "3EB0AA", None),
        ({"id": {"fromMe": True, "remote": "1@c.us", "id": "3EB0AA"}}, "3EB0AA", None),
        ({"_data": {"id": {"id": "3EB0AA"}}}, "3EB0AA", None),
        ({"sent": True}, None, None),
        (None, None, None),
        (True, None, None),
        ([], None, None),
    ],
)
def test_the_id_and_time_are_found_in_the_answer_of_every_engine(answer, external_id, at):
    assert result_of(answer) == SendResult(external_id=external_id, timestamp=at)


def test_every_shared_answer_to_a_send_gives_an_id(shared):
    sends = [entry for entry in shared("manifest.json")["api"] if entry["file"].startswith("api/send-")]
    for entry in sends:
        found = result_of(shared(f"samples/{entry['file']}"))
        assert found.external_id is not None, entry["file"]
        assert found.external_id.startswith("3EB0"), entry["file"]
    assert len(sends) > 15


@pytest.mark.parametrize(
    ("reply_to", "written"),
    [
        ("3EB0AA", "3EB0AA"),
        (f"true_{MARIA}_3EB0AA", f"true_{MARIA}_3EB0AA"),
        (key(MARIA, from_me=True), f"true_{MARIA}_3EB0AA"),
        (key(GROUP, from_me=False, author=MARIA_LID), f"false_{GROUP}_3EB0AA_{MARIA_LID}"),
        (key(MARIA, from_me=None), "3EB0AA"),
    ],
)
def test_a_reply_quotes_the_full_id_where_it_is_known(reply_to, written):
    assert quoted(reply_to) == written


def test_a_reply_to_nothing_is_rejected():
    with pytest.raises(Rejected):
        quoted("")
