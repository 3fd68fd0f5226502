"""Owns one embedded server until it is killed: the subject of the tests that kill owners."""

import json
import signal
import sys
from pathlib import Path

from ventros.embedded.postgres import EmbeddedPostgres
from ventros.embedded.valkey import EmbeddedValkey

KINDS = {"postgres": EmbeddedPostgres, "valkey": EmbeddedValkey}

if __name__ == "__main__":
    server = KINDS[sys.argv[1]](Path(sys.argv[2]))
    server.start()
    print(json.dumps({"pid": server.pid}), flush=True)  # noqa: T201 - read by the test.
    signal.pause()
