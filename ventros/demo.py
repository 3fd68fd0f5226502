"""The demo: two tenants with keys, and a channel of the first that a simulated WhatsApp talks to."""

import asyncio
from dataclasses import asdict, dataclass
from pathlib import Path
from uuid import UUID

import msgspec

from domain.clock import SystemClock
from domain.crm.inbound import SessionState
from domain.identity.agent import Agent, AgentType
from domain.identity.api_key import ApiKey, hash_secret
from domain.identity.permission import ALL_PERMISSIONS
from domain.identity.tenant import Project, Tenant
from domain.ids import parse_type_id, type_id
from integrations.crypto import Vault
from persistence.credentials import find_credential
from persistence.database import Database
from persistence.events import Cause
from persistence.unit_of_work import UnitOfWork
from services.crm import channels
from services.identity import agents
from services.viewer import Viewer
from ventros.settings import Settings
from ventros.wiring import webhook_url

_CAUSE = Cause(correlation_id="demo", actor="demo")
_WAHA_SESSION, _WAHA_API_KEY = "crm-demo", "demo-waha-key"
_CHANNEL = "Demo WhatsApp"
_WINDOW_MS = 6_000
"""Shorter than usual: whoever tries the demo wants to see an answer soon."""

_INSTRUCTIONS = """You are Bia, the assistant of a bakery that takes orders on WhatsApp.
Answer questions about cakes, bread, prices, opening hours and delivery, briefly and warmly, in the customer's
language. Remember lasting preferences. Hand over to a person for complaints, refunds and whatever you do not know."""


@dataclass(frozen=True, kw_only=True)
class Demo:
    """What a newcomer and the simulator need to know; ids as TypeIDs."""

    api_key: str
    other_tenant_api_key: str
    project_id: str
    channel_id: str
    waha_session: str
    waha_api_key: str
    webhook_url: str
    webhook_hmac_key: str


@dataclass(frozen=True, kw_only=True)
class _Kept:
    """What a later start needs again and the database does not tell: keys are stored as hashes there."""

    api_key: str
    other_tenant_api_key: str
    channel_id: str
    webhook_hmac_key: str


def prepare(settings: Settings, *, simulator_url: str) -> Demo:
    """Make the demo's tenants, or find those of an earlier start, and point its channel at the simulator.

    The keys are kept in demo-keys.json in the data directory, readable by its owner alone.
    """
    if settings.data_dir is None:
        raise RuntimeError("The demo needs VENTROS_DATA_DIR.")
    return asyncio.run(_prepare(settings, simulator_url, kept_in=settings.data_dir / "demo-keys.json"))


async def _prepare(settings: Settings, simulator_url: str, *, kept_in: Path) -> Demo:
    async with Database(settings.database_url, clock=SystemClock(), pool_size=2) as database:
        kept = _read(kept_in)
        if kept is None or not await _opens(database, kept):
            kept = await _create(settings, database, simulator_url)
            _keep(kept_in, kept)
        credential = await find_credential(
            database.system, secret_hash=hash_secret(kept.api_key), now=database.clock.now()
        )
        if credential is None:
            raise RuntimeError("The demo's API key is gone; delete demo-keys.json and start again.")
        async with database.writing(credential.tenant_id, _CAUSE) as uow:
            channel = await uow.channels.get_for_update(_uuid(kept.channel_id))
            if channel.waha_url != simulator_url:
                # The simulator listens on another port after every start.
                channel.waha_url = simulator_url
                channel.touch(uow.now)
            # The simulator's session works from its start.
            channel.report(SessionState.WORKING, changed_at=uow.now, at=uow.now)
        return Demo(
            **{key: value for key, value in asdict(kept).items() if key != "channel_id"},
            project_id=type_id("prj", credential.project_id),
            channel_id=kept.channel_id,
            waha_session=_WAHA_SESSION,
            waha_api_key=_WAHA_API_KEY,
            webhook_url=webhook_url(settings, channel),
        )


async def _create(settings: Settings, database: Database, simulator_url: str) -> _Kept:
    vault = Vault(settings.secret_key.get_secret_value())
    tenant = Tenant.create(name="Demo Company", at=database.clock.now())
    async with database.writing(tenant.id, _CAUSE) as uow:
        project, agent, api_key = _workspace(uow, tenant, project="Demo Project", agent="Ana (demo)")
        await uow.session.flush()
        viewer = Viewer(
            id=project.id,
            name="demo",
            tenant_id=tenant.id,
            project_id=project.id,
            permissions=ALL_PERMISSIONS,
            agent_id=agent.id,
        )
        channel, hmac_key = await channels.create(
            uow,
            viewer,
            vault=vault,
            name=_CHANNEL,
            waha_url=simulator_url,
            waha_session=_WAHA_SESSION,
            waha_api_key=_WAHA_API_KEY,
            allow_groups=True,
            debounce_timeout_ms=_WINDOW_MS,
            agent_id=(await _assistant(uow, viewer)).id,
        )
    other = Tenant.create(name="Another Company", at=database.clock.now())
    async with database.writing(other.id, _CAUSE) as uow:
        _, _, other_key = _workspace(uow, other, project="Another Project", agent="Rui (demo)")
    return _Kept(
        api_key=api_key,
        other_tenant_api_key=other_key,
        channel_id=type_id("chn", channel.id),
        webhook_hmac_key=hmac_key,
    )


async def _assistant(uow: UnitOfWork, viewer: Viewer) -> Agent:
    """Let a language model answer until a person does."""
    assistant = await agents.create(
        uow,
        viewer,
        type=AgentType.AI,
        name="Bia (demo)",
        email=None,
        ai={
            "instructions": _INSTRUCTIONS,
            "tools": ("look_up_contact", "remember_fact", "search_messages", "stay_silent"),
            "handover_message": "Vou chamar alguém da equipe para você. Um momento!",
        },
    )
    await uow.session.flush()
    return assistant


def _workspace(uow: UnitOfWork, tenant: Tenant, *, project: str, agent: str) -> tuple[Project, Agent, str]:
    uow.tenants.add(tenant)
    workspace = uow.projects.add(Project.create(tenant_id=tenant.id, name=project, at=uow.now))
    person = uow.agents.add(
        Agent.create(
            tenant_id=tenant.id,
            project_id=workspace.id,
            type=AgentType.HUMAN,
            name=agent,
            email=None,
            at=uow.now,
        )
    )
    key, secret = ApiKey.issue(
        tenant_id=tenant.id,
        project_id=workspace.id,
        agent_id=person.id,
        name="demo",
        scopes=ALL_PERMISSIONS,
        expires_at=None,
        at=uow.now,
    )
    uow.api_keys.add(key)
    return workspace, person, secret


def _read(path: Path) -> _Kept | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=_Kept)
    except (FileNotFoundError, msgspec.DecodeError):
        return None


async def _opens(database: Database, kept: _Kept) -> bool:
    """Whether the database still knows the key; another database, or an emptied one, does not."""
    hashed = hash_secret(kept.api_key)
    return await find_credential(database.system, secret_hash=hashed, now=database.clock.now()) is not None


def _keep(path: Path, kept: _Kept) -> None:
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    path.write_bytes(msgspec.json.encode(kept))


def _uuid(text: str) -> UUID:
    return parse_type_id(text)[1]
