"""How a mutation runs: one input unpacked for a resolver, one payload, and domain errors as data."""

from collections.abc import Awaitable, Callable
from typing import Any

from domain.errors import DomainError, Forbidden
from resolvers.arguments import given
from resolvers.context import Context
from schema.fields import argument, plain, root
from schema.user_errors import user_error

# Any, in this module: a mutation binds a resolver of any signature to an input and a payload.

USER_ERRORS = "What the caller's user can mend; if there is anything, nothing was changed."


def user_errors() -> Any:
    """Publish the list of errors that every payload has."""
    return plain(USER_ERRORS)


def mutation(
    resolve: Callable[..., Awaitable[Any]],
    description: str,
    *,
    takes: type,
    gives: type,
    show: Callable[[Any], dict[str, object]],
) -> Any:
    """Publish a resolver as a mutation; `show` says which fields of the payload its answer fills."""

    async def run(context: Context, *, input: object) -> object:  # noqa: A002 The word the API uses.
        try:
            result = await resolve(context, **unpacked(input))
        except Forbidden:
            raise
        except DomainError as error:
            return gives(user_errors=[user_error(error)])
        return gives(**show(result), user_errors=[])

    return root(run, description, arguments=[argument("input", takes, "What to do, and to what.")])


def unpacked(input_: object) -> dict[str, object]:
    """Return what the client wrote, by the resolver's names, with nested inputs as the domain's values."""
    return {name: _domain(value) for name, value in given(input_)}


def _domain(value: object) -> object:
    if isinstance(value, list):
        return [_domain(one) for one in value]
    convert = getattr(value, "to_domain", None)
    return value if convert is None else convert()
