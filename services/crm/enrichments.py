"""The steps of finding out what a file says, each a transaction; and what people may see and ask of it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from uuid import UUID

from domain.ai.usage import AiPurpose, is_spent
from domain.crm.channel import Channel
from domain.crm.content import ContentKind, Media, MediaStatus, media_of
from domain.crm.enrichment import Enrichment, EnrichmentKind, EnrichmentResult, EnrichmentStatus
from domain.crm.message import Message
from domain.errors import Conflict, InvalidState
from domain.identity.permission import Permission
from domain.ids import EnrichmentId, MessageId, TenantId
from persistence import ai_usage
from persistence.crm import enrichments as rows
from persistence.crm.enrichments import ResultKey
from persistence.messaging import media as files
from persistence.messaging.media import KeptFile
from persistence.unit_of_work import Reader, UnitOfWork
from services.crm.enrichment_files import let_group_go_on
from services.scope import find_own, lock_own
from services.viewer import Viewer


@dataclass(frozen=True, kw_only=True)
class EnrichmentErrand:
    """A file to be read, described or written down, with all that is needed for it; `token` marks the attempt."""

    enrichment_id: EnrichmentId
    tenant_id: TenantId
    message_id: MessageId
    token: UUID
    type: EnrichmentKind
    attempt: int
    age: timedelta
    sha256: str
    mime_type: str
    content_kind: ContentKind
    media: Media = field(repr=False)
    caption: str | None = field(repr=False)
    language: str | None
    key: ResultKey | None = None


@dataclass(frozen=True, kw_only=True)
class Claim:
    """What came of asking for an enrichment: an errand; or it was settled at once, as `status` says; or neither."""

    errand: EnrichmentErrand | None = None
    status: EnrichmentStatus | None = None
    type: EnrichmentKind | None = None
    is_cached: bool = False


NOT_NOW = Claim()

KeyOf = Callable[[EnrichmentErrand], ResultKey]
"""Says what would be asked of whom, so that nothing is asked twice."""


async def claim(
    uow: UnitOfWork,
    viewer: Viewer,
    *,
    enrichment_id: EnrichmentId,
    token: UUID,
    key_of: KeyOf,
    costs: bool,
    default_budget: int | None,
) -> Claim:
    """Claim an enrichment for one attempt.

    It is settled at once when its message or file is gone, when the same was asked before, or when it `costs` and
    the project has spent its budget of the day: its own, else the default (in micro-USD, None for no limit).
    """
    viewer.require(Permission.MESSAGES_READ)
    enrichment = await uow.enrichments.take_locked(enrichment_id)
    message = await uow.messages.find(enrichment.message_id) if enrichment is not None else None
    if enrichment is None or message is None:
        return NOT_NOW
    if not enrichment.take(token, chat_id=message.chat_id, at=uow.now):
        return await _settled(uow, enrichment, message) if not enrichment.is_open else NOT_NOW
    if message.revoked_at is not None:
        enrichment.skip("The message was deleted for everyone.", chat_id=message.chat_id, at=uow.now)
        return await _settled(uow, enrichment, message)
    file = await files.find(uow.session, enrichment.media_id)
    if file is None or file.sha256 is None:
        enrichment.fail(token, error="There is no file any more.", chat_id=message.chat_id, at=uow.now)
        return await _settled(uow, enrichment, message)
    channel = await uow.channels.find(message.channel_id)
    errand = _errand(uow, enrichment, message, file=file, channel=channel)
    key = key_of(errand)
    known = await rows.recall(uow.session, key)
    if known is not None:
        enrichment.complete(token, known, duration_ms=0, chat_id=message.chat_id, at=uow.now)
        return await _settled(uow, enrichment, message)
    if costs and (why := await _over_budget(uow, enrichment, default_budget)) is not None:
        enrichment.skip(why, chat_id=message.chat_id, at=uow.now)
        return await _settled(uow, enrichment, message)
    return Claim(errand=replace(errand, key=key))


async def hold(uow: UnitOfWork, viewer: Viewer, *, errand: EnrichmentErrand) -> None:
    """Keep the claim of an attempt that goes on. Raises `Conflict` when it is not this worker's any more."""
    viewer.require(Permission.MESSAGES_READ)
    (await uow.enrichments.get_for_update(errand.enrichment_id)).hold(errand.token, at=uow.now)


async def complete(
    uow: UnitOfWork, viewer: Viewer, *, errand: EnrichmentErrand, result: EnrichmentResult, duration_ms: int
) -> bool:
    """Keep a result and what it cost; return False if another attempt has settled it: it cost all the same."""
    viewer.require(Permission.MESSAGES_READ)
    enrichment = await uow.enrichments.get_for_update(errand.enrichment_id)
    message = await uow.messages.find(enrichment.message_id)
    is_ours = message is not None
    if message is not None:
        try:
            enrichment.complete(
                errand.token, result, duration_ms=duration_ms, chat_id=message.chat_id, at=uow.now
            )
        except Conflict:
            is_ours = False
        else:
            await let_group_go_on(uow, message)
    if errand.key is not None:
        await rows.remember(uow.session, errand.tenant_id, errand.key, result, at=uow.now)
    await _spend(uow, enrichment, result.cost_microusd)
    return is_ours


