"""Silencing agents in a chat."""

from datetime import datetime

from domain.crm.chat import Chat
from domain.ids import ChatId
from resolvers.context import Context
from resolvers.ids import private
from services.ai import automation as service


async def pause(
    context: Context,
    *,
    id: str,  # noqa: A002 The API's word.
    until: datetime | None = None,
    seconds: int | None = None,
    expected_version: int | None = None,
) -> Chat:
    """Silence agents in a chat."""
    return await context.write(
        service.pause,
        chat_id=private(ChatId, id),
        until=until,
        seconds=seconds,
        expected_version=expected_version,
    )


async def resume(
    context: Context,
    *,
    id: str,  # noqa: A002 The API's word.
    expected_version: int | None = None,
) -> Chat:
    """Let agents answer in a chat again."""
    return await context.write(service.resume, chat_id=private(ChatId, id), expected_version=expected_version)
