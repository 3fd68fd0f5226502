"""The shared collection of WAHA's bodies, for whoever has it beside the repository."""

import json
from pathlib import Path

import pytest

WAHA = Path(__file__).parents[3] / "../shared/waha"


@pytest.fixture
def shared():
    """Read a file of the collection, or skip the test."""

    def read(name: str) -> object:
        if not (WAHA / name).exists():
            pytest.skip(f"the shared collection of WAHA bodies is not here: {name}")
        return json.loads((WAHA / name).read_bytes())

    return read
