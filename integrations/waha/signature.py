"""The signature WAHA puts on a webhook: HMAC-SHA512 of the raw body, in hex."""

import hmac
from collections.abc import Sequence

HEADER = "X-Webhook-Hmac"
"""The request header that carries the signature."""


def sign(raw: bytes, key: str) -> str:
    """Return the signature of the exact bytes of a body, as WAHA computes it."""
    return hmac.digest(key.encode(), raw, "sha512").hex()


def verify(raw: bytes, header: str | None, keys: str | Sequence[str]) -> bool:
    """Return whether the header signs the body with one of the keys.

    Several keys are accepted while a key is being replaced. An empty key signs nothing, so that a channel
    without a key cannot be addressed by anybody who knows that. Every key is tried, in constant time.
    """
    if header is None:
        return False
    given = header.strip().lower().encode("utf-8", "replace")
    valid = False
    for key in (keys,) if isinstance(keys, str) else keys:
        if key:
            valid |= hmac.compare_digest(sign(raw, key).encode(), given)
    return valid
