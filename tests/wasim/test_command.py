"""The command starts, tells where it listens, and stops cleanly; its handbook is true."""

import asyncio
import json
import re
import shlex
import signal
import sys
from pathlib import Path

import httpx2

from wasim.app import create_app
from wasim.config import SimulatorConfig

ROOT = Path(__file__).parents[2]
HANDBOOK = ROOT / "docs/simulator.md"


async def test_the_command_serves_until_it_is_told_to_stop(tmp_path):
    ready = tmp_path / "ready.json"
    config = tmp_path / "wasim.json"
    config.write_text(json.dumps({"sessions": [{"name": "shop"}]}))
    arguments = ["--port", "0", "--quiet", "--config", str(config), "--ready-file", str(ready)]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-W", "error", "-m", "wasim", *arguments,
        cwd=ROOT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        line = (await process.stdout.readline()).decode()
        url = json.loads(ready.read_text())["url"]
        async with httpx2.AsyncClient(base_url=url, verify=False, trust_env=False) as client:
            await client.post("/control/faults/rest", json={"fault": "hang"})
            hanging = asyncio.ensure_future(
                client.post("/api/sendText", json={"session": "shop", "chatId": "1", "text": "Oi"})
            )
            sessions = (await client.get("/api/sessions")).json()
            process.send_signal(signal.SIGTERM)
            rest = await asyncio.wait_for(process.communicate(), 10)
            await asyncio.gather(hanging, return_exceptions=True)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()

    assert line == f"wasim listening on {url}\n"
    assert [session["name"] for session in sessions] == ["shop"]
    assert (process.returncode, rest) == (0, (b"", b""))


async def test_a_broken_configuration_is_named_with_its_fault(tmp_path):
    config = tmp_path / "wasim.json"
    config.write_text('{"sessions": [{"engine": "GOWS"}]}')
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "wasim", "--config", str(config), cwd=ROOT, stderr=asyncio.subprocess.PIPE
    )
    _, said = await process.communicate()

    assert process.returncode == 1
    assert said.decode() == (
        f"wasim cannot start: {config} is no simulator configuration: "
        "Object missing required field `name` - at `$.sessions[0]`\n"
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
        [url] = [word for word in words if word.startswith("$WASIM")]
        found.append((method, url.removeprefix("$WASIM"), body))
    return found


async def test_every_example_of_the_handbook_runs(start, receiver):
    config = json.loads(examples("json")[0])
    session = config["sessions"][0] | {"webhooks": [{"url": receiver.url, "events": ["*"]}]}
    async with start(session=session, filesLifetime=0) as wasim:
        for method, path, body in commands():
            async with asyncio.timeout(5):
                while True:
                    try:
                        answer = await wasim.control.request(method, path, content=body)
                        break
                    except httpx2.TransportError:  # After `offline`.
                        await asyncio.sleep(0.02)
            assert answer.is_success, f"{method} {path} {body}: {answer.status_code} {answer.text}"


def test_the_handbook_names_every_control_call():
    app = create_app(SimulatorConfig())
    calls = {route.path for route in app.routes if route.path.startswith("/control/")}
    named = {path.partition("?")[0].replace("/demo/", "/{session}/") for _, path, _ in commands()}
    assert calls == named
