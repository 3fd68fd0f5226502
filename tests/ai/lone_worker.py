"""A process that answers one burst, to be killed."""

import asyncio
import sys
from uuid import UUID

import httpx2

from domain.clock import SystemClock
from integrations.ai.openai import OpenAiChat
from integrations.ai.transport import Provider
from jobs import agents
from persistence.database import Database
from tests.ai.desk import PRICES


async def main(database_url: str, ai_url: str, tenant_id: str, group_id: str, token: str) -> None:
    async with (
        Database(database_url, clock=SystemClock()) as database,
        httpx2.AsyncClient(trust_env=False, verify=False) as http,
    ):
        async with database.reading(UUID(tenant_id)) as reader:
            group = await reader.message_groups.find(UUID(group_id))
        assert group is not None
        provider = Provider(base_url=ai_url, key=None, http=http, clock=SystemClock())
        model = OpenAiChat(provider=provider, model="aisim-chat")
        await agents.answer(database, group, UUID(token), chat_model=model, prices=PRICES)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
