"""The command starts, tells where it listens, and stops cleanly; its handbook is true."""

import asyncio
import json
import re
import shlex
import signal
import sys
from pathlib import Path

import httpx2

from aisim.app import create_app
from aisim.config import ProviderConfig
from aisim.testing import running

ROOT = Path(__file__).parents[2]
HANDBOOK = ROOT / "docs/aisim.md"


async def test_the_command_serves_until_it_is_told_to_stop(tmp_path):
    ready = tmp_path / "ready.json"
    config = tmp_path / "aisim.json"
    config.write_text(json.dumps({"models": ["only-one"]}))
    arguments = ["--port", "0", "--config", str(config), "--ready-file", str(ready)]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-W", "error", "-m", "aisim", *arguments,
        cwd=ROOT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        line = (await process.stdout.readline()).decode()
        url = json.loads(ready.read_text())["url"]
        async with httpx2.AsyncClient(base_url=url, verify=False, trust_env=False) as client:
            await client.post("/control/faults", json={"fault": "slow", "seconds": 3600, "endpoint": "chat"})
            body = {"model": "m", "messages": [{"role": "user", "content": "Oi"}]}
            hanging = asyncio.ensure_future(client.post("/v1/chat/completions", json=body))
            models = (await client.get("/v1/models")).json()["data"]
            process.send_signal(signal.SIGTERM)
            rest = await asyncio.wait_for(process.communicate(), 10)
            await asyncio.gather(hanging, return_exceptions=True)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()

    assert line == f"aisim listening on {url}\n"
    assert [model["id"] for model in models] == ["only-one"]
    assert (process.returncode, rest) == (0, (b"", b""))


async def test_a_broken_configuration_is_named_with_its_fault(tmp_path):
    config = tmp_path / "aisim.json"
    config.write_text('{"seed": "one"}')
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "aisim", "--config", str(config), cwd=ROOT, stderr=asyncio.subprocess.PIPE
    )
    _, said = await process.communicate()

    assert process.returncode == 1
    assert said.decode() == (
        f"aisim cannot start: {config} is no configuration of a provider: Expected `int`, got `str` - at `$.seed`\n"
    )


def examples(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", HANDBOOK.read_text(), re.DOTALL)


def commands() -> list[tuple[str, str, str | None]]:
    """Every curl of the handbook: method, path, body."""
    found = []
    for line in "".join(examples("sh")).splitlines():
        if not line.startswith("curl"):
            continue
        words = shlex.split(line)
        body = words[words.index("-d") + 1] if "-d" in words else None
        method = words[words.index("-X") + 1] if "-X" in words else ("POST" if body else "GET")
        [url] = [word for word in words if word.startswith("$AISIM")]
        found.append((method, url.removeprefix("$AISIM"), body))
    return found


async def test_every_example_of_the_handbook_runs():
    async with running(json.loads(examples("json")[0])) as ai:
        assert ai.api_key == "ai-key"
        for method, path, body in commands():
            answer = await ai.client.request(method, path, content=body)
            assert answer.is_success, f"{method} {path} {body}: {answer.status_code} {answer.text}"


async def test_the_test_of_the_handbook_passes_when_the_program_asks(client):
    [example] = examples("python")
    asking = 'await ai.client.post("/v1/chat/completions", json=BODY)'
    names = {"BODY": {"model": "m", "messages": [{"role": "user", "content": "Oi"}]}}
    exec(example.replace("...", f"{asking}; {asking}", 1), names)

    await names["test_a_provider_that_is_busy_is_asked_again"]()


def test_the_handbook_names_every_call():
    app = create_app(ProviderConfig())
    calls = {route.path for route in app.routes if route.path.startswith("/control/")}
    named = {path.partition("?")[0] for _, path, _ in commands() if path.startswith("/control/")}

    assert calls == named
    assert {"/v1/models", "/v1/chat/completions"} <= {path for _, path, _ in commands()}
