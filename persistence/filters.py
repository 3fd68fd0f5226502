"""Conditions on lists as values: what may be filtered, by which operators, and the SQL that follows."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from sqlalchemy import ColumnElement, and_, cast, false, func, literal, not_, or_, true
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.types import Text

from domain.values import PhoneNumber

Column = ColumnElement[Any]  # Any: a condition compares columns of every type with values of that type.


class Operator(Enum):
    """What a comparison does."""

    EQ = "eq"
    NEQ = "neq"
    IN = "in"
    NOT_IN = "not_in"
    GT = "gt"
    GTE = "gte"
    LT = "lt"
    LTE = "lte"
    CONTAINS = "contains"
    STARTS_WITH = "starts_with"
    IS_NULL = "is_null"
    ANY = "any"
    ALL = "all"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Comparison:
    """One field against one value; lists are tuples, so that conditions can be compared and hashed."""

    field: str
    operator: Operator
    value: object


@dataclass(frozen=True, slots=True)
class Both:
    """All parts hold; true without parts."""

    parts: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class Either:
    """At least one part holds; false without parts."""

    parts: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The part does not hold; a comparison with nothing counts as not holding."""

    part: "Condition"


Condition = Comparison | Both | Either | Not


@dataclass(frozen=True, slots=True)
class Filterable:
    """A field that lists can be filtered by. `id_type` names the kind of ids the column holds, if it does."""

    column: Column
    id_type: str | None = None


def sql(condition: Condition, fields: Mapping[str, Filterable]) -> ColumnElement[bool]:
    """Return the condition as SQL."""
    match condition:
        case Both(parts):
            return and_(true(), *(sql(part, fields) for part in parts))
        case Either(parts):
            return or_(false(), *(sql(part, fields) for part in parts))
        case Not(part):
            return not_(func.coalesce(sql(part, fields), false()))
        case Comparison(field, operator, value):
            return _OPERATORS[operator](fields[field].column, value)


def folded(text: Column | str) -> ColumnElement[str]:
    """Return text in lower case and without accents, for both sides of a comparison."""
    value = literal(text, Text) if isinstance(text, str) else text
    # Qualified, because the bare word is a keyword of its own.
    decomposed = func.pg_catalog.normalize(value, "NFD")
    return func.lower(func.regexp_replace(decomposed, "[\u0300-\u036f]", "", "g"))


def contains(column: Column, text: str) -> ColumnElement[bool]:
    """Return whether the column holds the text somewhere, whatever the case and accents of either."""
    return func.strpos(folded(column), folded(text)) > 0


def phone_prefixes(prefix: str) -> tuple[str, ...]:
    """Return the beginnings that reach the same numbers, with and without Brazil's ninth digit."""
    area, subscriber = prefix[:5], prefix[5:]
    if not prefix.startswith("+55") or not subscriber:
        return (prefix,)
    if subscriber[0] == "9" and subscriber[1:2] >= "6":
        return (prefix, area + subscriber[1:])
    return (prefix, f"{area}9{subscriber}") if subscriber[0] >= "6" else (prefix,)


def _equal(column: Column, value: object) -> ColumnElement[bool]:
    if isinstance(value, PhoneNumber):
        return column.in_(value.variants())
    return column == value


def _among(column: Column, values: Any) -> ColumnElement[bool]:  # Any: a tuple of the column's type.
    return column.in_(values)


def _not_among(column: Column, values: Any) -> ColumnElement[bool]:  # Any: as above.
    return or_(column.is_(None), column.not_in(values))


def _starts_with(column: Column, value: Any) -> ColumnElement[bool]:  # Any: a text, as the API checked.
    if isinstance(value, tuple):
        return or_(*(func.starts_with(column, prefix) for prefix in value))
    return func.starts_with(folded(column), folded(value))


def _is_null(column: Column, value: object) -> ColumnElement[bool]:
    return column.is_(None) if value else column.is_not(None)


def _any(column: Column, values: Any) -> ColumnElement[bool]:  # Any: a tuple of texts.
    found: ColumnElement[bool] = cast(column, JSONB).has_any(literal(list(values), ARRAY(Text)))
    return found


def _all(column: Column, values: Any) -> ColumnElement[bool]:  # Any: as above.
    found: ColumnElement[bool] = cast(column, JSONB).has_all(literal(list(values), ARRAY(Text)))
    return found


_OPERATORS: dict[Operator, Callable[[Column, Any], ColumnElement[bool]]] = {  # Any: as above.
    Operator.EQ: _equal,
    Operator.NEQ: lambda column, value: column.is_distinct_from(value),
    Operator.IN: _among,
    Operator.NOT_IN: _not_among,
    Operator.GT: lambda column, value: column > value,
    Operator.GTE: lambda column, value: column >= value,
    Operator.LT: lambda column, value: column < value,
    Operator.LTE: lambda column, value: column <= value,
    Operator.CONTAINS: contains,
    Operator.STARTS_WITH: _starts_with,
    Operator.IS_NULL: _is_null,
    Operator.ANY: _any,
    Operator.ALL: _all,
    Operator.NONE: lambda column, values: not_(_any(column, values)),
}
