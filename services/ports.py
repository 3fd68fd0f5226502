"""What services need from the world outside; each Protocol is met by something in `integrations`."""

from typing import Protocol

from domain.values import Sealed


class Vault(Protocol):
    """Keeps secrets: what it seals only it can open, and only under the same context.

    `context` names the place of the secret, such as a column and the id of its row, so that a sealed value
    copied elsewhere does not open.
    """

    def seal(self, text: str, *, context: str) -> Sealed:
        """Return the text encrypted."""
        ...

    def open(self, sealed: Sealed, *, context: str) -> str:
        """Return the text that was sealed under that context."""
        ...
