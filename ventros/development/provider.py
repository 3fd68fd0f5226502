"""The AI provider of `./run`: a fake one of our own, unless the user names another."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from ventros.development.ports import url_of

URL, KEY = "VENTROS_AI_URL", "VENTROS_AI_KEY"
"""The settings that say where the models are, and with which key."""

PRICES = "VENTROS_AI_PRICES"

_HOST = "127.0.0.1"
_DEMO_KEY = "demo-ai-key"
# What nobody pays, so that budgets and costs have something to count.
_DEMO_PRICES = {"gpt-4o-mini": {"prompt": 0.15, "completion": 0.6}, "whisper-1": {"minute": 0.006}}


@dataclass(frozen=True, kw_only=True)
class FakeProvider:
    """A provider that we run ourselves on a port of this machine."""

    port: int

    @property
    def url(self) -> str:
        """Where its API begins."""
        return f"{url_of(_HOST, self.port)}/v1"

    @property
    def arguments(self) -> tuple[str, ...]:
        """The module that serves it, with its options."""
        return ("aisim", "--host", _HOST, "--port", str(self.port))

    @property
    def environment(self) -> dict[str, str]:
        """What our programs read as settings; a key that the user has for elsewhere is not told to a fake."""
        return {URL: self.url, KEY: _DEMO_KEY, PRICES: json.dumps(_DEMO_PRICES)}


def needs_fake(environment: Mapping[str, str]) -> bool:
    """Tell whether the user has named no provider."""
    return not environment.get(URL)


def describe(fake: FakeProvider | None) -> str:
    """Say where the models are; the address of a provider elsewhere is not repeated, it may hold a secret."""
    if fake is None:
        return f"the one that {URL} names"
    return f"{fake.url} (a fake; {URL} and {KEY} name a real or local model)"
