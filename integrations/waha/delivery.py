"""One delivered webhook, as the translators are given it."""

from dataclasses import dataclass
from datetime import datetime

from integrations.waha.envelope import engine_of
from integrations.waha.fields import Node, child, member, text
from integrations.waha.identity import Own, own_addresses
from integrations.waha.times import plausible


@dataclass(frozen=True, kw_only=True, slots=True)
class Delivery:
    """The parts of a webhook body; `own` are the addresses of the paired account, never those of a contact."""

    event: str
    payload: Node
    me: Node
    own: Own
    engine: str | None
    created_at: object
    received_at: datetime

    @classmethod
    def of(cls, body: Node, *, received_at: datetime) -> "Delivery":
        """Take a body apart."""
        return cls(
            event=text(body, "event") or "",
            payload=child(body, "payload"),
            me=child(body, "me"),
            own=own_addresses(body),
            engine=engine_of(body),
            created_at=member(body, "timestamp"),
            received_at=received_at,
        )

    def time(self, *candidates: object) -> datetime:
        """Return the first plausible instant of the candidates, the event's creation and its reception."""
        found = (plausible(value, received_at=self.received_at) for value in (*candidates, self.created_at))
        return next((at for at in found if at is not None), self.received_at)
