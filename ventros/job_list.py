"""The jobs of this program. A new kind of job is one line here."""

from jobs import groups, message_groups
from jobs.registry import Registry
from ventros.answering import answer_of
from ventros.wiring import Parts


def registry(parts: Parts) -> Registry:
    """Return every job, ready to run."""
    return Registry(
        [
            groups.naming(parts.database, dial=parts.dial),
            message_groups.processing(parts.database, answer=answer_of(parts)),
        ]
    )
