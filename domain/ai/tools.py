"""What an agent may call: names, meanings and typed parameters, from which schemas and checks follow."""

from collections.abc import Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from typing import get_type_hints

from domain.ai.chat import ToolSpec

MOST_ROWS, DEFAULT_ROWS = 20, 5
FACT_LIMIT, NAME_LIMIT, QUERY_LIMIT, REASON_LIMIT = 500, 200, 200, 500
_TYPES = {str: "string", int: "integer", bool: "boolean"}
_WORDS = {str: "a text", int: "a whole number", bool: "true or false"}

ESCALATE = "escalate_to_human"
STAY_SILENT = "stay_silent"


def _text(description: str, *, limit: int) -> str:
    found: str = field(metadata={"description": description, "limit": limit})
    return found


def _number(description: str, *, default: int, most: int) -> int:
    found: int = field(default=default, metadata={"description": description, "most": most})
    return found


@dataclass(frozen=True, kw_only=True, slots=True)
class LookUpContact:
    """Look up what is known of the person you talk with: name, language, tags, fields, remembered facts."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RememberFact:
    """Remember one lasting fact about the person you talk with, such as a preference. Never remember secrets."""

    fact: str = _text("The fact, in one sentence.", limit=FACT_LIMIT)


@dataclass(frozen=True, kw_only=True, slots=True)
class RenameContact:
    """Note what the person you talk with is called, after they said so."""

    name: str = _text("The name.", limit=NAME_LIMIT)


@dataclass(frozen=True, kw_only=True, slots=True)
class ListSessionSummaries:
    """List summaries of earlier conversations with this person, the latest first."""

    limit: int = _number("How many.", default=DEFAULT_ROWS, most=MOST_ROWS)


@dataclass(frozen=True, kw_only=True, slots=True)
class SearchMessages:
    """Search the messages exchanged with this person before, the latest first."""

    query: str = _text("Words to look for.", limit=QUERY_LIMIT)
    limit: int = _number("How many.", default=DEFAULT_ROWS, most=MOST_ROWS)


@dataclass(frozen=True, kw_only=True, slots=True)
class AssignSession:
    """Put one of our people in charge of this conversation; the answer lists them if the name fits nobody."""

    person: str = _text("The name of the person who is to take over.", limit=NAME_LIMIT)


@dataclass(frozen=True, kw_only=True, slots=True)
class CloseSession:
    """End this conversation as resolved, after the person confirmed that nothing is left to do."""


@dataclass(frozen=True, kw_only=True, slots=True)
class EscalateToHuman:
    """Hand this conversation over to a person and say nothing more: when asked for one, or when you cannot help."""

    reason: str = _text("Why, for the colleague who takes over.", limit=REASON_LIMIT)


@dataclass(frozen=True, kw_only=True, slots=True)
class StaySilent:
    """Say nothing, because no answer is wanted, as after a mere thank-you."""

    reason: str = _text("Why.", limit=REASON_LIMIT)


Parameters = (
    LookUpContact
    | RememberFact
    | RenameContact
    | ListSessionSummaries
    | SearchMessages
    | AssignSession
    | CloseSession
    | EscalateToHuman
    | StaySilent
)

TOOLS: Mapping[str, type[Parameters]] = {
    "look_up_contact": LookUpContact,
    "remember_fact": RememberFact,
    "rename_contact": RenameContact,
    "list_session_summaries": ListSessionSummaries,
    "search_messages": SearchMessages,
    "assign_session": AssignSession,
    "close_session": CloseSession,
    STAY_SILENT: StaySilent,
    ESCALATE: EscalateToHuman,
}
"""Every tool by its name."""

SELECTABLE = frozenset(TOOLS) - {ESCALATE}
"""What people choose from; handing over is switched on and off by itself."""


@dataclass(frozen=True, slots=True)
class BadArguments:
    """What is wrong with a call, told to the model so that it may mend it."""

    problems: tuple[str, ...]


def offered(allowed: tuple[str, ...], *, can_escalate: bool) -> tuple[str, ...]:
    """Return the names of the tools an agent is offered, in one fixed order."""
    return tuple(name for name in TOOLS if name in allowed or (name == ESCALATE and can_escalate))


def spec_of(name: str) -> ToolSpec:
    """Return a tool as models are told of it; the schema follows from the parameters' types."""
    kind = TOOLS[name]
    hints = get_type_hints(kind)
    return ToolSpec(
        name=name,
        description=(kind.__doc__ or "").strip(),
        parameters={
            "type": "object",
            "properties": {one.name: _schema(one, hints[one.name]) for one in fields(kind)},
            "required": [one.name for one in fields(kind) if one.default is MISSING],
            "additionalProperties": False,
        },
    )


def read_arguments(name: str, arguments: Mapping[str, object]) -> Parameters | BadArguments:
    """Return the typed parameters of a call, or everything that is wrong with them."""
    kind = TOOLS[name]
    hints = get_type_hints(kind)
    known = {one.name: one for one in fields(kind)}
    problems = [f"There is no parameter {key[:60]!r}." for key in arguments if key not in known]
    values: dict[str, object] = {}
    for key, declared in known.items():
        if key not in arguments:
            if declared.default is MISSING:
                problems.append(f"{key} is missing; give {_WORDS[hints[key]]}.")
            continue
        values[key], problem = _checked(key, arguments[key], declared, hints[key])
        if problem is not None:
            problems.append(problem)
    if problems:
        return BadArguments(tuple(problems))
    return kind(**values)  # type: ignore[arg-type] # Each value has just been checked against its hint.


def _schema(declared: "Field[object]", hint: type) -> dict[str, object]:
    schema: dict[str, object] = {"type": _TYPES[hint], "description": declared.metadata["description"]}
    if "limit" in declared.metadata:
        schema |= {"minLength": 1, "maxLength": declared.metadata["limit"]}
    if "most" in declared.metadata:
        schema |= {"minimum": 1, "maximum": declared.metadata["most"], "default": declared.default}
    return schema


def _checked(name: str, value: object, declared: "Field[object]", hint: type) -> tuple[object, str | None]:
    # In Python a truth value is a whole number; in JSON it is none.
    if type(value) is not hint:
        return value, f"{name} is {_shown(value)}; it must be {_WORDS[hint]}."
    if isinstance(value, str):
        limit = declared.metadata["limit"]
        text = value.strip()
        if not text:
            return text, f"{name} must not be empty."
        if len(text) > limit:
            return text, f"{name} has {len(text)} characters; at most {limit} are allowed."
        return text, None
    if isinstance(value, int) and "most" in declared.metadata and not 1 <= value <= declared.metadata["most"]:
        return value, f"{name} is {value}; it must be between 1 and {declared.metadata['most']}."
    return value, None


def _shown(value: object) -> str:
    return repr(value)[:60]
