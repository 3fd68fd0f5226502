"""Who may speak for WAHA."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.waha.signature import sign, verify

BODY = b'{"event":"message","session":"default","engine":"WEBJS"}'
DOCUMENTED = (
    "208f8a55dde9e05519e898b10b89bf0d0b3b0fdf11fdbf09b6b90476301b98d8"
    "097c462b2b17a6ce93b6b47a136cf2e78a33a63f6752c2c1631777076153fa89"
)


def test_the_vector_of_wahas_documentation_is_valid():
    assert sign(BODY, "my-secret-key") == DOCUMENTED
    assert verify(BODY, DOCUMENTED, "my-secret-key")


def test_the_hex_may_be_upper_case_and_surrounded_by_space():
    assert verify(BODY, f" {DOCUMENTED.upper()} ", "my-secret-key")


def test_one_changed_byte_is_noticed():
    assert not verify(BODY + b" ", DOCUMENTED, "my-secret-key")


@pytest.mark.parametrize("header", [None, "", "0", DOCUMENTED[:-1], DOCUMENTED + "0", "ação", "\ud800"])
def test_anything_but_the_whole_signature_is_refused(header):
    assert not verify(BODY, header, "my-secret-key")


def test_each_of_several_keys_is_valid_while_one_is_replaced():
    keys = ("new-key", "my-secret-key")
    assert verify(BODY, sign(BODY, "new-key"), keys)
    assert verify(BODY, DOCUMENTED, keys)
    assert not verify(BODY, sign(BODY, "older-key"), keys)


def test_without_a_key_nothing_is_valid():
    assert not verify(BODY, sign(BODY, ""), "")
    assert not verify(BODY, sign(BODY, ""), ("",))
    assert not verify(BODY, DOCUMENTED, ())


@given(raw=st.binary(max_size=200), key=st.text(st.characters(codec="utf-8"), min_size=1, max_size=40))
def test_what_is_signed_is_valid_with_the_same_key_only(raw, key):
    assert verify(raw, sign(raw, key), key)
    assert not verify(raw, sign(raw, key), key + "x")


def test_every_vector_of_the_shared_file_is_valid(shared):
    for vector in shared("hmac-vectors.json"):
        raw = vector["bodyUtf8"].encode()
        assert verify(raw, vector["hmacSha512Hex"], vector["key"]), vector["note"]
