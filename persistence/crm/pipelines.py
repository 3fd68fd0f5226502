"""Pipelines: table, mapping, repository."""

from sqlalchemy import Column, Index, Integer, Text, Uuid, func

from domain.crm.pipeline import Pipeline
from domain.ids import ProjectId
from persistence.metadata import belongs_to, tenant_table
from persistence.paging import Collection, Listing, Page, PageRequest, SortKey, Term
from persistence.repository import Repository
from persistence.types import instant

pipelines = tenant_table(
    "pipelines",
    Column("project_id", Uuid, nullable=False),
    Column("name", Text, nullable=False),
    Column("session_timeout_seconds", Integer),
    Column("created_at", instant(), nullable=False),
    Column("updated_at", instant(), nullable=False),
    Column("version", Integer, nullable=False),
    belongs_to("project_id", "projects"),
)
Index(
    "uq_pipelines_name",
    pipelines.c.tenant_id,
    pipelines.c.project_id,
    func.lower(pipelines.c.name),
    unique=True,
)


pipeline_collection = Collection(
    entity=Pipeline,
    table=pipelines,
    default_order=(Term("CREATED_AT"),),
    sort_keys={"CREATED_AT": SortKey(pipelines.c.created_at)},
)


class Pipelines(Repository[Pipeline]):
    """The pipelines of a tenant."""

    aggregate = Pipeline
    table = pipelines

    async def page(self, project_id: ProjectId, listing: Listing, request: PageRequest) -> Page[Pipeline]:
        """Return a page of a project's pipelines."""
        return await pipeline_collection.page(
            self.session, pipelines.c.project_id == project_id, listing, request
        )

    async def count(self, project_id: ProjectId, listing: Listing) -> int:
        """Return how many pipelines of a project there are, up to the limit of counting."""
        return await pipeline_collection.count(self.session, pipelines.c.project_id == project_id, listing)
