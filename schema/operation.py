"""What happens around every operation: its own context, and texts that no database could hold refused."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator, Mapping

from graphql import DocumentNode, GraphQLError, StringValueNode, Visitor, visit
from graphql.language import Node
from strawberry.extensions import SchemaExtension
from strawberry.types import StreamExecutionResult

from resolvers.context import Context

_UNFIT = re.compile("[\x00\ud800-\udfff]")
"""NUL, which PostgreSQL cannot store in text, and lone surrogates, which are no characters (RFC 3629)."""


class OwnContext(SchemaExtension):
    """Gives each operation a context of its own, even on a shared socket, and takes back what it holds.

    Queries give their snapshot back as soon as they are executed, whatever time the client takes to read.
    """

    async def on_operation(self) -> AsyncIterator[None]:
        """Begin with nothing read; end with nothing held, also when cancelled."""
        shared = self.execution_context.context
        if not isinstance(shared, Context):
            yield
            return
        context = self.execution_context.context = shared.fresh()
        try:
            yield
        finally:
            # Shielded, because a second cancellation must not keep the connection from its pool.
            await asyncio.shield(context.close())

    async def on_execute(self) -> AsyncIterator[None]:
        """Give the snapshot back."""
        context = self.execution_context.context
        try:
            yield
        finally:
            if isinstance(context, Context):
                await context.renew()

    async def on_stream_result(self, result: StreamExecutionResult) -> AsyncIterator[None]:
        """Give the snapshot of an event back, before it is sent: a slow client must not hold a connection."""
        context = self.execution_context.context
        if isinstance(context, Context):
            await context.renew()
        yield


class RefuseUnfitText(SchemaExtension):
    """Refuses NUL characters and lone surrogates wherever a client can write text, before anything runs."""

    def on_validate(self) -> Iterator[None]:
        """Look into the variables and, if their text could hide one, into the literals of the document."""
        context = self.execution_context
        found = _find(context.variables)
        if found is None and context.graphql_document is not None and _is_suspicious(context.query or ""):
            found = _in_literals(context.graphql_document)
        if found is not None and context.pre_execution_errors is None:
            context.pre_execution_errors = [
                GraphQLError(
                    f"The text at {found} holds a NUL character or a lone surrogate; leave it out.",
                    extensions={"code": "BAD_USER_INPUT"},
                )
            ]
        yield


def _find(variables: object) -> str | None:
    """Return the path of the first unfit text; not recursive, because clients choose the depth."""
    waiting: list[tuple[str, object]] = [("variables", variables)]
    while waiting:
        path, value = waiting.pop()
        if isinstance(value, str) and _UNFIT.search(value):
            return path
        if isinstance(value, Mapping):
            if any(_UNFIT.search(str(key)) for key in value):
                return path
            waiting.extend((f"{path}.{key}", content) for key, content in value.items())
        elif isinstance(value, list):
            waiting.extend((f"{path}.{number}", content) for number, content in enumerate(value))
    return None


def _is_suspicious(query: str) -> bool:
    """Whether a literal could hold one: written as itself, or as an escape."""
    return "\\u" in query or _UNFIT.search(query) is not None


def _in_literals(document: DocumentNode) -> str | None:
    finder = _Literals()
    visit(document, finder)
    return finder.found


class _Literals(Visitor):
    found: str | None = None

    def enter_string_value(self, node: StringValueNode, *_: Node | None) -> None:
        if _UNFIT.search(node.value) and self.found is None:
            place = node.loc.start_token if node.loc else None
            self.found = "a literal" if place is None else f"line {place.line}, column {place.column}"
