"""Misfortunes that tests order for calls to the provider."""

import random
from typing import Literal, TypeAlias

from aisim.wire import Wire

FaultName: TypeAlias = Literal[
    "429", "quota", "500", "slow", "cut", "bad_json", "wrong_shape", "empty_choices", "refuse"
]
Endpoint: TypeAlias = Literal["chat", "transcriptions", "models"]

ONLY_CHAT = ("empty_choices", "refuse")


class Fault(Wire):
    """What happens to the next `count` matching calls (None: to all until the faults are cleared).

    With a `probability` below 1 a matching call is struck by chance, drawn from the seed, and only a
    call that is struck uses up a turn. `seconds` is how long `slow` waits and what `Retry-After` of
    `429` says. `containing` narrows to calls in whose text these words occur.
    """

    fault: FaultName
    endpoint: Endpoint | Literal["any"] = "any"
    count: int | None = 1
    probability: float = 1.0
    seconds: float = 1.0
    containing: str | None = None

    def concerns(self, endpoint: Endpoint, text: str) -> bool:
        """Whether a call is meant."""
        if self.endpoint not in ("any", endpoint) or (self.fault in ONLY_CHAT and endpoint != "chat"):
            return False
        return self.containing is None or self.containing in text


class Faults:
    """The faults in force, oldest first."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self.ordered: list[Fault] = []
        self.clear()

    def take(self, endpoint: Endpoint, text: str) -> Fault | None:
        """Use up one turn of the first fault that strikes this call."""
        for fault in self.ordered:
            if fault.concerns(endpoint, text) and self._chance.random() < fault.probability:
                if fault.count is not None:
                    fault.count -= 1
                    if fault.count <= 0:
                        self.ordered.remove(fault)
                return fault
        return None

    def clear(self) -> None:
        """Back to good weather; chance begins again from the seed."""
        self.ordered.clear()
        self._chance = random.Random(f"faults {self._seed}")  # noqa: S311 -- misfortunes, not secrets
