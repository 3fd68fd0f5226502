"""API keys: table, mapping, repository."""

from sqlalchemy import Column, Index, Integer, LargeBinary, Text, UniqueConstraint, Uuid

from domain.identity.api_key import ApiKey
from domain.identity.permission import Permission
from domain.ids import ProjectId
from persistence.metadata import belongs_to, tenant_table
from persistence.paging import Collection, Listing, Page, PageRequest, SortKey, Term
from persistence.repository import Repository
from persistence.types import AsJSON, instant

api_keys = tenant_table(
    "api_keys",
    Column("project_id", Uuid, nullable=False),
    Column("agent_id", Uuid),
    Column("name", Text, nullable=False),
    Column("hint", Text, nullable=False),
    Column("secret_hash", LargeBinary, nullable=False),
    Column("scopes", AsJSON[tuple[Permission, ...]](tuple[Permission, ...]), nullable=False),
    Column("expires_at", instant()),
    Column("revoked_at", instant()),
    Column("created_at", instant(), nullable=False),
    Column("updated_at", instant(), nullable=False),
    Column("version", Integer, nullable=False),
    belongs_to("project_id", "projects"),
    belongs_to("agent_id", "agents"),
    UniqueConstraint("tenant_id", "secret_hash"),
    # The credential is looked up before the tenant is known.
    Index("ix_api_keys_secret_hash", "secret_hash"),
)


api_key_collection = Collection(
    entity=ApiKey,
    table=api_keys,
    default_order=(Term("CREATED_AT"),),
    sort_keys={"CREATED_AT": SortKey(api_keys.c.created_at)},
)


class ApiKeys(Repository[ApiKey]):
    """The API keys of a tenant."""

    aggregate = ApiKey
    table = api_keys

    async def page(self, project_id: ProjectId, listing: Listing, request: PageRequest) -> Page[ApiKey]:
        """Return a page of a project's API keys."""
        return await api_key_collection.page(
            self.session, api_keys.c.project_id == project_id, listing, request
        )

    async def count(self, project_id: ProjectId, listing: Listing) -> int:
        """Return how many API keys of a project there are, up to the limit of counting."""
        return await api_key_collection.count(self.session, api_keys.c.project_id == project_id, listing)
