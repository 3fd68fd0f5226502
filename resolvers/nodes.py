"""Finding anything by its id, whatever kind it is."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

from domain.ids import parse_type_id
from resolvers.context import Context
from resolvers.errors import BadUserInput
from services.ai import run_queries
from services.crm import (
    channels,
    chats,
    contacts,
    enrichments,
    message_groups,
    message_queries,
    pipelines,
    scheduled_messages,
    sessions,
)
from services.identity import agents, api_keys, tenants
from services.operations import job_runs

MOST_IDS = 100

Find = Callable[..., Awaitable[Mapping[UUID, Any]]]  # Any: objects of every kind.

FINDERS: Mapping[str, Find] = {
    "cnt": contacts.find,
    "cht": chats.find,
    "ses": sessions.find,
    "msg": message_queries.find,
    "grp": message_groups.find,
    "sch": scheduled_messages.find,
    "enr": enrichments.find,
    "chn": channels.find,
    "pip": pipelines.find,
    "run": run_queries.find,
    "agt": agents.find,
    "key": api_keys.find,
    "ten": tenants.find_tenants,
    "prj": tenants.find_projects,
    "job": job_runs.find,
}
"""What finds each kind of id; an id that nothing finds is the id of nothing."""


async def node(context: Context, *, id: str) -> object | None:  # noqa: A002 The API's word.
    """Return the object with that id, or None: for what is missing, foreign or no id at all, alike."""
    return (await nodes(context, ids=[id]))[0]


async def nodes(context: Context, *, ids: Sequence[str]) -> list[object | None]:
    """Return the objects in the order of their ids, repeated where those are; one statement per kind."""
    if len(ids) > MOST_IDS:
        raise BadUserInput(f"ids has {len(ids)} entries; at most {MOST_IDS} are allowed.")
    keys = [_parsed(text) for text in ids]
    wanted: dict[str, list[UUID]] = {}
    for prefix, value in (key for key in keys if key is not None):
        wanted.setdefault(prefix, []).append(value)
    found = {
        prefix: await context.read(FINDERS[prefix], ids=list(dict.fromkeys(values)))
        for prefix, values in wanted.items()
    }
    return [None if key is None else found[key[0]].get(key[1]) for key in keys]


def _parsed(text: str) -> tuple[str, UUID] | None:
    try:
        prefix, value = parse_type_id(text)
    except ValueError:
        return None
    return (prefix, value) if prefix in FINDERS else None
