"""Ids: in order of their making, and the same after a round trip."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.ids import new_id, parse_type_id, type_id


def test_ids_are_uuids_of_version_7_in_the_order_of_their_making() -> None:
    made = [new_id() for _ in range(10_000)]

    assert made == sorted(set(made))
    assert {(one.version, one.variant) for one in made} == {(7, UUID(int=0x8000 << 48).variant)}


@given(st.uuids(), st.sampled_from(["msg", "cnt", "a_b"]))
def test_a_type_id_survives_a_round_trip(value: UUID, prefix: str) -> None:
    assert parse_type_id(type_id(prefix, value)) == (prefix, value)


def test_a_type_id_is_what_its_specification_says() -> None:
    # TypeID specification, valid.yml: "uuidv7".
    value = UUID("01890a5d-ac96-774b-bcce-b302099a8057")

    assert type_id("prefix", value) == "prefix_01h455vb4pex5vsknk084sn02q"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "msg",
        "msg_",
        "_01h455vb4pex5vsknk084sn02q",
        "msg_01h455vb4pex5vsknk084sn02",
        "msg_01H455VB4PEX5VSKNK084SN02Q",
        "msg_81h455vb4pex5vsknk084sn02q",
        "msg_01h455vb4pex5vsknk084sn0uu",
        "msg_é1h455vb4pex5vsknk084sn02q",
    ],
)
def test_anything_else_is_no_type_id(text: str) -> None:
    with pytest.raises(ValueError, match="is not a TypeID"):
        parse_type_id(text)
