"""The calls Ventros makes to WAHA, in the words of the domain."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import datetime
from urllib.parse import quote

import httpx2

from domain.crm.channel import Engine
from domain.crm.content import Media, MessageContent, media_of
from domain.crm.inbound import MessageKey
from domain.values import PhoneNumber, WhatsAppAddress
from integrations.errors import Rejected, Unavailable
from integrations.waha import files, messages, sends, sessions
from integrations.waha.content import Nothing
from integrations.waha.fields import Node, child, flag, member, node_of, text
from integrations.waha.files import Download, FileStream
from integrations.waha.message_id import MessageId, address, bare
from integrations.waha.sends import SendResult
from integrations.waha.sessions import ServerVersion, SessionInfo, Webhook
from integrations.waha.transport import LISTING, MEDIA, QUICK, Transport

_IGNORED = {"status": True, "channels": True, "broadcast": True}


class Waha:
    """One WAHA server, as one of its keys sees it; cheap to make over one shared client.

    Calls that change something are made once and raise `Rejected`, `Unavailable` or `Ambiguous`; reads are
    repeated twice while the server is unavailable.
    """

    def __init__(
        self,
        base_url: str,
        api_key: str | None,
        *,
        http: httpx2.AsyncClient,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._transport = Transport(base_url=base_url, api_key=api_key, http=http, sleep=sleep)

    async def send(
        self,
        session: str,
        chat_id: WhatsAppAddress,
        content: MessageContent,
        *,
        message_id: str | None = None,
        reply_to: MessageKey | str | None = None,
        data: bytes | None = None,
    ) -> SendResult:
        """Hand a message to WhatsApp, once.

        `message_id` is an id from `new_message_id`, used for contents that can carry one. `reply_to` is the
        key of the quoted message, or on GOWS and NOWEB its bare id. `data` is the content's file; without
        it WAHA fetches `media.url` itself. Taken means neither delivered nor that the number exists.
        """
        path, body = sends.request_for(content, data)
        body |= {"session": session, "chatId": str(chat_id)}
        if message_id is not None and sends.takes_message_id(content):
            body["id"] = message_id
        if reply_to is not None:
            body["reply_to"] = sends.quoted(reply_to)
        seconds = MEDIA if sends.is_heavy(content) else QUICK
        result = sends.result_of(await self._transport.command("POST", path, body, seconds=seconds))
        if result.external_id is None and "id" in body:
            return SendResult(external_id=message_id, timestamp=result.timestamp)
        return result

    async def new_message_id(self, session: str) -> str:
        """Return an id for a message to be sent; GOWS and NOWEB only, others raise `Rejected`."""
        answer = await self._transport.get(f"/api/{_in_path(session)}/new-message-id")
        found = bare(text(answer, "id"))
        if found is None:
            raise Unavailable("WAHA gave no message id.", code="BAD_ANSWER")
        return found

    async def find_message(
        self,
        session: str,
        chat_id: WhatsAppAddress,
        external_id: str,
        *,
        from_me: bool = True,
        author: WhatsAppAddress | None = None,
        engine: Engine | None = None,
        download_media: bool = False,
    ) -> Node | None:
        """Return a message of a chat as WAHA tells it, or None.

        GOWS and NOWEB find the bare id in all chats, whichever form of the address a chat is filed under;
        other engines need the full id, to which in groups the `author` belongs. `download_media` has WAHA
        fetch the file again, which may take long.
        """
        chat, wanted = (
            _in_path(str(chat_id)),
            MessageId(external_id=external_id, from_me=from_me, chat=chat_id, participant=author),
        )
        name = str(wanted)
        if engine is not None and engine.takes_message_ids:
            chat, name = "all", external_id
        answer = await self._transport.find(
            f"/api/{_in_path(session)}/chats/{chat}/messages/{_in_path(name)}",
            query={"downloadMedia": _truth(download_media)},
            seconds=MEDIA if download_media else QUICK,
        )
        found = node_of(answer)
        return found if bare(member(found, "id")) == external_id else None

    async def find_media(
        self,
        session: str,
        chat_id: WhatsAppAddress,
        external_id: str,
        *,
        from_me: bool = False,
        author: WhatsAppAddress | None = None,
        engine: Engine | None = None,
    ) -> Media | None:
        """Have WAHA fetch a message's file again and return where it offers it; None without such a message."""
        found = await self.find_message(
            session,
            chat_id,
            external_id,
            from_me=from_me,
            author=author,
            engine=engine,
            download_media=True,
        )
        content = None if found is None else messages.content_of(found)
        return None if content is None or isinstance(content, Nothing) else media_of(content)

    async def recent_messages(
        self, session: str, chat_id: WhatsAppAddress, *, limit: int, since: datetime | None = None
    ) -> list[Node]:
        """Return the newest messages of a chat as WAHA tells them, newest first, without their files."""
        query: dict[str, str | int] = {"limit": limit, "downloadMedia": _truth(False)}
        if since is not None:
            query["filter.timestamp.gte"] = int(since.timestamp())
        answer = await self._transport.find(
            f"/api/{_in_path(session)}/chats/{_in_path(str(chat_id))}/messages", query=query, seconds=LISTING
        )
        return [one for one in answer if isinstance(one, dict)] if isinstance(answer, list) else []

    async def check_exists(self, session: str, phone: PhoneNumber) -> WhatsAppAddress | None:
        """Return the address of a number's account, which may be spelt otherwise in Brazil; None without one.

        Every call asks WhatsApp, which limits them: keep the answer.
        """
        answer = await self._transport.get(
            "/api/contacts/check-exists", query={"session": session, "phone": phone.digits}
        )
        if not flag(answer, "numberExists"):
            return None
        return address(member(answer, "chatId")) or WhatsAppAddress.of_phone(phone)

    async def lid_to_phone(self, session: str, lid: WhatsAppAddress) -> WhatsAppAddress | None:
        """Return the phone form of a LID, if WAHA has learnt it."""
        answer = await self._transport.find(f"/api/{_in_path(session)}/lids/{_in_path(str(lid))}")
        return address(member(answer, "pn"))

    async def group_subject(self, session: str, group: WhatsAppAddress) -> str | None:
        """Return the name of a group; None when the account is not in it."""
        answer = await self._transport.find(
            f"/api/{_in_path(session)}/groups/{_in_path(str(group))}", seconds=LISTING
        )
        return text(answer, "subject", "name") or text(child(answer, "groupMetadata"), "subject")

    async def session(self, name: str) -> SessionInfo | None:
        """Return what WAHA says of a session, or None."""
        answer = await self._transport.find(f"/api/sessions/{_in_path(name)}")
        return None if answer is None else sessions.session_of(answer, name=name)

    async def create_or_update_session(
        self,
        name: str,
        *,
        webhook: Webhook,
        metadata: Mapping[str, str] | None = None,
        ignore: Mapping[str, bool] = _IGNORED,
    ) -> SessionInfo:
        """Have a session report to our webhook, and return it.

        A new session is started. An existing one keeps its other settings, and is only touched when something
        changes, because WAHA restarts a running session to reconfigure it. `ignore` names what WAHA shall
        neither report nor store: `status`, `channels`, `broadcast`, `groups`.
        """
        known = await self.session(name)
        try:
            return await self._configure(name, known, webhook=webhook, metadata=metadata or {}, ignore=ignore)
        except Rejected as problem:
            if problem.code != "INVALID_REQUEST" or set(webhook.events) <= set(sessions.CORE_EVENTS):
                raise
            # An older server may refuse a configuration with an event it does not know.
            core = replace(webhook, events=sessions.CORE_EVENTS)
            return await self._configure(name, known, webhook=core, metadata=metadata or {}, ignore=ignore)

    async def start(self, session: str) -> None:
        """Connect a session to WhatsApp; one that runs already stays as it is."""
        await self._transport.command("POST", f"/api/sessions/{_in_path(session)}/start")

    async def restart(self, session: str) -> None:
        """Disconnect a session and connect it again."""
        await self._transport.command("POST", f"/api/sessions/{_in_path(session)}/restart")

    async def stop(self, session: str) -> None:
        """Disconnect a session; the phone stays paired."""
        await self._transport.command("POST", f"/api/sessions/{_in_path(session)}/stop")

    async def qr(self, session: str) -> str:
        """Return the text of the QR code that pairs a phone; `Rejected` unless the session waits for one.

        A code lives a minute at first, then twenty seconds.
        """
        answer = await self._transport.get(f"/api/{_in_path(session)}/auth/qr", query={"format": "raw"})
        code = text(answer, "value")
        if code is None:
            raise Unavailable("WAHA gave no QR code.", code="BAD_ANSWER")
        return code

    async def version(self) -> ServerVersion:
        """Return the server's release and engine."""
        return sessions.version_of(await self._transport.get("/api/server/version"))

    async def download(self, url: str, *, limit: int) -> Download:
        """Return a message's file of at most `limit` bytes; `Rejected` when WAHA has it no more."""
        return await files.download(self._transport, url, limit=limit)

    def stream(self, url: str, *, limit: int) -> AbstractAsyncContextManager[FileStream]:
        """Open a message's file, for files that shall not be held in memory."""
        return files.stream(self._transport, url, limit=limit)

    async def _configure(
        self,
        name: str,
        known: SessionInfo | None,
        *,
        webhook: Webhook,
        metadata: Mapping[str, str],
        ignore: Mapping[str, bool],
    ) -> SessionInfo:
        config = sessions.configured(
            {} if known is None else known.config, webhook, metadata=metadata, ignore=ignore
        )
        if known is not None and sessions.is_same(config, known.config):
            return known
        if known is None:
            try:
                body = {"name": name, "start": True, "config": config}
                answer = await self._transport.command("POST", "/api/sessions", body)
                return sessions.session_of(answer, name=name)
            except Rejected as problem:
                if problem.code != "UNPROCESSABLE":
                    raise
                # Somebody else has just created it.
        answer = await self._transport.command("PUT", f"/api/sessions/{_in_path(name)}", {"config": config})
        return sessions.session_of(answer, name=name)


def _in_path(value: str) -> str:
    return quote(value, safe="")


def _truth(value: object) -> str:
    return "true" if value else "false"
