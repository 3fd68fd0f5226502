"""Messages that wait for a worker to hand them to WhatsApp; a row leaves when the outcome is settled."""

from sqlalchemy import BigInteger, Column, Identity, Index, SmallInteger, Uuid, func

from persistence.metadata import belongs_to, tenant_table
from persistence.types import instant

outgoing = tenant_table(
    "outgoing",
    Column("channel_id", Uuid, nullable=False),
    Column("chat_id", Uuid, nullable=False),
    Column("position", BigInteger, Identity(always=True), nullable=False),
    Column("attempts", SmallInteger, nullable=False, server_default="0"),
    Column("available_at", instant(), nullable=False, server_default=func.now()),
    # While a worker talks to WAHA; when it passes, the worker died and the outcome is unknown.
    Column("lease_until", instant()),
    # Set once the outcome is unknown: from then on the row is only reconciled, never sent again.
    Column("unconfirmed_at", instant()),
    belongs_to("id", "messages"),
    belongs_to("chat_id", "chats"),
    belongs_to("channel_id", "channels"),
    Index("ix_outgoing_available", "available_at"),
    Index("ix_outgoing_chat", "tenant_id", "chat_id", "position"),
)
