"""Counts and times operations for Prometheus."""

from collections.abc import Iterator
from time import perf_counter

from prometheus_client import Counter, Histogram
from strawberry.extensions import SchemaExtension
from strawberry.types import ExecutionResult
from strawberry.types.graphql import OperationType

OPERATIONS = Counter(
    "ventros_graphql_operations",
    "Operations, by type and the code of their first error, or ok.",
    ["type", "outcome"],
)
DURATION = Histogram(
    "ventros_graphql_seconds",
    "From the receipt of a query or mutation to its answer.",
    ["type"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
)


class Measure(SchemaExtension):
    """Measures each operation; a subscription is counted when it ends."""

    def on_operation(self) -> Iterator[None]:
        """Time what is between the request and its result."""
        began_at = perf_counter()
        yield
        kind = self._kind()
        OPERATIONS.labels(kind, self._outcome()).inc()
        if kind != OperationType.SUBSCRIPTION.value:
            DURATION.labels(kind).observe(perf_counter() - began_at)

    def _kind(self) -> str:
        try:
            return self.execution_context.operation_type.value
        except RuntimeError:
            # The document could not be read.
            return "unknown"

    def _outcome(self) -> str:
        result = self.execution_context.result
        errors = (
            result.errors
            if isinstance(result, ExecutionResult)
            else self.execution_context.pre_execution_errors
        )
        if not errors:
            return "ok"
        return str((errors[0].extensions or {}).get("code", "INTERNAL"))
