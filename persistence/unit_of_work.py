"""What a transaction can reach: one repository per aggregate."""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy import event, func, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.base import Aggregate
from domain.operations.queue import JobOrder
from persistence.ai.contact_facts import ContactFacts
from persistence.ai.runs import AiRuns
from persistence.ai.session_summaries import SessionSummaries
from persistence.crm.channels import Channels
from persistence.crm.chats import Chats
from persistence.crm.contacts import Contacts
from persistence.crm.enrichments import Enrichments
from persistence.crm.message_groups import MessageGroups
from persistence.crm.messages import Messages
from persistence.crm.pipelines import Pipelines
from persistence.crm.scheduled_messages import ScheduledMessages
from persistence.crm.sessions import Sessions
from persistence.due import Alarm, alarms_of
from persistence.events import Cause, outbox_rows
from persistence.identity.agents import Agents
from persistence.identity.api_keys import ApiKeys
from persistence.identity.tenants import Projects, Tenants
from persistence.messaging.events import outbox
from persistence.messaging.outgoing import outgoing
from persistence.operations.job_runs import JobRuns


@dataclass(frozen=True)
class Reader:
    """One snapshot of a tenant's data. Not safe for concurrent use: one statement runs at a time."""

    session: AsyncSession
    tenant_id: UUID
    now: datetime
    """When the transaction began; everything in it happened then."""

    @property
    def tenants(self) -> Tenants:
        """The tenant itself."""
        return Tenants(self.session)

    @property
    def projects(self) -> Projects:
        """Its projects."""
        return Projects(self.session)

    @property
    def agents(self) -> Agents:
        """Its agents."""
        return Agents(self.session)

    @property
    def api_keys(self) -> ApiKeys:
        """Its API keys."""
        return ApiKeys(self.session)

    @property
    def pipelines(self) -> Pipelines:
        """Its pipelines."""
        return Pipelines(self.session)

    @property
    def channels(self) -> Channels:
        """Its channels."""
        return Channels(self.session)

    @property
    def contacts(self) -> Contacts:
        """Its contacts."""
        return Contacts(self.session)

    @property
    def chats(self) -> Chats:
        """Its chats."""
        return Chats(self.session)

    @property
    def sessions(self) -> Sessions:
        """Its sessions."""
        return Sessions(self.session)

    @property
    def messages(self) -> Messages:
        """Its messages."""
        return Messages(self.session)

    @property
    def message_groups(self) -> MessageGroups:
        """Its bursts of messages."""
        return MessageGroups(self.session)

    @property
    def scheduled_messages(self) -> ScheduledMessages:
        """Its messages that are to be sent later."""
        return ScheduledMessages(self.session)

    @property
    def ai_runs(self) -> AiRuns:
        """What its AI agents did."""
        return AiRuns(self.session)

    @property
    def contact_facts(self) -> ContactFacts:
        """What its AI agents remember of contacts."""
        return ContactFacts(self.session)

    @property
    def session_summaries(self) -> SessionSummaries:
        """What its sessions were about."""
        return SessionSummaries(self.session)

    @property
    def enrichments(self) -> Enrichments:
        """What is found out about the files of messages."""
        return Enrichments(self.session)

    @property
    def job_runs(self) -> JobRuns:
        """What workers did for it."""
        return JobRuns(self.session)


@dataclass(frozen=True)
class UnitOfWork(Reader):
    """One transaction that changes a tenant's data; committed by `Database.writing`, never by a service."""

    cause: Cause
    wakes: set[str] = field(default_factory=set)
    """Whom to wake after the commit."""
    orders: list[JobOrder] = field(default_factory=list)
    """Jobs to be left for workers after the commit; best effort, so a sweeper has to find their rows."""
    alarms: list[Alarm] = field(default_factory=list)
    """When what is due, to be told to the timers after the commit."""
    touched: list[Aggregate] = field(default_factory=list)
    """Every aggregate of the transaction. SQLAlchemy forgets objects it has written; their events must not go too."""

    def __post_init__(self) -> None:
        """Keep hold of whatever is added or loaded from now on."""
        for moment in ("after_attach", "loaded_as_persistent"):
            event.listen(self.session.sync_session, moment, self._keep)

    def _keep(self, _: object, instance: object) -> None:
        if isinstance(instance, Aggregate):
            self.touched.append(instance)

    async def flush(self) -> None:
        """Write all changes, then their events; the outbox last, so that its order is the commit order."""
        await self.session.flush()
        self.alarms.extend(alarms_of(self.touched))
        rows = outbox_rows(self.touched, self.cause)
        if rows:
            await self.session.execute(insert(outbox), rows)
            self.wakes.add("outbox")

    async def lock(self, name: str) -> None:
        """Wait until no other transaction holds a lock of this name; held until the end of this one."""
        await self.session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(name, 0))))

    async def try_lock(self, name: str) -> bool:
        """Take a lock of this name until the end of this transaction; False if another transaction holds it."""
        lock = func.pg_try_advisory_xact_lock(func.hashtextextended(name, 0))
        return bool(await self.session.scalar(select(lock)))

    async def queue(self, *, message_id: UUID, channel_id: UUID, chat_id: UUID) -> None:
        """Let a worker hand the message to WhatsApp after the commit."""
        self.wakes.add("outgoing")
        await self.session.flush()
        await self.session.execute(
            insert(outgoing).values(
                tenant_id=self.tenant_id, id=message_id, channel_id=channel_id, chat_id=chat_id
            )
        )
