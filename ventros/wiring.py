"""Where clients meet the ports they serve: the objects of a process, made from its settings."""

import hashlib
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass

import httpx2

from domain.clock import Clock, SystemClock
from domain.crm.channel import Channel
from integrations.ai.local_whisper import LocalWhisper
from integrations.ai.openai import OpenAiChat, OpenAiTranscriber
from integrations.ai.transport import Provider
from integrations.crypto import Vault
from integrations.job_queue import RedisJobQueue
from integrations.readers.reader import LocalReader
from integrations.redis_feed import Wakes
from integrations.storage import LocalStorage
from integrations.waha.client import Waha
from integrations.waha.sessions import EVENTS, PRESENCE_EVENTS, Webhook
from persistence.database import Database
from services import ports
from services.media_links import MediaLinks
from services.secrets import waha_api_key_context, webhook_hmac_key_context
from ventros.settings import Settings


@dataclass(frozen=True, kw_only=True)
class Parts:
    """What every process of an installation works with."""

    settings: Settings
    clock: Clock
    database: Database
    vault: ports.Vault
    http: httpx2.AsyncClient
    storage: ports.Storage
    file_reader: ports.FileReader
    chat_model: ports.ChatModel | None
    transcriber: ports.Transcriber | None
    jobs: RedisJobQueue | None = None
    """Where jobs are left for workers; None without Redis."""

    def dial(self, channel: Channel) -> Waha:
        """Return a client for a channel's WAHA server."""
        context = waha_api_key_context(channel.webhook_token)
        key = self.vault.open(channel.waha_api_key, context=context) if channel.waha_api_key else None
        return Waha(channel.waha_url, key, http=self.http)

    def subscribe(self, channel: Channel) -> Webhook:
        """Return where a channel's WAHA session has to send its webhooks, and the key that signs them."""
        context = webhook_hmac_key_context(channel.webhook_token)
        return Webhook(
            url=webhook_url(self.settings, channel),
            hmac_key=self.vault.open(channel.webhook_hmac_key, context=context),
            events=PRESENCE_EVENTS if channel.grouping.is_extended_by_typing else EVENTS,
        )


@asynccontextmanager
async def connected(settings: Settings) -> AsyncIterator[Parts]:
    """Yield the parts of a process, connected for as long as the block lasts."""
    clock, redis_url = SystemClock(), settings.redis_url or None
    async with AsyncExitStack() as stack:
        wakes = await stack.enter_async_context(Wakes(redis_url))
        jobs = None
        if redis_url is not None:
            jobs = await stack.enter_async_context(RedisJobQueue(redis_url, clock=clock))
        database = await stack.enter_async_context(
            Database(
                settings.database_url,
                clock=clock,
                pool_size=settings.database_pool_size,
                wake=wakes.wake,
                set_alarms=wakes.set_alarms,
            )
        )
        if jobs is not None:
            database.place = jobs.enqueue_many
        http = await stack.enter_async_context(httpx2.AsyncClient(follow_redirects=False, trust_env=False))
        provider = ai_provider(settings, http=http, clock=clock)
        yield Parts(
            settings=settings,
            clock=clock,
            database=database,
            vault=Vault(settings.secret_key.get_secret_value()),
            http=http,
            storage=LocalStorage(settings.media_directory),
            file_reader=LocalReader(),
            chat_model=OpenAiChat(provider=provider, model=settings.ai_model) if provider else None,
            transcriber=_transcriber(settings, provider, stack),
            jobs=jobs,
        )


def _transcriber(
    settings: Settings, provider: Provider | None, stack: AsyncExitStack
) -> ports.Transcriber | None:
    """Return what hears: a model on this machine if there is one, else the provider's, else nothing."""
    if path := settings.whisper_model_path:
        return stack.enter_context(closing(LocalWhisper(path)))
    if provider is None:
        return None
    return OpenAiTranscriber(provider=provider, model=settings.ai_transcription_model)


def ai_provider(settings: Settings, *, http: httpx2.AsyncClient, clock: Clock) -> Provider | None:
    """Return the provider of AI models, or None when none is set."""
    if not settings.ai_url:
        return None
    key = settings.ai_key.get_secret_value() or None
    return Provider(base_url=settings.ai_url, key=key, http=http, clock=clock)


def webhook_url(settings: Settings, channel: Channel) -> str:
    """Return the address WAHA sends a channel's webhooks to."""
    return f"{settings.base_url}/webhooks/waha/{channel.webhook_token}"


def cursor_key(settings: Settings) -> bytes:
    """Return the key that signs the cursors of lists; it changes with VENTROS_SECRET_KEY."""
    return hashlib.sha256(b"cursors " + settings.secret_key.get_secret_value().encode()).digest()


def media_links(settings: Settings) -> MediaLinks:
    """Return what makes and checks the addresses of files; they change with VENTROS_SECRET_KEY."""
    key = hashlib.sha256(b"media links " + settings.secret_key.get_secret_value().encode()).digest()
    return MediaLinks(key=key, base_url=settings.base_url)
