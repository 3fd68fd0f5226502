"""A channel: one WhatsApp account that reaches us through a WAHA session."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import ClassVar, TypedDict, Unpack

from domain.base import Aggregate, Event
from domain.crm.enrichment_rules import ALL_THERE_IS, EnrichmentRules, checked_enrichment
from domain.crm.grouping import (
    DEFAULT_RULES,
    DEFAULT_WINDOW_MS,
    Grouping,
    GroupingRules,
    checked_rules,
    checked_window,
)
from domain.crm.inbound import SessionState
from domain.crm.session import checked_timeout, checked_warning
from domain.errors import Invalid, InvalidState, require_text
from domain.ids import AgentId, ChannelId, PipelineId, ProjectId, TenantId, new_id
from domain.values import PhoneNumber, Sealed

NAME_LIMIT = 200
DEFAULT_TAKEOVER_SECONDS, LONGEST_TAKEOVER_SECONDS = 3_600, 30 * 86_400


class ChannelKind(Enum):
    """What carries the messages."""

    WAHA = "WAHA"


class ChannelStatus(Enum):
    """Whether the account is connected."""

    INACTIVE = "INACTIVE"
    ACTIVATING = "ACTIVATING"
    CONNECTING = "CONNECTING"
    ACTIVE = "ACTIVE"
    DISCONNECTED = "DISCONNECTED"
    ERROR = "ERROR"


class Engine(Enum):
    """The WhatsApp engine behind a WAHA server; it decides payload shapes and abilities."""

    GOWS = "GOWS"
    NOWEB = "NOWEB"
    WEBJS = "WEBJS"
    WPP = "WPP"

    @property
    def takes_message_ids(self) -> bool:
        """Whether a message can be sent under an id made beforehand (WAHA: `new-message-id`)."""
        return self in {Engine.GOWS, Engine.NOWEB}


_STATES = {
    SessionState.STOPPED: ChannelStatus.INACTIVE,
    SessionState.STARTING: ChannelStatus.CONNECTING,
    SessionState.SCAN_QR_CODE: ChannelStatus.CONNECTING,
    SessionState.PASSKEY_REQUIRED: ChannelStatus.CONNECTING,
    SessionState.WORKING: ChannelStatus.ACTIVE,
    SessionState.FAILED: ChannelStatus.ERROR,
}


class ChannelCreated(Event, name="channel.created"):
    """A channel was set up."""

    channel_id: ChannelId
    project_id: ProjectId


class ChannelUpdated(Event, name="channel.updated"):
    """Settings of a channel changed; `changes` names them."""

    channel_id: ChannelId
    changes: tuple[str, ...]


class ChannelActivationRequested(Event, name="channel.activation.requested"):
    """Somebody asked to connect the channel."""

    channel_id: ChannelId


class ChannelActivated(Event, name="channel.activated"):
    """The channel is connected to WhatsApp."""

    channel_id: ChannelId


class ChannelActivationFailed(Event, name="channel.activation.failed"):
    """WAHA could not connect the channel."""

    channel_id: ChannelId
    reason: str


class ChannelStatusChanged(Event, name="channel.status_changed"):
    """The connection changed; WAHA told us."""

    channel_id: ChannelId
    status: ChannelStatus


class ChannelSettings(TypedDict, total=False):
    """What people decide about a channel."""

    name: str
    debounce_timeout_ms: int
    grouping: GroupingRules
    enrichment: EnrichmentRules
    agent_id: AgentId | None
    takeover_pause_seconds: int
    session_timeout_seconds: int | None
    session_warning_seconds: int | None
    allow_groups: bool
    pipeline_id: PipelineId | None


@dataclass(eq=False, kw_only=True)
class Channel(Aggregate):
    """One WhatsApp account.

    `waha_url` and `waha_session` name the WAHA session; its API key and the webhook's HMAC key are stored encrypted
    and never leave the server. `status_at` is the time of the newest state WAHA reported, so that a late report
    changes nothing. `session_timeout_seconds` None leaves the timeout to the pipeline or project;
    `session_warning_seconds` None lets sessions end without a warning. `agent_id` names the
    AI agent that answers; a person's reply silences it in that chat for `takeover_pause_seconds`.
    """

    kind: ClassVar[str] = "channel"
    id: ChannelId
    tenant_id: TenantId
    project_id: ProjectId
    pipeline_id: PipelineId | None = None
    name: str
    carrier: ChannelKind = ChannelKind.WAHA
    status: ChannelStatus = ChannelStatus.INACTIVE
    status_at: datetime | None = None
    engine: Engine | None = None
    waha_url: str
    waha_session: str
    waha_api_key: Sealed | None = None
    webhook_token: str
    webhook_hmac_key: Sealed
    phone: PhoneNumber | None = None
    own_lid: str | None = None
    qr_code: str | None = None
    debounce_timeout_ms: int = DEFAULT_WINDOW_MS
    grouping: GroupingRules = DEFAULT_RULES
    enrichment: EnrichmentRules = ALL_THERE_IS
    agent_id: AgentId | None = None
    takeover_pause_seconds: int = DEFAULT_TAKEOVER_SECONDS
    session_timeout_seconds: int | None = None
    session_warning_seconds: int | None = None
    allow_groups: bool = False
    last_error: str | None = None
    deleted_at: datetime | None = None
    created_at: datetime
    updated_at: datetime
    version: int = 1

    @classmethod
    def create(
        cls,
        *,
        tenant_id: TenantId,
        project_id: ProjectId,
        name: str,
        waha_url: str,
        waha_session: str,
        waha_api_key: Sealed | None,
        webhook_token: str,
        webhook_hmac_key: Sealed,
        at: datetime,
    ) -> "Channel":
        """Set up a channel; it carries traffic once WAHA reports that its session works."""
        channel = cls(
            id=ChannelId(new_id()),
            tenant_id=tenant_id,
            project_id=project_id,
            name=require_text(name, field="name", limit=NAME_LIMIT),
            waha_url=waha_url.rstrip("/"),
            waha_session=require_text(waha_session, field="wahaSession", limit=64),
            waha_api_key=waha_api_key,
            webhook_token=webhook_token,
            webhook_hmac_key=webhook_hmac_key,
            created_at=at,
            updated_at=at,
        )
        channel.record(ChannelCreated(channel_id=channel.id, project_id=project_id), at=at)
        return channel

    def configure(self, *, at: datetime, **settings: Unpack[ChannelSettings]) -> None:
        """Change the settings given; records one event that names what really changed. New sessions follow."""
        wanted = _checked(settings)
        changes = tuple(key for key, value in wanted.items() if getattr(self, key) != value)
        for key in changes:
            setattr(self, key, wanted[key])
        if changes:
            self.record(ChannelUpdated(channel_id=self.id, changes=changes), at=at)

    @property
    def bursts(self) -> Grouping:
        """The rules by which messages are grouped now."""
        return Grouping.of(window_ms=self.debounce_timeout_ms, rules=self.grouping)

    @property
    def cancels_on_reply(self) -> bool:
        """Whether an answer of ours makes working on a burst needless."""
        wanted = self.grouping.is_cancelled_by_reply
        return self.agent_id is not None if wanted is None else wanted

    def request_activation(self, *, at: datetime) -> None:
        """Ask for a connection; a worker talks to WAHA."""
        if self.status is ChannelStatus.ACTIVE:
            raise InvalidState("The channel is connected already.")
        self.status, self.last_error = ChannelStatus.ACTIVATING, None
        self.record(ChannelActivationRequested(channel_id=self.id), at=at)

    def fail_activation(self, reason: str, *, at: datetime) -> None:
        """Note why WAHA could not connect."""
        self.status, self.last_error = ChannelStatus.ERROR, reason
        self.record(ChannelActivationFailed(channel_id=self.id, reason=reason), at=at)

    def report(
        self,
        state: SessionState,
        *,
        changed_at: datetime,
        at: datetime,
        engine: Engine | None = None,
        phone: PhoneNumber | None = None,
        own_lid: str | None = None,
    ) -> None:
        """Take over what WAHA says of its session, unless something newer is known."""
        if self.status_at is not None and changed_at < self.status_at:
            return
        status = _STATES[state]
        before = self.status
        self.status, self.status_at = status, changed_at
        self.engine = engine or self.engine
        self.phone = phone or self.phone
        self.own_lid = own_lid or self.own_lid
        if status is not ChannelStatus.CONNECTING:
            self.qr_code = None
        if status is ChannelStatus.ACTIVE:
            self.last_error = None
        elif status is ChannelStatus.ERROR:
            self.last_error = "The WAHA session failed; restart it, or pair the phone again."
        self.touch(at)
        if status is not before:
            self.record(ChannelStatusChanged(channel_id=self.id, status=status), at=at)
            if status is ChannelStatus.ACTIVE:
                self.record(ChannelActivated(channel_id=self.id), at=at)

    def show_qr(self, code: str, *, at: datetime) -> None:
        """Keep the QR code that pairs a phone, while it is valid."""
        if self.status is ChannelStatus.CONNECTING:
            self.qr_code = code
            self.record(ChannelUpdated(channel_id=self.id, changes=("qr_code",)), at=at)


def _checked(settings: ChannelSettings) -> dict[str, object]:
    """Return settings that keep every rule, or raise what the first breaks."""
    wanted: dict[str, object] = dict(settings)
    if "name" in settings:
        wanted["name"] = require_text(settings["name"], field="name", limit=NAME_LIMIT)
    if "debounce_timeout_ms" in settings:
        checked_window(settings["debounce_timeout_ms"])
    if "grouping" in settings:
        checked_rules(settings["grouping"])
    if "enrichment" in settings:
        checked_enrichment(settings["enrichment"])
    if (timeout := settings.get("session_timeout_seconds")) is not None:
        checked_timeout(timeout, field="sessionTimeoutSeconds")
    if (warning := settings.get("session_warning_seconds")) is not None:
        checked_warning(warning, field="sessionWarningSeconds")
    if not 0 <= (pause := settings.get("takeover_pause_seconds", 0)) <= LONGEST_TAKEOVER_SECONDS:
        raise Invalid(
            f"takeoverPauseSeconds is {pause}; it must be between 0 and {LONGEST_TAKEOVER_SECONDS}.",
            field=["takeoverPauseSeconds"],
        )
    return wanted
