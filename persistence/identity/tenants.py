"""Tenants and projects: tables, mapping, repositories."""

from sqlalchemy import BigInteger, Column, Integer, Table, Text, Uuid

from domain.identity.tenant import Project, Tenant
from persistence.metadata import metadata, tenant_table
from persistence.repository import Repository
from persistence.types import instant

tenants = Table(
    "tenants",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("tenant_id", Uuid, nullable=False),
    Column("name", Text, nullable=False),
    Column("created_at", instant(), nullable=False),
    Column("updated_at", instant(), nullable=False),
    Column("version", Integer, nullable=False),
)

projects = tenant_table(
    "projects",
    Column("name", Text, nullable=False),
    Column("session_timeout_seconds", Integer, nullable=False),
    Column("ai_daily_budget_microusd", BigInteger),
    Column("created_at", instant(), nullable=False),
    Column("updated_at", instant(), nullable=False),
    Column("version", Integer, nullable=False),
)


class Tenants(Repository[Tenant]):
    """The tenant of this transaction."""

    aggregate = Tenant
    table = tenants


class Projects(Repository[Project]):
    """The projects of a tenant."""

    aggregate = Project
    table = projects
