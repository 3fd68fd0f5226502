"""Phone numbers and WhatsApp addresses."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import Invalid
from domain.values import AddressKind, PhoneNumber, WhatsAppAddress, email_address


@pytest.mark.parametrize(
    ("written", "meant"),
    [("+55 (11) 99999-0001", "+5511999990001"), ("+1.415.555.2671", "+14155552671")],
)
def test_a_phone_number_is_normalised(written: str, meant: str) -> None:
    assert PhoneNumber(written) == meant


@pytest.mark.parametrize(
    "text", ["", "5511999990001", "+0123456789", "+12", "+5511x99990001", "+" + "1" * 16]
)
def test_anything_else_is_no_phone_number(text: str) -> None:
    with pytest.raises(Invalid, match="is not a phone number"):
        PhoneNumber(text)


@pytest.mark.parametrize(
    ("number", "other"),
    [
        ("+5511999990001", "+551199990001"),
        ("+551199990001", "+5511999990001"),
        ("+551133334444", None),
        ("+5511933334444", None),
        ("+14155552671", None),
    ],
)
def test_brazilian_mobile_numbers_have_two_spellings(number: str, other: str | None) -> None:
    spellings = PhoneNumber(number).variants()

    assert spellings == ((number,) if other is None else (number, other))


@given(st.from_regex(r"\+55[1-9][1-9](9[6-9]\d{7}|[6-9]\d{7})", fullmatch=True))
def test_each_spelling_leads_back_to_the_other(text: str) -> None:
    number = PhoneNumber(text)

    assert {variant for one in number.variants() for variant in one.variants()} == set(number.variants())


@pytest.mark.parametrize(
    ("text", "kind", "shown"),
    [
        ("5511999990001@c.us", AddressKind.PHONE, "5511999990001@c.us"),
        ("5511999990001:7@s.whatsapp.net", AddressKind.PHONE, "5511999990001@c.us"),
        ("5511999990001", AddressKind.PHONE, "5511999990001@c.us"),
        ("200000000000001:3@lid", AddressKind.LID, "200000000000001@lid"),
        ("120363000000000001@g.us", AddressKind.GROUP, "120363000000000001@g.us"),
        ("5511999990001-1500000000@g.us", AddressKind.GROUP, "5511999990001-1500000000@g.us"),
        ("120363000000000099@newsletter", AddressKind.NEWSLETTER, "120363000000000099@newsletter"),
        ("status@broadcast", AddressKind.BROADCAST, "status@broadcast"),
    ],
)
def test_an_address_is_read_in_every_form(text: str, kind: AddressKind, shown: str) -> None:
    address = WhatsAppAddress.parse(text)

    assert address is not None
    assert (address.kind, str(address)) == (kind, shown)


@pytest.mark.parametrize("text", ["", "x", "maria@c.us", "1@unknown", "@c.us", "12 3@c.us", "٣@c.us"])
def test_anything_else_is_no_address(text: str) -> None:
    assert WhatsAppAddress.parse(text) is None


def test_a_lid_has_no_phone_number() -> None:
    address = WhatsAppAddress.parse("5511999990001@lid")

    assert address is not None
    assert address.phone is None


def test_an_email_address_is_normalised_or_refused() -> None:
    assert email_address(" Maria@Example.ORG ") == "maria@example.org"
    with pytest.raises(Invalid):
        email_address("maria@")
