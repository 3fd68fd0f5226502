"""A provider that serves, and how a client asks it."""

import base64
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import msgspec
import pytest

from aisim.testing import Running, running


class Client:
    """Asks as a client of OpenAI does."""

    def __init__(self, ai: Running) -> None:
        self.ai = ai

    async def post(self, *messages: object, **more: object) -> httpx2.Response:
        """POST a chat; plain texts and lists of parts are messages of the user."""
        listed = [one if isinstance(one, dict) else {"role": "user", "content": one} for one in messages]
        return await self.ai.client.post(
            "/v1/chat/completions", json={"model": "m", "messages": listed} | more
        )

    async def ask(self, *messages: object, **more: object) -> dict[str, Any]:
        """The answer to a chat."""
        answer = await self.post(*messages, **more)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def say(self, *messages: object, **more: object) -> str:
        """The words of the answer to a chat."""
        return (await self.ask(*messages, **more))["choices"][0]["message"]["content"]

    async def calls(self, *messages: object, **more: object) -> list[tuple[str, Any]]:
        """Names and arguments of the tool calls that a chat is answered with."""
        message = (await self.ask(*messages, **more))["choices"][0]["message"]
        made = message.get("tool_calls") or []
        return [(one["function"]["name"], msgspec.json.decode(one["function"]["arguments"])) for one in made]

    async def events(self, *messages: object, **more: object) -> list[Any]:
        """The events of a streamed chat; the last is `[DONE]`."""
        answer = await self.post(*messages, stream=True, **more)
        assert answer.headers["content-type"].startswith("text/event-stream")
        lines = [line.removeprefix("data: ") for line in answer.text.split("\n\n") if line]
        return [line if line == "[DONE]" else msgspec.json.decode(line) for line in lines]

    async def error(self, *messages: object, **more: object) -> tuple[int, dict[str, Any]]:
        """Status and error of a chat that is refused."""
        answer = await self.post(*messages, **more)
        assert set(answer.json()) == {"error"}
        assert set(answer.json()["error"]) == {"message", "type", "param", "code"}
        return answer.status_code, answer.json()["error"]

    async def transcribe(self, data: bytes, name: str = "voice.oga", **fields: str) -> httpx2.Response:
        """POST an audio file."""
        return await self.ai.client.post(
            "/v1/audio/transcriptions",
            files={"file": (name, data, "audio/ogg")},
            data={"model": "whisper-1"} | fields,
        )


def picture(data: bytes, kind: str = "image/jpeg") -> dict[str, Any]:
    """A part of a message that holds a picture."""
    return {
        "type": "image_url",
        "image_url": {"url": f"data:{kind};base64,{base64.b64encode(data).decode()}"},
    }


def text(words: str) -> dict[str, Any]:
    """A part of a message that holds words."""
    return {"type": "text", "text": words}


@pytest.fixture(scope="session")
async def serving() -> AsyncIterator[Running]:
    async with running() as ai:
        yield ai


@pytest.fixture
async def ai(serving: Running) -> Running:
    await serving.reset()
    return serving


@pytest.fixture
def client(ai: Running) -> Client:
    return Client(ai)
