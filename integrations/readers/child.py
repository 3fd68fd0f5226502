"""The process that reads a file: limits itself, calls one function, and writes JSON; see `sandbox`."""

import importlib
import json
import os
import resource
import sys
from typing import IO

from integrations.errors import Rejected


def main() -> None:
    """Do what the one argument asks."""
    request = json.loads(sys.argv[1])
    module, _, name = request["function"].partition(":")
    # Whatever libraries print goes where nobody reads it; only this writes the answer.
    with os.fdopen(os.dup(1), "wb") as answer, os.fdopen(0, "rb") as file:
        os.dup2(2, 1)
        _limit(memory=request["memory"], cpu_seconds=request["cpu_seconds"])
        answer.write(json.dumps(_outcome(module, name, file=file, arguments=request["arguments"])).encode())


def _outcome(module: str, name: str, *, file: IO[bytes], arguments: dict[str, object]) -> dict[str, object]:
    try:
        return {"value": getattr(importlib.import_module(module), name)(file, **arguments)}
    except Rejected as problem:
        return {"code": problem.code, "reason": problem.reason}
    except MemoryError:
        return {"code": "OUT_OF_MEMORY", "reason": "Reading the file takes more memory than it may."}
    except Exception as problem:  # noqa: BLE001 A hostile file can make a parser raise anything.
        return {"code": "UNREADABLE", "reason": f"The file cannot be read ({type(problem).__name__})."}


def _limit(*, memory: int, cpu_seconds: int) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_seconds, cpu_seconds + 1))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    main()
