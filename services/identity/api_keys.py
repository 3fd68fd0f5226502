"""What can be done with API keys."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from domain.errors import Forbidden
from domain.identity.api_key import ApiKey
from domain.identity.permission import Permission
from domain.ids import AgentId, ApiKeyId
from persistence.paging import Listing, Page, PageRequest
from persistence.unit_of_work import Reader, UnitOfWork
from services.scope import find_agent, find_own, lock_own
from services.viewer import Viewer


async def find(reader: Reader, viewer: Viewer, *, ids: Sequence[UUID]) -> dict[UUID, ApiKey]:
    """Return those of the API keys that the viewer can see, by id."""
    viewer.require(Permission.API_KEYS_WRITE)
    return await find_own(reader.api_keys, viewer, ids)


async def browse(reader: Reader, viewer: Viewer, *, listing: Listing, request: PageRequest) -> Page[ApiKey]:
    """Return a page of the project's API keys."""
    viewer.require(Permission.API_KEYS_WRITE)
    return await reader.api_keys.page(viewer.project_id, listing, request)


async def count(reader: Reader, viewer: Viewer, *, listing: Listing) -> int:
    """Return how many API keys the whole list has, up to the limit of counting."""
    viewer.require(Permission.API_KEYS_WRITE)
    return await reader.api_keys.count(viewer.project_id, listing)


async def create(
    uow: UnitOfWork,
    viewer: Viewer,
    *,
    name: str,
    scopes: Sequence[Permission],
    agent_id: AgentId | None,
    expires_at: datetime | None,
) -> tuple[ApiKey, str]:
    """Issue a key; return it and its secret, which is never shown again.

    Raises `Forbidden` for a scope that the viewer lacks, so that no key grants more than its maker has.
    """
    viewer.require(Permission.API_KEYS_WRITE)
    if lacking := sorted({scope.value for scope in scopes} - {scope.value for scope in viewer.permissions}):
        raise Forbidden(f"You cannot grant what you lack: {', '.join(lacking)}.", field=["scopes"])
    if agent_id is not None:
        await find_agent(uow, viewer, agent_id, field="agentId")
    key, secret = ApiKey.issue(
        tenant_id=viewer.tenant_id,
        project_id=viewer.project_id,
        agent_id=agent_id,
        name=name,
        scopes=scopes,
        expires_at=expires_at,
        at=uow.now,
    )
    return uow.api_keys.add(key), secret


async def revoke(uow: UnitOfWork, viewer: Viewer, *, api_key_id: ApiKeyId) -> ApiKey:
    """Stop a key from working. Raises `NotFound`; a second revocation changes nothing."""
    viewer.require(Permission.API_KEYS_WRITE)
    key = await lock_own(uow.api_keys, viewer, api_key_id, expected_version=None)
    key.revoke(at=uow.now)
    return key
