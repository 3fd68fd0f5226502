"""What may be said in a chat."""

import pytest

from domain.ai.chat import Answer, Finish, Role, ToolCall, Turn, result_of, system, user

CALL = ToolCall(id="c1", name="find_contact", arguments={"name": "Maria"})


def test_turns_are_made_by_who_speaks() -> None:
    assert system("Be kind.") == Turn(role=Role.SYSTEM, text="Be kind.")
    assert user("Oi", images=(("image/png", b"\x89"),)).images == (("image/png", b"\x89"),)
    assert result_of(CALL, "none") == Turn(role=Role.TOOL, text="none", tool_call_id="c1")


def test_an_answer_becomes_a_turn() -> None:
    answer = Answer(text="", tool_calls=(CALL,), usage=None, finish=Finish.TOOL_CALLS, model="m")

    assert answer.turn == Turn(role=Role.ASSISTANT, tool_calls=(CALL,))


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"role": Role.SYSTEM, "images": (("image/png", b""),)}, "Only a USER's turn has images"),
        ({"role": Role.USER, "tool_calls": (CALL,)}, "Only an ASSISTANT's turn has tool calls"),
        ({"role": Role.TOOL}, "has the id of the call"),
        ({"role": Role.USER, "tool_call_id": "c1"}, "has the id of the call"),
    ],
)
def test_a_turn_that_no_provider_understands_is_refused(arguments: dict, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        Turn(**arguments)
