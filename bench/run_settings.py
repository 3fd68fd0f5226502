"""How large a run is, and what it runs on."""

from dataclasses import dataclass

from bench.servers import Servers
from domain.clock import SystemClock
from persistence.database import Database


@dataclass(frozen=True, kw_only=True)
class Bench:
    """The settings of one run. `seconds` is the length of a round; `is_small` is for tests of the harness."""

    servers: Servers
    rounds: int
    seconds: float
    is_small: bool

    def database(self) -> Database:
        """Return the database, to be opened."""
        return Database(self.servers.database_url, clock=SystemClock())

    def size(self, full: int, *, small: int) -> int:
        """Return how many of something this run uses."""
        return small if self.is_small else full
