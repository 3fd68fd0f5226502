"""An enrichment: what a message's file says, found out by a provider or by a reader of our own."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from typing import ClassVar
from uuid import UUID

from domain.base import Aggregate, Event
from domain.errors import Conflict, InvalidState
from domain.ids import ChatId, EnrichmentId, MediaId, MessageId, ProjectId, TenantId, new_id

LEASE = timedelta(seconds=60)
"""How long a worker that says nothing keeps an enrichment."""

MOST_ATTEMPTS = 6
GIVE_UP_AFTER = timedelta(hours=24)
"""How long a provider that takes no calls is waited for."""

TEXT_LIMIT = 50_000
ERROR_LIMIT = 500
WORD_LIMIT = 128
"""The longest name of a provider, model or language."""

_CUT = "\n[… cut: the text goes on]"


class EnrichmentKind(Enum):
    """What is found out. Places, cards and polls tell it themselves and need none of these."""

    TRANSCRIPTION = "TRANSCRIPTION"
    OCR = "OCR"
    DESCRIPTION = "DESCRIPTION"
    DOCUMENT_TEXT = "DOCUMENT_TEXT"


class EnrichmentStatus(Enum):
    """How far it came: WAITING for its file, PENDING for a worker, PROCESSING, or settled."""

    WAITING = "WAITING"
    PENDING = "PENDING"
    PROCESSING = "PROCESSING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    SKIPPED = "SKIPPED"


OPEN = (EnrichmentStatus.WAITING, EnrichmentStatus.PENDING, EnrichmentStatus.PROCESSING)
"""The statuses from which a text may still come by itself."""


class EnrichmentRequested(Event, name="enrichment.requested"):
    """What a message's file says is to be found out."""

    enrichment_id: EnrichmentId
    message_id: MessageId
    chat_id: ChatId
    type: EnrichmentKind


class EnrichmentCompleted(Event, name="enrichment.completed"):
    """What a message's file says is known."""

    enrichment_id: EnrichmentId
    message_id: MessageId
    chat_id: ChatId
    type: EnrichmentKind
    is_cached: bool


class EnrichmentFailed(Event, name="enrichment.failed"):
    """What a message's file says could not be found out."""

    enrichment_id: EnrichmentId
    message_id: MessageId
    chat_id: ChatId
    type: EnrichmentKind
    error: str


class EnrichmentSkipped(Event, name="enrichment.skipped"):
    """What a message's file says is not found out; `reason` says why."""

    enrichment_id: EnrichmentId
    message_id: MessageId
    chat_id: ChatId
    type: EnrichmentKind
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class EnrichmentDetails:
    """What else is known of a result: seconds of sound, pages of a document, whether its text was cut."""

    seconds: float | None = None
    pages: int | None = None
    is_cut: bool = False
    context: str | None = None


NO_DETAILS = EnrichmentDetails()


@dataclass(frozen=True, kw_only=True, slots=True)
class EnrichmentResult:
    """What was found out. `cost_microusd` None is a cost that nobody knows; a cached result cost nothing."""

    text: str
    provider: str
    model: str
    language: str | None = None
    details: EnrichmentDetails = NO_DETAILS
    cost_microusd: int | None = None
    is_cached: bool = False


