"""Characters of any file that may be text."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.errors import Rejected
from integrations.readers.plain import decoded


@given(st.binary(max_size=200))
def test_any_bytes_are_text_or_refused(raw: bytes) -> None:
    with contextlib.suppress(Rejected):
        assert isinstance(decoded(raw), str)


@given(st.text(st.characters(exclude_characters="\0\ufeff", exclude_categories=["Cs"])))
def test_text_in_utf_8_is_itself(text: str) -> None:
    assert decoded(text.encode()) == text


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
@given(text=st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])))
def test_marked_text_is_itself(encoding: str, text: str) -> None:
    assert decoded(text.encode(encoding)) == text


@given(st.text("aá€😀"), st.integers(0, 12))
def test_a_beginning_cut_inside_a_character_loses_only_that(text: str, length: int) -> None:
    raw = text.encode()[:length]

    assert decoded(raw, is_whole=False) == raw.decode(errors="ignore")
