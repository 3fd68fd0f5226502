"""What one operation may ask for; more is refused, with numbers, before anything is executed."""

import asyncio
from collections.abc import AsyncIterator, Iterator

from graphql import DocumentNode, GraphQLError, GraphQLSchema, OperationDefinitionNode
from strawberry.extensions import SchemaExtension

from schema.pricing import Bill, Pricer

MAX_TOKENS = 3_000
MAX_DEPTH = 12
MAX_INTROSPECTION_DEPTH = 20
MAX_ALIASES = 30
MAX_DIRECTIVES = 20
MAX_MUTATIONS = 10
MAX_FIELDS = 5_000
MAX_PRICE = 1_000
DEADLINE_SECONDS = 10.0


class Limits(SchemaExtension):
    """Measures each operation before validation, whose own rules may take longer than the measuring."""

    _bill: Bill | None = None

    def on_operation(self) -> Iterator[None]:
        """Let the parser stop early."""
        self.execution_context.parse_options["max_tokens"] = MAX_TOKENS
        yield

    def on_parse(self) -> Iterator[None]:
        """Tell a document that is too long from one that is malformed."""
        yield
        for error in self.execution_context.pre_execution_errors or ():
            if f"more than {MAX_TOKENS} tokens" in error.message:
                error.extensions = {"code": "QUERY_TOO_COSTLY"}

    async def on_execute(self) -> AsyncIterator[None]:
        """Give a query or mutation ten seconds, and a subscription ten seconds to begin; then it is cancelled."""
        async with asyncio.timeout(DEADLINE_SECONDS):
            yield

    def on_validate(self) -> Iterator[None]:
        """Refuse what is too deep or too costly, or does not say which operation it means."""
        context = self.execution_context
        document = context.graphql_document
        if document is not None and context.pre_execution_errors is None:
            schema: GraphQLSchema = context.schema._schema  # noqa: SLF001 Strawberry keeps it there alone.
            error = self._refusal(schema, document)
            if error is not None:
                context.pre_execution_errors = [error]
        yield

    def get_results(self) -> dict[str, object]:
        """Say what the operation was reckoned to cost."""
        if self._bill is None:
            return {}
        return {"cost": {"requested": self._bill.price, "max": MAX_PRICE}}

    def _refusal(self, schema: GraphQLSchema, document: DocumentNode) -> GraphQLError | None:
        operations = [one for one in document.definitions if isinstance(one, OperationDefinitionNode)]
        # What the client said; the public property falls back to the first operation.
        name = self.execution_context._provided_operation_name  # noqa: SLF001
        if name is None and len(operations) > 1:
            return _refused(
                "BAD_USER_INPUT",
                f"The document has {len(operations)} operations; say which one to execute in operationName.",
            )
        chosen = [one for one in operations if name is None or (one.name and one.name.value == name)]
        if not chosen:
            return _refused("BAD_USER_INPUT", "The document has no operation of that name.")
        variables = self.execution_context.variables or {}
        try:
            self._bill = Pricer.of(schema, document, chosen[0], variables=variables).bill()
        except RecursionError:
            return _refused(
                "QUERY_TOO_DEEP", f"The operation is nested too deeply; the limit is {MAX_DEPTH}."
            )
        return _judge(self._bill)


def _judge(bill: Bill) -> GraphQLError | None:
    if bill.depth > MAX_DEPTH:
        return _refused(
            "QUERY_TOO_DEEP", f"The operation is {bill.depth} fields deep; at most {MAX_DEPTH} are allowed."
        )
    if bill.introspection_depth > MAX_INTROSPECTION_DEPTH:
        return _refused(
            "QUERY_TOO_DEEP",
            f"The introspection is {bill.introspection_depth} fields deep; "
            f"at most {MAX_INTROSPECTION_DEPTH} are allowed.",
        )
    for number, limit, what in (
        (bill.fields, MAX_FIELDS, "fields, fragments written out"),
        (bill.mutations, MAX_MUTATIONS, "mutations"),
        (bill.aliases, MAX_ALIASES, "aliases, fragments written out"),
        (bill.directives, MAX_DIRECTIVES, "directives, fragments written out"),
    ):
        if number > limit:
            return _refused(
                "QUERY_TOO_COSTLY",
                f"The operation has {_shown(number)} {what}; at most {limit:,} are allowed.",
            )
    if bill.price > MAX_PRICE:
        return _refused(
            "QUERY_TOO_COSTLY",
            f"The operation would cost {_shown(bill.price)} points; at most {MAX_PRICE:,} are allowed. "
            "Ask for smaller pages or fewer nested lists.",
        )
    return None


def _refused(code: str, message: str) -> GraphQLError:
    return GraphQLError(message, extensions={"code": code})


def _shown(number: int) -> str:
    return f"{number:,}" if number < 10**12 else "more than a trillion"
