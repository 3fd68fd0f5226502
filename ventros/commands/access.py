"""`ventros tenant …` and `ventros api-key …`: who may use an installation, decided by whoever runs it."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Annotated, TypeVar
from uuid import UUID

import typer

from domain.clock import SystemClock
from domain.errors import DomainError, NotFound
from domain.identity.api_key import ApiKey
from domain.identity.permission import ALL_PERMISSIONS, READ_PERMISSIONS, Permission
from domain.identity.tenant import Project, Tenant
from domain.ids import ProjectId, TenantId, parse_type_id, type_id
from persistence.database import Database
from persistence.events import Cause
from ventros import settings
from ventros.unusable import explained

tenants = typer.Typer(help="Set up organisations.", no_args_is_help=True)
api_keys = typer.Typer(help="Issue and revoke API keys.", no_args_is_help=True)

T = TypeVar("T")
_CAUSE = Cause(correlation_id="cli", actor="operator")


@tenants.command("create")
def create_tenant(
    name: Annotated[str, typer.Argument(help="What the organisation is called.")],
    project: Annotated[str, typer.Option(help="What its first project is called.")] = "Main",
) -> None:
    """Set up an organisation with a project and an API key that may do everything."""

    async def create(database: Database) -> tuple[Tenant, Project, ApiKey, str]:
        tenant = Tenant.create(name=name, at=database.clock.now())
        async with database.writing(tenant.id, _CAUSE) as uow:
            uow.tenants.add(tenant)
            first = uow.projects.add(Project.create(tenant_id=tenant.id, name=project, at=uow.now))
            key, secret = ApiKey.issue(
                tenant_id=tenant.id,
                project_id=first.id,
                agent_id=None,
                name="first key",
                scopes=ALL_PERMISSIONS,
                expires_at=None,
                at=uow.now,
            )
            uow.api_keys.add(key)
        return tenant, first, key, secret

    tenant, first, key, secret = _run(create)
    typer.echo(f"tenant:  {type_id('ten', tenant.id)}")
    typer.echo(f"project: {type_id('prj', first.id)}")
    _show(key, secret)


@api_keys.command("create")
def create_key(
    tenant: Annotated[str, typer.Option(help="The organisation, ten_…")],
    project: Annotated[str, typer.Option(help="The project, prj_…")],
    name: Annotated[str, typer.Option(help="What the key is for.")],
    scope: Annotated[
        list[str] | None, typer.Option(help="A permission; repeat it. ALL, or READ for reading only.")
    ] = None,
    days: Annotated[int | None, typer.Option(help="Days until the key expires.", min=1)] = None,
) -> None:
    """Issue an API key."""
    scopes = _scopes(scope or ["ALL"])
    tenant_id = TenantId(_id(tenant, "ten"))
    project_id = ProjectId(_id(project, "prj"))

    async def create(database: Database) -> tuple[ApiKey, str]:
        async with database.writing(tenant_id, _CAUSE) as uow:
            if await uow.projects.find(project_id) is None:
                raise NotFound("The organisation has no project with this id.")
            key, secret = ApiKey.issue(
                tenant_id=tenant_id,
                project_id=project_id,
                agent_id=None,
                name=name,
                scopes=scopes,
                expires_at=uow.now + timedelta(days=days) if days else None,
                at=uow.now,
            )
            uow.api_keys.add(key)
        return key, secret

    _show(*_run(create))


@api_keys.command("revoke")
def revoke_key(
    tenant: Annotated[str, typer.Option(help="The organisation, ten_…")],
    key: Annotated[str, typer.Argument(help="The key's id, key_…")],
) -> None:
    """Stop a key from working; within ten seconds every process knows."""
    tenant_id = TenantId(_id(tenant, "ten"))

    async def revoke(database: Database) -> None:
        async with database.writing(tenant_id, _CAUSE) as uow:
            found = await uow.api_keys.get_for_update(_id(key, "key"))
            found.revoke(at=uow.now)

    _run(revoke)
    typer.echo("The key is revoked.")


def _show(key: ApiKey, secret: str) -> None:
    typer.echo(f"key id:  {type_id('key', key.id)}")
    typer.echo(f"API key: {secret}")
    typer.echo("The API key is not shown again; the id is for revoking it.")


def _scopes(names: list[str]) -> set[Permission]:
    scopes: set[Permission] = set()
    for name in names:
        if name.upper() == "ALL":
            scopes |= ALL_PERMISSIONS
        elif name.upper() == "READ":
            scopes |= READ_PERMISSIONS
        elif name.upper() in Permission.__members__:
            scopes.add(Permission[name.upper()])
        else:
            known = ", ".join(Permission.__members__)
            raise typer.BadParameter(f"{name!r} is no permission. There are ALL, READ, {known}.")
    return scopes


def _id(text: str, prefix: str) -> UUID:
    try:
        found, value = parse_type_id(text)
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is not an id such as {prefix}_01jd….") from error
    if found != prefix:
        raise typer.BadParameter(f"{text!r} should begin with {prefix}_.")
    return value


def _run(work: Callable[[Database], Awaitable[T]]) -> T:
    loaded = settings.load_for_database()

    async def main() -> T:
        async with Database(loaded.database_url, clock=SystemClock(), pool_size=2) as database:
            return await work(database)

    try:
        with explained(loaded.database_url):
            return asyncio.run(main())
    except DomainError as error:
        typer.echo(error.message, err=True)
        raise typer.Exit(2) from error
