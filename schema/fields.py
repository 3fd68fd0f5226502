"""How a field gets its value: an attribute, something that follows from the object, or a resolver."""

import dataclasses
import inspect
from collections.abc import Callable, Sequence
from typing import Any

import strawberry
from strawberry.annotation import StrawberryAnnotation
from strawberry.types.arguments import StrawberryArgument
from strawberry.types.field import StrawberryField

import schema.enums  # noqa: F401 The enums are published before any type that uses them.
from resolvers.arguments import ListArguments

# Any, in this module: a field binds a resolver of any signature to a type that strawberry reads at run time.


class Computed(StrawberryField):
    """A field whose value follows from the object it is a field of."""

    read: Callable[[Any], object]

    def __copy__(self) -> "Computed":
        """Return the field for another specialisation of a generic type."""
        other: Computed = super().__copy__()
        other.read = self.read
        return other

    def get_result(self, source: Any, info: Any, args: list[Any], kwargs: Any) -> Any:
        """Return the value."""
        return self.read(source)


class Resolved(StrawberryField):
    """A field whose resolver is given the object, the operation's context and the arguments."""

    resolve: Callable[..., object]

    def __copy__(self) -> "Resolved":
        """Return the field for another specialisation of a generic type."""
        other: Resolved = super().__copy__()
        other.resolve = self.resolve
        return other

    @property
    def is_basic_field(self) -> bool:
        """Whether the value is a mere attribute: no, it takes the context."""
        return False

    def get_result(self, source: Any, info: Any, args: list[Any], kwargs: Any) -> Any:
        """Return what the resolver answers."""
        return self.resolve(source, info.context, **kwargs)


def represents(*classes: type) -> Callable[[type], type]:
    """Let a type stand for objects of domain classes, so that nothing is copied to be published."""

    def mark(cls: type) -> type:
        cls.is_type_of = staticmethod(lambda found, _info: isinstance(found, classes))  # type: ignore[attr-defined]
        return cls

    return mark


def plain(description: str, *, name: str | None = None, default: object = dataclasses.MISSING) -> Any:
    """Publish an attribute; `default` is for the fields of inputs."""
    return strawberry.field(description=description, name=name, default=default)


def optional(description: str, *, name: str | None = None) -> Any:
    """Publish a field of an input that may be left out."""
    return strawberry.field(description=description, name=name, default=strawberry.UNSET)


def computed(read: Callable[[Any], object], description: str) -> Any:
    """Publish what follows from the object."""
    field = Computed(description=description)
    field.read = read
    return field


def edge(
    resolve: Callable[..., object], description: str, *, arguments: Sequence[StrawberryArgument] = ()
) -> Any:
    """Publish what a resolver answers that is given the object, the context and the arguments."""
    field = Resolved(description=description)
    field.resolve = resolve
    field.arguments = list(arguments)
    return field


def root(
    resolve: Callable[..., object], description: str, *, arguments: Sequence[StrawberryArgument] = ()
) -> Any:
    """Publish what a resolver answers that is given the context and the arguments."""
    return edge(lambda _source, context, **given: resolve(context, **given), description, arguments=arguments)


def connection(
    resolve: Callable[..., object],
    description: str,
    *,
    where: Any = None,
    order: Any = None,
    searched: str | None = None,
) -> Any:
    """Publish a list of an object in pages; `searched` says what a free text looks into."""
    return edge(
        lambda source, context, **given: resolve(source, context, arguments=ListArguments(**given)),
        description,
        arguments=_page_arguments(where, order, searched),
    )


def root_connection(
    resolve: Callable[..., object],
    description: str,
    *,
    where: Any = None,
    order: Any = None,
    searched: str | None = None,
) -> Any:
    """Publish a list of the project in pages."""
    return connection(
        lambda _source, context, arguments: resolve(context, arguments=arguments),
        description,
        where=where,
        order=order,
        searched=searched,
    )


def argument(name: str, type_: Any, description: str) -> StrawberryArgument:
    """Return an argument under its Python name; one that may be null may be left out."""
    is_optional = type(None) in getattr(type_, "__args__", ())
    return StrawberryArgument(
        name,
        None,
        StrawberryAnnotation(type_),
        description=description,
        default=strawberry.UNSET if is_optional else inspect.Parameter.empty,
    )


def _page_arguments(where: Any, order: Any, searched: str | None) -> list[StrawberryArgument]:
    arguments = [
        argument("first", int | None, "How many from the start, 1 to 100; 25 if nothing is said."),
        argument("after", str | None, "The cursor that the page begins behind; goes with first."),
        argument("last", int | None, "How many from the end, 1 to 100."),
        argument("before", str | None, "The cursor that the page ends before; goes with last."),
    ]
    if where is not None:
        arguments.append(argument("where", where | None, "Conditions that all rows meet."))
    if order is not None:
        arguments.append(
            argument("order_by", list[order] | None, "Up to three keys to sort by; the id is the last.")
        )
    if searched is not None:
        arguments.append(argument("search", str | None, searched))
    return arguments