@dataclass(eq=False, kw_only=True)
class Enrichment(Aggregate):
    """One thing to be found out about one message's file.

    `due_at` is when a worker has to look at it: as soon as the file is here; after a pause; when the worker that
    has it (`token`) must be dead; None while it waits for its file and once it is settled. `priority` puts what
    is waited for most before the rest. Its message may move to another chat, so verbs that tell others get the
    chat.
    """

    kind: ClassVar[str] = "enrichment"
    id: EnrichmentId
    tenant_id: TenantId
    project_id: ProjectId
    message_id: MessageId
    media_id: MediaId
    type: EnrichmentKind
    status: EnrichmentStatus
    priority: int
    provider: str | None = None
    model: str | None = None
    text: str | None = field(default=None, repr=False)
    language: str | None = None
    details: EnrichmentDetails = NO_DETAILS
    is_cached: bool = False
    cost_microusd: int | None = None
    duration_ms: int | None = None
    requested_at: datetime
    attempts: int = 0
    due_at: datetime | None = None
    token: UUID | None = None
    error: str | None = None
    settled_at: datetime | None = None
    created_at: datetime
    updated_at: datetime
    version: int = 1

    @classmethod
    def request(
        cls,
        *,
        tenant_id: TenantId,
        project_id: ProjectId,
        chat_id: ChatId,
        message_id: MessageId,
        media_id: MediaId,
        type_: EnrichmentKind,
        priority: int,
        at: datetime,
    ) -> "Enrichment":
        """Ask for what a file says; it waits until the file is here."""
        enrichment = cls(
            id=EnrichmentId(new_id()),
            tenant_id=tenant_id,
            project_id=project_id,
            message_id=message_id,
            media_id=media_id,
            type=type_,
            status=EnrichmentStatus.WAITING,
            priority=priority,
            requested_at=at,
            created_at=at,
            updated_at=at,
        )
        enrichment.record(
            EnrichmentRequested(
                enrichment_id=enrichment.id, message_id=message_id, chat_id=chat_id, type=type_
            ),
            at=at,
        )
        return enrichment

    @property
    def is_open(self) -> bool:
        """Whether a text may still come by itself."""
        return self.status in OPEN

    def file_stored(self, *, at: datetime) -> None:
        """Let a worker begin, because the file is here."""
        if self.status is EnrichmentStatus.WAITING:
            self.status, self.due_at = EnrichmentStatus.PENDING, at
            self.touch(at)

    def file_lost(self, reason: str, *, chat_id: ChatId, at: datetime) -> None:
        """Give up, because there will be no file."""
        if self.status is EnrichmentStatus.WAITING:
            self._fail(reason, chat_id=chat_id, at=at)

    def skip(self, reason: str, *, chat_id: ChatId, at: datetime) -> None:
        """Do without; why is for people to read. What is settled stays as it is."""
        if not self.is_open:
            return
        self.error = reason[:ERROR_LIMIT]
        self._settle(EnrichmentStatus.SKIPPED, at)
        self.record(
            EnrichmentSkipped(
                enrichment_id=self.id,
                message_id=self.message_id,
                chat_id=chat_id,
                type=self.type,
                reason=self.error,
            ),
            at=at,
        )

    def take(self, token: UUID, *, chat_id: ChatId, at: datetime) -> bool:
        """Let one worker try, and return whether it may: when it is due, also after a worker that died.

        Each taking is an attempt; when the last one was interrupted, the enrichment fails.
        """
        if self.due_at is None or at < self.due_at:
            return False
        if self.attempts >= MOST_ATTEMPTS:
            self._fail(self.error or f"{self.attempts} attempts were interrupted.", chat_id=chat_id, at=at)
            return False
        self.status, self.token = EnrichmentStatus.PROCESSING, token
        self.attempts, self.due_at = self.attempts + 1, at + LEASE
        self.touch(at)
        return True

    def hold(self, token: UUID, *, at: datetime) -> None:
        """Keep it for another `LEASE`. Raises `Conflict` when somebody else has it."""
        self._require_holder(token)
        self.due_at = at + LEASE
        self.touch(at)

    def complete(
        self, token: UUID, result: EnrichmentResult, *, duration_ms: int, chat_id: ChatId, at: datetime
    ) -> None:
        """Keep what was found out. Raises `Conflict` when somebody else has it."""
        self._require_holder(token)
        text = result.text.replace("\x00", "").strip()
        self.text = text if len(text) <= TEXT_LIMIT else text[: TEXT_LIMIT - len(_CUT)] + _CUT
        self.provider, self.model = result.provider[:WORD_LIMIT], result.model[:WORD_LIMIT]
        self.language = result.language[:WORD_LIMIT] if result.language else None
        self.details, self.is_cached = result.details, result.is_cached
        self.cost_microusd, self.duration_ms = result.cost_microusd, duration_ms
        self.error = None
        self._settle(EnrichmentStatus.COMPLETED, at)
        self.record(
            EnrichmentCompleted(
                enrichment_id=self.id,
                message_id=self.message_id,
                chat_id=chat_id,
                type=self.type,
                is_cached=self.is_cached,
            ),
            at=at,
        )

    def retry_later(
        self, token: UUID, *, error: str, until: datetime, was_tried: bool, chat_id: ChatId, at: datetime
    ) -> None:
        """Give it back until then; after the last attempt, or a day without any, it fails.

        What `was_tried` counts as an attempt; a call that nobody took does not.
        """
        self._require_holder(token)
        if not was_tried:
            self.attempts -= 1
        is_last = self.attempts >= MOST_ATTEMPTS or (
            not was_tried and until - self.requested_at > GIVE_UP_AFTER
        )
        if is_last:
            self._fail(error, chat_id=chat_id, at=at)
            return
        self.status, self.token, self.due_at = EnrichmentStatus.PENDING, None, until
        self.error = error[:ERROR_LIMIT]
        self.touch(at)

    def fail(self, token: UUID, *, error: str, chat_id: ChatId, at: datetime) -> None:
        """Give up. Raises `Conflict` when somebody else has it."""
        self._require_holder(token)
        self._fail(error, chat_id=chat_id, at=at)

    def start_over(self, *, chat_id: ChatId, at: datetime) -> None:
        """Try again what failed or was skipped, from the beginning; its file must be here."""
        if self.status not in {EnrichmentStatus.FAILED, EnrichmentStatus.SKIPPED}:
            raise InvalidState(
                f"Only a FAILED or SKIPPED enrichment can be tried again; this one is {self.status.value}.",
                field=["id"],
            )
        self.status, self.due_at, self.settled_at = EnrichmentStatus.PENDING, at, None
        self.attempts, self.error, self.requested_at = 0, None, at
        self.record(
            EnrichmentRequested(
                enrichment_id=self.id, message_id=self.message_id, chat_id=chat_id, type=self.type
            ),
            at=at,
        )

    def _fail(self, error: str, *, chat_id: ChatId, at: datetime) -> None:
        self.error = error[:ERROR_LIMIT]
        self._settle(EnrichmentStatus.FAILED, at)
        self.record(
            EnrichmentFailed(
                enrichment_id=self.id,
                message_id=self.message_id,
                chat_id=chat_id,
                type=self.type,
                error=self.error,
            ),
            at=at,
        )

    def _settle(self, status: EnrichmentStatus, at: datetime) -> None:
        self.status, self.settled_at, self.token, self.due_at = status, at, None, None

    def _require_holder(self, token: UUID) -> None:
        if self.status is not EnrichmentStatus.PROCESSING or self.token != token:
            raise Conflict("The enrichment is not this worker's any more.")
