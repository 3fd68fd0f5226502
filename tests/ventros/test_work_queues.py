"""`ventros work --queues`: names of queues, checked before anything is started."""

import pytest
from typer.testing import CliRunner

from ventros.cli import app


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("slow", "There is no queue slow; there are fast, default, media, bulk."),
        ("fast, slow ,Media", "There is no queue slow, Media; there are fast, default, media, bulk."),
        (" , ", "--queues names no queue; there are fast, default, media, bulk."),
    ],
)
def test_what_names_no_queue_is_refused(written: str, told: str) -> None:
    result = CliRunner().invoke(app, ["work", "--queues", written])

    assert result.exit_code == 2
    assert result.stderr == told + "\n"
