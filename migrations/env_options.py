"""What Alembic compares and how it writes our column types, shared by `env.py` and `ventros migrate check`."""

from typing import Any, Literal

from alembic.autogenerate.api import AutogenContext
from sqlalchemy.types import TypeDecorator


def include_object(_object: Any, name: str | None, kind: str, *_: Any) -> bool:  # Any: Alembic's own types.
    """Leave partitions out of the comparison; they come and go with the log."""
    return not (kind == "table" and name is not None and name.startswith("event_log_"))


def render_item(kind: str, item: Any, _: AutogenContext) -> str | Literal[False]:  # Any: as above.
    """Write our column types as what they are in the database, so that a migration never changes with the code."""
    if kind == "type" and isinstance(item, TypeDecorator):
        name = type(item.impl_instance).__name__
        return "postgresql.JSONB()" if name == "JSONB" else f"sa.{name}()"
    return False
