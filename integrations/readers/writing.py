"""Text that is gathered until there is enough of it."""

from dataclasses import dataclass, field


@dataclass(slots=True)
class Writing:
    """Gathers pieces of text up to `limit` characters; `is_full` once it had to leave something out."""

    limit: int
    is_full: bool = False
    _pieces: list[str] = field(default_factory=list)
    _length: int = 0

    def add(self, piece: str) -> str:
        """Take in as much of the piece as there is room for, and return that."""
        room = self.limit - self._length
        if len(piece) > room:
            self.is_full = True
            piece = piece[:room]
        if piece:
            self._pieces.append(piece)
            self._length += len(piece)
        return piece

    @property
    def text(self) -> str:
        """Everything taken in."""
        return "".join(self._pieces)
