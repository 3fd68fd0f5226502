"""What clients write in arguments, turned into what services understand, or refused with a published code."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from domain.ids import PREFIXES
from persistence.filters import (
    Both,
    Comparison,
    Condition,
    Either,
    Filterable,
    Not,
    Operator,
    phone_prefixes,
)
from persistence.paging import Collection, Listing, Term
from resolvers.errors import BadUserInput, InvalidPagination
from resolvers.ids import parse

DEFAULT_PAGE, LARGEST_PAGE = 25, 100
DEEPEST_FILTER, MOST_COMPARISONS, MOST_VALUES, MOST_TERMS = 4, 30, 500, 3
LONGEST_SEARCH = 200


@dataclass(frozen=True, kw_only=True)
class ListArguments:
    """The arguments of a connection as the client wrote them; None where absent or null."""

    first: int | None = None
    after: str | None = None
    last: int | None = None
    before: str | None = None
    where: object = None
    order_by: Sequence[Any] | None = None  # Any: an order input of the schema, which lies above.
    search: str | None = None

    @property
    def is_backward(self) -> bool:
        """Whether the page is counted from the end."""
        return self.last is not None or self.before is not None

    @property
    def limit(self) -> int:
        """How many rows are wanted. Raises `InvalidPagination` for numbers and combinations that make no page."""
        forward, backward = (self.first, self.after), (self.last, self.before)
        if forward != (None, None) and backward != (None, None):
            raise InvalidPagination("Use first with after, or last with before; they cannot be mixed.")
        size = self.last if self.is_backward else self.first
        if size is None:
            return DEFAULT_PAGE
        if not 1 <= size <= LARGEST_PAGE:
            name = "last" if self.is_backward else "first"
            raise InvalidPagination(f"{name} is {size}; it must be between 1 and {LARGEST_PAGE}.")
        return size

    @property
    def cursor(self) -> str | None:
        """The cursor the page begins behind, in its direction."""
        return self.before if self.is_backward else self.after


def listing(arguments: ListArguments, collection: Collection[Any]) -> Listing:  # Any: rows of any kind.
    """Return which rows in which order the client wants. Raises `BadUserInput` or `InvalidId`."""
    return Listing(
        order=_order(arguments.order_by) or collection.default_order,
        where=None if arguments.where is None else _condition(arguments.where, collection.fields),
        search=_search(arguments.search),
    )


def _order(terms: Sequence[Any] | None) -> tuple[Term, ...]:  # Any: as above.
    if not terms:
        return ()
    if len(terms) > MOST_TERMS:
        raise BadUserInput(f"orderBy has {len(terms)} keys; at most {MOST_TERMS} are allowed.")
    found = tuple(
        Term(
            term.field.value,
            descending=term.direction.value == "DESC",
            # Unless the caller says otherwise, what is missing counts as earliest.
            nulls_first=term.nulls.value == "FIRST" if term.nulls else term.direction.value == "ASC",
        )
        for term in terms
    )
    if len({term.key for term in found}) < len(found):
        raise BadUserInput("orderBy names a field twice; name each once.")
    return found


def _search(text: str | None) -> str | None:
    if text is None or not text.strip():
        return None
    if len(text) > LONGEST_SEARCH:
        raise BadUserInput(f"search has {len(text)} characters; at most {LONGEST_SEARCH} are allowed.")
    return text.strip()


def _condition(where: object, fields_: Mapping[str, Filterable]) -> Condition:
    reader = _Reader(fields_)
    condition = reader.read(where, depth=1)
    if reader.comparisons > MOST_COMPARISONS:
        raise BadUserInput(
            f"where has {reader.comparisons} comparisons; at most {MOST_COMPARISONS} are allowed."
        )
    return condition


class _Reader:
    """Reads one `where`, counting as it goes."""

    def __init__(self, fields_: Mapping[str, Filterable]) -> None:
        self.fields = fields_
        self.comparisons = 0

    def read(self, where: object, *, depth: int) -> Condition:
        if depth > DEEPEST_FILTER:
            raise BadUserInput(f"where is nested deeper than {DEEPEST_FILTER} levels.")
        parts: list[Condition] = []
        for name, value in given(where):
            _refuse_null(name, value)
            if name == "and_":
                parts.append(Both(tuple(self.read(part, depth=depth + 1) for part in value)))
            elif name == "or_":
                parts.append(Either(tuple(self.read(part, depth=depth + 1) for part in value)))
            elif name == "not_":
                parts.append(Not(self.read(value, depth=depth + 1)))
            else:
                parts.extend(self._comparisons(name, value))
        return parts[0] if len(parts) == 1 else Both(tuple(parts))

    def _comparisons(self, field: str, operators: object) -> Iterator[Comparison]:
        id_type = self.fields[field].id_type
        for name, value in given(operators):
            _refuse_null(name.strip("_"), value)
            self.comparisons += 1
            operator = Operator(name.strip("_"))
            if operator is Operator.STARTS_WITH and field == "phone":
                yield Comparison(field, operator, phone_prefixes(_phone_prefix(value)))
            elif isinstance(value, list):
                if len(value) > MOST_VALUES:
                    raise BadUserInput(
                        f"where lists {len(value)} values; at most {MOST_VALUES} are allowed at once."
                    )
                yield Comparison(field, operator, tuple(_plain(one, id_type) for one in value))
            else:
                yield Comparison(field, operator, _plain(value, id_type))


def given(value: Any) -> Iterator[tuple[str, Any]]:  # Any: an input object of the schema, which lies above.
    """Yield the fields of an input object that the client wrote, null ones included."""
    for field in fields(value):
        content = getattr(value, field.name)
        if content is not field.default:
            yield field.name, content


def _plain(value: object, id_type: str | None) -> object:
    if id_type is not None and isinstance(value, str):
        return parse(PREFIXES[id_type], value)
    return value


def _phone_prefix(text: str) -> str:
    digits = "".join(character for character in text if character.isascii() and character.isdigit())
    if not digits:
        raise BadUserInput("startsWith needs at least one digit of the phone number.")
    return "+" + digits


def _refuse_null(name: str, value: object) -> None:
    if value is None:
        raise BadUserInput(
            f"{name.strip('_')} is null in where; leave it out, or use isNull to ask for null."
        )
