"""What has to happen to sessions and channels without anybody asking."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from domain.crm.channel import Channel, ChannelStatus, Engine
from domain.crm.inbound import SessionState
from domain.crm.session import SessionEndReason
from domain.identity.permission import Permission
from domain.ids import ChannelId, ChatId, SessionId
from domain.values import PhoneNumber
from persistence.unit_of_work import UnitOfWork
from services.viewer import Viewer

_GROUP_PAUSE, _GROUP_PATIENCE = timedelta(hours=1), timedelta(days=3)


async def watch_silence(
    uow: UnitOfWork, viewer: Viewer, *, session_ids: Sequence[SessionId]
) -> list[SessionId]:
    """End those of the sessions that have been silent for too long, and return them; warn of others' ends."""
    viewer.require(Permission.SESSIONS_WRITE)
    ended = []
    for session_id in sorted(session_ids):
        session = await uow.sessions.lock_if_free(session_id)
        if session is not None and session.is_overdue(uow.now):
            session.end(SessionEndReason.INACTIVITY_TIMEOUT, at=uow.now)
            ended.append(session_id)
        elif session is not None:
            session.warn_if_expiring(uow.now)
    return ended


async def report_state(
    uow: UnitOfWork,
    viewer: Viewer,
    *,
    channel_id: ChannelId,
    state: SessionState,
    changed_at: datetime,
    engine: Engine | None,
    phone: PhoneNumber | None,
) -> Channel:
    """Take over what WAHA answers about a channel's session."""
    viewer.require(Permission.CHANNELS_WRITE)
    channel = await uow.channels.get_for_update(channel_id)
    channel.report(state, changed_at=changed_at, engine=engine, phone=phone, at=uow.now)
    return channel


async def fail_activation(uow: UnitOfWork, viewer: Viewer, *, channel_id: ChannelId, reason: str) -> None:
    """Note why a channel could not be connected, unless it has been meanwhile."""
    viewer.require(Permission.CHANNELS_WRITE)
    channel = await uow.channels.get_for_update(channel_id)
    if channel.status is ChannelStatus.ACTIVATING:
        channel.fail_activation(reason, at=uow.now)


async def show_qr(uow: UnitOfWork, viewer: Viewer, *, channel_id: ChannelId, code: str) -> None:
    """Keep the QR code that pairs the channel's phone."""
    viewer.require(Permission.CHANNELS_WRITE)
    channel = await uow.channels.get_for_update(channel_id)
    if channel.qr_code != code:
        channel.show_qr(code, at=uow.now)


async def entitle(uow: UnitOfWork, viewer: Viewer, *, chat_id: ChatId, subject: str | None) -> None:
    """Note what WhatsApp calls a group; when it cannot tell, ask again after a while, but not for ever."""
    viewer.require(Permission.CHATS_WRITE)
    chat = await uow.chats.get_for_update(chat_id)
    chat.entitle(subject, at=uow.now)
    if chat.subject is None and uow.now - chat.created_at < _GROUP_PATIENCE:
        chat.ask_subject_later(uow.now + _GROUP_PAUSE, at=uow.now)
