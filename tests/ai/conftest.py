"""A provider that serves, a model behind it, and a desk with an agent."""

from collections.abc import AsyncIterator

import httpx2
import pytest

from aisim.testing import Running, running
from domain.clock import SystemClock
from integrations.ai.openai import OpenAiChat
from integrations.ai.transport import Provider
from persistence.database import Database
from tests.ai.desk import Desk, open_desk


@pytest.fixture
async def ai() -> AsyncIterator[Running]:
    async with running() as provider:
        yield provider


@pytest.fixture
async def model(ai: Running) -> AsyncIterator[OpenAiChat]:
    async with httpx2.AsyncClient(trust_env=False, verify=False) as http:
        provider = Provider(base_url=ai.url, key=None, http=http, clock=SystemClock())
        yield OpenAiChat(provider=provider, model="aisim-chat")


@pytest.fixture
async def desk(database: Database, model: OpenAiChat) -> Desk:
    return await open_desk(database, model)
