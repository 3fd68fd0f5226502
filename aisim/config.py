"""What a fake provider is started with: key, models, seed."""

from pathlib import Path

import msgspec

from aisim.wire import Wire

MODELS = ("aisim-chat", "gpt-4o-mini", "whisper-1")
"""The models that `GET /v1/models` lists unless the configuration names others."""


class ProviderConfig(Wire):
    """The whole configuration file.

    With `api_key` every call but `/ping` and `/control` needs it as a bearer token.
    `models` are listed; with `only_listed_models` any other name is answered with 404.
    `context_tokens` is how long a prompt may be, `seconds_per_word` how long a streamed word takes.
    """

    api_key: str | None = None
    models: list[str] = msgspec.field(default_factory=lambda: list(MODELS))
    only_listed_models: bool = False
    seed: int = 1
    context_tokens: int = 128_000
    seconds_per_word: float = 0.0


def load(path: Path) -> ProviderConfig:
    """Read a configuration file. Raises `ValueError` naming the file and the field at fault."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=ProviderConfig)
    except msgspec.DecodeError as error:
        raise ValueError(f"{path} is no configuration of a provider: {error}") from error