async def retry_later(
    uow: UnitOfWork,
    viewer: Viewer,
    *,
    errand: EnrichmentErrand,
    error: str,
    pause: timedelta,
    was_tried: bool,
    cost_microusd: int | None = 0,
) -> bool:
    """Give an enrichment back for a while; return whether that was its last attempt. Raises `Conflict` when lost."""
    viewer.require(Permission.MESSAGES_READ)
    enrichment, message = await _held(uow, errand)
    enrichment.retry_later(
        errand.token,
        error=error,
        until=uow.now + pause,
        was_tried=was_tried,
        chat_id=message.chat_id,
        at=uow.now,
    )
    if not enrichment.is_open:
        await let_group_go_on(uow, message)
    await _spend(uow, enrichment, cost_microusd)
    return not enrichment.is_open


async def fail(
    uow: UnitOfWork,
    viewer: Viewer,
    *,
    errand: EnrichmentErrand,
    error: str,
    cost_microusd: int | None = 0,
) -> None:
    """Give up. Raises `Conflict` when it is not this worker's any more."""
    viewer.require(Permission.MESSAGES_READ)
    enrichment, message = await _held(uow, errand)
    enrichment.fail(errand.token, error=error, chat_id=message.chat_id, at=uow.now)
    await let_group_go_on(uow, message)
    await _spend(uow, enrichment, cost_microusd)


async def skip(uow: UnitOfWork, viewer: Viewer, *, errand: EnrichmentErrand, reason: str) -> None:
    """Do without, because such a file cannot be read. Raises `Conflict` when it is not this worker's any more."""
    viewer.require(Permission.MESSAGES_READ)
    enrichment, message = await _held(uow, errand)
    enrichment.hold(errand.token, at=uow.now)
    enrichment.skip(reason, chat_id=message.chat_id, at=uow.now)
    await let_group_go_on(uow, message)


async def find(reader: Reader, viewer: Viewer, *, ids: Sequence[UUID]) -> dict[UUID, Enrichment]:
    """Return those of the enrichments that the viewer can see, by id."""
    viewer.require(Permission.MESSAGES_READ)
    return await find_own(reader.enrichments, viewer, ids)


async def retry(
    uow: UnitOfWork, viewer: Viewer, *, enrichment_id: EnrichmentId, expected_version: int | None
) -> Enrichment:
    """Try again what failed or was skipped.

    Raises `NotFound`, `VersionConflict`, or `InvalidState` when it did neither, or its file is not here.
    """
    viewer.require(Permission.CHATS_WRITE)
    enrichment = await lock_own(uow.enrichments, viewer, enrichment_id, expected_version=expected_version)
    message = await uow.messages.find(enrichment.message_id)
    file = await files.find(uow.session, enrichment.media_id)
    if message is None or file is None or file.status is not MediaStatus.STORED:
        raise InvalidState("The file of this message is not here, so it cannot be read.", field=["id"])
    enrichment.start_over(chat_id=message.chat_id, at=uow.now)
    uow.wakes.add("enrichments")
    return enrichment


async def _held(uow: UnitOfWork, errand: EnrichmentErrand) -> tuple[Enrichment, Message]:
    enrichment = await uow.enrichments.get_for_update(errand.enrichment_id)
    message = await uow.messages.find(enrichment.message_id)
    if message is None:
        raise Conflict("The message of this enrichment is gone.")
    return enrichment, message


async def _settled(uow: UnitOfWork, enrichment: Enrichment, message: Message) -> Claim:
    await let_group_go_on(uow, message)
    return Claim(status=enrichment.status, type=enrichment.type, is_cached=enrichment.is_cached)


async def _spend(uow: UnitOfWork, enrichment: Enrichment, cost_microusd: int | None) -> None:
    """Count a call, unless it cost nothing. It locks what the whole project spends, so it comes last."""
    if cost_microusd != 0:
        await ai_usage.spend(
            uow.session,
            tenant_id=enrichment.tenant_id,
            project_id=enrichment.project_id,
            purpose=AiPurpose.ENRICHMENT,
            cost_microusd=cost_microusd,
            at=uow.now,
        )


async def _over_budget(uow: UnitOfWork, enrichment: Enrichment, default_budget: int | None) -> str | None:
    """Return why nothing may be spent any more today, or None. Calls under way are not counted yet."""
    project = await uow.projects.find(enrichment.project_id)
    own = None if project is None else project.ai_daily_budget_microusd
    budget = default_budget if own is None else own
    spent = await ai_usage.spent(uow.session, project_id=enrichment.project_id, at=uow.now)
    if not is_spent(budget, spent_microusd=spent):
        return None
    return f"The AI budget of the day is spent: {spent} of {budget} micro-USD."


def _errand(
    uow: UnitOfWork, enrichment: Enrichment, message: Message, *, file: KeptFile, channel: Channel | None
) -> EnrichmentErrand:
    media = media_of(message.content)
    # The file is there and the enrichment taken: whoever calls has seen to that.
    assert file.sha256 is not None  # noqa: S101
    assert enrichment.token is not None  # noqa: S101
    return EnrichmentErrand(
        enrichment_id=enrichment.id,
        tenant_id=enrichment.tenant_id,
        message_id=enrichment.message_id,
        token=enrichment.token,
        type=enrichment.type,
        attempt=enrichment.attempts,
        age=uow.now - enrichment.requested_at,
        sha256=file.sha256,
        mime_type=file.mime_type or "application/octet-stream",
        content_kind=message.content_kind,
        media=media or Media(),
        caption=message.text,
        language=channel.enrichment.language if channel is not None else None,
    )
