"""What came of a webhook, as the archive keeps it and metrics count it."""

from enum import Enum


class Outcome(Enum):
    """What came of a webhook."""

    FILED = "FILED"
    REPEATED = "REPEATED"
    WAITING = "WAITING"
    PARKED = "PARKED"
    IGNORED = "IGNORED"
