"""Functions that make what tests need, through the domain's own constructors."""

import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from domain.clock import SystemClock
from domain.crm.channel import Channel, ChannelStatus
from domain.crm.enrichment_routing import NOTHING, Abilities
from domain.crm.inbound import InboundEvent
from domain.identity.agent import Agent, AgentType
from domain.identity.api_key import ApiKey
from domain.identity.permission import ALL_PERMISSIONS
from domain.identity.tenant import Project, Tenant
from domain.ids import ChannelId, ProjectId, TenantId
from domain.values import Sealed
from integrations.crypto import Vault
from integrations.waha import envelope
from integrations.waha.translate import to_domain
from jobs import housekeeping, lanes
from persistence.crm.sessions import SESSIONS_DUE
from persistence.database import Database
from persistence.events import Cause
from persistence.messaging import intake
from persistence.messaging.intake import ReceivedWebhook
from services.secrets import waha_api_key_context, webhook_hmac_key_context
from services.viewer import Viewer

CLOCK = SystemClock()
SECRET_KEY = "a key for tests only, thirty-two characters or more"
VAULT = Vault(SECRET_KEY)
HMAC_KEY = "a webhook key for tests"
NOON = datetime(2026, 7, 14, 12, 0, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class Shop:
    """A tenant with one project, one connected channel, one agent and one API key with every scope."""

    tenant_id: TenantId
    project_id: ProjectId
    channel_id: ChannelId
    webhook_token: str
    waha_session: str
    api_key: str
    agent: Agent
    viewer: Viewer


async def open_shop(
    database: Database,
    *,
    name: str = "Padaria",
    waha_url: str = "http://127.0.0.1:9",
    waha_session: str = "crm-demo",
    waha_api_key: str | None = None,
    allow_groups: bool = True,
    session_timeout_seconds: int | None = None,
) -> Shop:
    """Set up a shop."""
    cause = Cause(correlation_id="factory", actor="test")
    tenant = Tenant.create(name=name, at=CLOCK.now())
    async with database.writing(tenant.id, cause) as uow:
        uow.tenants.add(tenant)
        project = uow.projects.add(Project.create(tenant_id=tenant.id, name="Loja", at=uow.now))
        agent = uow.agents.add(
            Agent.create(
                tenant_id=tenant.id,
                project_id=project.id,
                type=AgentType.HUMAN,
                name="Ana",
                email=None,
                at=uow.now,
            )
        )
        channel = Channel.create(
            tenant_id=tenant.id,
            project_id=project.id,
            name="WhatsApp",
            waha_url=waha_url,
            waha_session=waha_session,
            waha_api_key=None,
            webhook_token=f"whk_{tenant.id.hex}",
            webhook_hmac_key=Sealed(b""),
            at=uow.now,
        )
        token = channel.webhook_token
        channel.webhook_hmac_key = VAULT.seal(HMAC_KEY, context=webhook_hmac_key_context(token))
        if waha_api_key is not None:
            channel.waha_api_key = VAULT.seal(waha_api_key, context=waha_api_key_context(token))
        channel.status = ChannelStatus.ACTIVE
        channel.allow_groups = allow_groups
        channel.session_timeout_seconds = session_timeout_seconds
        uow.channels.add(channel)
        key, secret = ApiKey.issue(
            tenant_id=tenant.id,
            project_id=project.id,
            agent_id=agent.id,
            name="tests",
            scopes=ALL_PERMISSIONS,
            expires_at=None,
            at=uow.now,
        )
        uow.api_keys.add(key)
    return Shop(
        tenant_id=tenant.id,
        project_id=project.id,
        channel_id=channel.id,
        webhook_token=channel.webhook_token,
        waha_session=channel.waha_session,
        api_key=secret,
        agent=agent,
        viewer=Viewer(
            id=key.id,
            name="tests",
            tenant_id=tenant.id,
            project_id=project.id,
            permissions=ALL_PERMISSIONS,
            agent_id=agent.id,
        ),
    )


async def receive(database: Database, shop: Shop, bodies: Iterable[bytes]) -> int:
    """Put webhooks into the inbox, as the API does; return how many were new."""
    webhooks = []
    for raw in bodies:
        read = envelope.read(raw)
        webhooks.append(
            ReceivedWebhook(
                tenant_id=shop.tenant_id,
                channel_id=shop.channel_id,
                event_key=read.event_key,
                kind=read.event,
                lane=zlib.crc32(read.chat_key.encode()) & 0x7FFFFFFF,
                occurred_at=read.occurred_at or CLOCK.now(),
                received_at=CLOCK.now(),
                body=raw,
            )
        )
    return await intake.store(database.system, webhooks)


async def work_off(database: Database, *, abilities: Abilities = NOTHING) -> int:
    """File everything that waits, as a worker does; return how many webhooks that was."""
    settled = 0
    while some := await lanes.work_once(database, translate=read_webhook, abilities=abilities):
        settled += some
    return settled


def read_webhook(body: bytes, at: datetime) -> InboundEvent:
    """Translate a webhook."""
    return to_domain(body, received_at=at)


async def end_overdue_sessions(database: Database) -> int:
    """Look at every session whose time has come, as a worker does; return how many ended."""
    ended = 0
    while due := await SESSIONS_DUE.due(database.system, now=database.clock.now(), limit=500):
        for tenant_id, ids in due.items():
            ended += len(await housekeeping.watch_silence(database, tenant_id, ids))
    return ended
