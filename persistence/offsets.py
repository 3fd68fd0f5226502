"""How far each sink has come in the event log."""

import asyncpg


async def load(system: "asyncpg.Pool[asyncpg.Record]", sink: str) -> int:
    """Return the last position the sink has dealt with; a new sink begins with the oldest event."""
    return await system.fetchval("SELECT position FROM sink_offsets WHERE sink = $1", sink) or 0


async def store(system: "asyncpg.Pool[asyncpg.Record]", sink: str, position: int) -> None:
    """Remember a position. A late call of a former leader cannot set the sink back."""
    await system.execute(
        """
        INSERT INTO sink_offsets (sink, position) VALUES ($1, $2)
        ON CONFLICT (sink) DO UPDATE
        SET position = greatest(sink_offsets.position, excluded.position), updated_at = now()
        """,
        sink,
        position,
    )
