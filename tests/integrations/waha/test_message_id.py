"""Message ids in all their forms."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.values import AddressKind, WhatsAppAddress
from integrations.waha.message_id import MessageId, address, bare
from tests.integrations.waha.payloads import GROUP, ID, MARIA, MARIA_LID

PEOPLE = st.builds(
    WhatsAppAddress,
    st.sampled_from([AddressKind.PHONE, AddressKind.LID]),
    st.text(string.digits, min_size=5, max_size=15),
)
GROUPS = st.builds(
    WhatsAppAddress, st.just(AddressKind.GROUP), st.text(string.digits + "-", min_size=5, max_size=30)
)
IDS = st.text(string.hexdigits.upper(), min_size=8, max_size=32)


@given(from_me=st.booleans(), chat=PEOPLE | GROUPS, external_id=IDS, participant=st.none() | PEOPLE)
def test_a_full_id_survives_being_written_and_read(from_me, chat, external_id, participant):
    written = MessageId(from_me=from_me, chat=chat, external_id=external_id, participant=participant)
    assert MessageId.parse(str(written)) == written


@given(IDS)
def test_a_bare_id_survives_being_written_and_read(external_id):
    assert MessageId.parse(external_id) == MessageId(external_id=external_id)
    assert str(MessageId(external_id=external_id)) == external_id


@given(st.text(max_size=200))
def test_any_text_is_an_id_or_none(value):
    parsed = MessageId.parse(value)
    assert parsed is None or 0 < len(parsed.external_id) <= 128


@pytest.mark.parametrize(
    ("written", "external_id"),
    [
        (f"false_{MARIA}_{ID}", ID),
        (f"true_{GROUP}_{ID}_{MARIA_LID}", ID),
        (f"false_status@broadcast_{ID}_{MARIA}", ID),
        (f"false_120363000000000099@newsletter_{ID}", ID),
        (f"false_120363000000000099@newsletter_105_{ID}", ID),
        (ID, ID),
        ({"_serialized": f"true_{MARIA}_{ID}", "id": ID}, ID),
        ({"$1": f"true_{MARIA}_{ID}"}, ID),
        ({"fromMe": True, "remote": {"server": "c.us", "user": "5511999990001"}, "id": ID}, ID),
        ({}, None),
        (None, None),
        ("", None),
        ("true_", None),
        (f"true_{MARIA}_", None),
        ("x" * 129, None),
    ],
)
def test_whatsapps_own_id_is_found_in_every_form(written, external_id):
    assert bare(written) == external_id


def test_the_object_of_whatsapp_web_without_its_serialised_form_has_all_parts():
    parsed = MessageId.of({"fromMe": True, "remote": MARIA, "id": ID})
    assert parsed == MessageId(from_me=True, chat=address(MARIA), external_id=ID)
