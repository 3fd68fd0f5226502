"""How jobs and their results are written in Redis: arq's own fields in msgpack, never pickled.

Whoever can write to Redis could run code here if they were pickled. Errors are written as their class, and
with their message only where it is ours: a message of a library may quote data.
"""

import asyncio
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from arq.worker import JobExecutionFailed, RetryJob

from domain.errors import DomainError
from domain.ids import JobRunId, ProjectId, new_id
from domain.operations.queue import JobOrder

_ERROR, _MESSAGE = "error", "message"
_OURS = (DomainError, JobExecutionFailed, RetryJob)


# Any, in this module: a job as arq has it, a dictionary of plain values.
def encode(job: dict[str, Any]) -> bytes:
    """Return a job or a result as bytes; pass it to arq as `job_serializer`."""
    return _ENCODER.encode(job)


def decode(body: bytes) -> dict[str, Any]:
    """Return what `encode` was given, errors as ones of the same meaning; arq's `job_deserializer`."""
    job: dict[str, Any] = msgspec.msgpack.decode(body)
    result = job.get("r")
    if job.get("s") is False and isinstance(result, dict) and _ERROR in result:
        is_cancelled = result[_ERROR] == asyncio.CancelledError.__name__
        text = ": ".join(part for part in (result[_ERROR], result.get(_MESSAGE)) if part)
        job["r"] = asyncio.CancelledError() if is_cancelled else JobExecutionFailed(text)
    return job


def encode_order(order: JobOrder, *, now: datetime) -> bytes:
    """Return an order as arq writes jobs; what arq does not know travels as keyword arguments."""
    return encode(
        {
            "t": None,
            "f": order.name,
            "a": list(order.args),
            "k": {
                name: value.hex
                for name, value in (
                    ("run", order.run_id or new_id()),
                    ("project", order.project_id),
                    ("retried", order.retried_from),
                )
                if value is not None
            },
            "et": int(now.timestamp() * 1000),
        }
    )


def decode_meta(meta: dict[str, str]) -> tuple[JobRunId | None, ProjectId | None, JobRunId | None]:
    """Return the run, the project and the run it repeats from the keyword arguments of a job, where given."""
    run, project, retried = (
        UUID(meta[name]) if meta.get(name) else None for name in ("run", "project", "retried")
    )
    return (
        None if run is None else JobRunId(run),
        None if project is None else ProjectId(project),
        None if retried is None else JobRunId(retried),
    )


def _plain(value: object) -> object:
    if isinstance(value, BaseException):
        return {_ERROR: type(value).__name__, _MESSAGE: str(value) if isinstance(value, _OURS) else None}
    raise NotImplementedError(f"A job cannot hold a {type(value).__name__}; give it ids and numbers.")


_ENCODER = msgspec.msgpack.Encoder(enc_hook=_plain)
