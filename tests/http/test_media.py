"""Serving files: to whom, how, and never so that they run in a browser."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.identity.api_key import ApiKey
from domain.identity.permission import ALL_PERMISSIONS, Permission
from domain.identity.tenant import Project
from domain.ids import MediaId, TenantId, new_id, type_id
from persistence.database import Database
from services.media_links import SECONDS, MediaLinks
from tests.factories import CLOCK, NOON, open_shop
from tests.files import CAUSE, LINKS, Files, open_files

HTML = b"<html><script>alert(document.cookie)</script></html>"


@pytest.fixture
async def files(database: Database, tmp_path: Path) -> AsyncIterator[Files]:
    async with open_files(database, tmp_path) as opened:
        yield opened


async def the_id(files: Files) -> MediaId:
    ((found,),) = await files.rows("SELECT id FROM media")
    return MediaId(found)


async def get(files: Files, key: str | None, **headers: str) -> httpx2.Response:
    """Ask for the one file with an API key."""
    if key is not None:
        headers["authorization"] = f"Bearer {key}"
    path = f"/media/{type_id('mda', await the_id(files))}"
    return await files.browser.get(path, headers=headers)


async def a_key(files: Files, *, scopes: frozenset[Permission], project: Project | None = None) -> str:
    async with files.database.writing(files.shop.tenant_id, CAUSE) as uow:
        if project is not None:
            uow.projects.add(project)
        key, secret = ApiKey.issue(
            tenant_id=files.shop.tenant_id,
            project_id=files.shop.project_id if project is None else project.id,
            agent_id=None,
            name="another",
            scopes=scopes,
            expires_at=None,
            at=uow.now,
        )
        uow.api_keys.add(key)
    return secret


def problem(answer: httpx2.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


async def test_a_picture_is_shown_to_whoever_may_read_its_message(files: Files) -> None:
    await files.receive("image", content={"filename": "maçã.jpg"})
    await files.fetch()
    (kept,) = files.kept()

    answer = await get(files, files.shop.api_key)

    assert (answer.status_code, answer.content) == (200, kept.read_bytes())
    shown = {name: answer.headers[name] for name in ("content-type", "x-content-type-options", "etag")}
    assert shown == {
        "content-type": "image/jpeg",
        "x-content-type-options": "nosniff",
        "etag": f'"{kept.name}"',
    }
    assert answer.headers["content-disposition"] == "inline; filename*=utf-8''ma%C3%A7%C3%A3.jpg"
    assert answer.headers["cache-control"] == "private, max-age=3600"
    assert answer.headers["content-security-policy"].startswith("default-src 'none';")
    assert "sandbox" in answer.headers["content-security-policy"]


async def test_the_url_of_the_api_shows_the_file_without_a_credential(files: Files) -> None:
    await files.receive("voice")
    await files.fetch()
    url = (await files.shown())["url"]

    answer = await files.browser.get(url)

    assert url.startswith("http://crm.test/media/mda_")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "audio/ogg")
    assert (await files.shown())["url"] == url


async def test_a_film_can_be_played_from_the_middle(files: Files) -> None:
    await files.receive("video")
    await files.fetch()
    (kept,) = files.kept()
    content = kept.read_bytes()

    part = await get(files, files.shop.api_key, range="bytes=10-19")
    rest = await get(files, files.shop.api_key, range="bytes=100-")
    beyond = await get(files, files.shop.api_key, range=f"bytes={len(content)}-")

    assert (part.status_code, part.content) == (206, content[10:20])
    assert part.headers["content-range"] == f"bytes 10-19/{len(content)}"
    assert (rest.status_code, rest.content) == (206, content[100:])
    assert beyond.status_code == 416


async def test_a_browser_that_has_the_file_need_not_fetch_it_again(files: Files) -> None:
    await files.receive("image")
    await files.fetch()
    first = await get(files, files.shop.api_key)

    again = await get(files, files.shop.api_key, **{"if-none-match": f'W/{first.headers["etag"]}, "other"'})
    changed = await get(files, files.shop.api_key, **{"if-none-match": '"other"'})

    assert (again.status_code, again.content, changed.status_code) == (304, b"", 200)


async def test_a_head_request_tells_the_size_only(files: Files) -> None:
    await files.receive("image")
    await files.fetch()
    (kept,) = files.kept()
    path = f"/media/{type_id('mda', await the_id(files))}"

    answer = await files.browser.head(path, headers={"authorization": f"Bearer {files.shop.api_key}"})

    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-length"] == str(kept.stat().st_size)


@pytest.mark.parametrize(
    ("kind", "said", "data", "served"),
    [
        ("document", "text/html", HTML, "application/octet-stream"),
        ("document", "image/svg+xml", b"<svg onload='alert(1)'/>", "application/octet-stream"),
        ("image", "image/svg+xml", b"<svg onload='alert(1)'/>", "application/octet-stream"),
        ("image", "image/png", HTML, "application/octet-stream"),
        ("document", "application/xml", b"<?xml version='1.0'?>", "application/octet-stream"),
        ("document", "text/csv", b"id;name", "text/csv; charset=utf-8"),
    ],
)
async def test_what_could_run_is_only_ever_saved(
    files: Files, kind: str, said: str, data: bytes, served: str
) -> None:
    await files.receive(kind, data=data, content={"mimetype": said, "filename": "a.html"})
    await files.fetch()

    answer = await get(files, files.shop.api_key)

    assert (answer.status_code, answer.content) == (200, data)
    assert answer.headers["content-type"] == served
    assert answer.headers["content-disposition"] == 'attachment; filename="a.html"'
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_a_foreign_file_is_not_there(files: Files) -> None:
    await files.receive("image")
    await files.fetch()
    stranger = await open_shop(files.database, name="Concorrente", waha_session="other")
    elsewhere = Project.create(tenant_id=files.shop.tenant_id, name="Outra loja", at=CLOCK.now())
    colleague = await a_key(files, scopes=ALL_PERMISSIONS, project=elsewhere)

    headers = {"authorization": f"Bearer {files.shop.api_key}"}
    unknown = [type_id("mda", new_id()), type_id("msg", await the_id(files)), "x", "..%2Fsecret.key"]
    answers = [await get(files, stranger.api_key), await get(files, colleague)]
    answers += [await files.browser.get(f"/media/{one}", headers=headers) for one in unknown[:-1]]
    outside = await files.browser.get(f"/media/{unknown[-1]}", headers=headers)

    # Whatever the reason, the answer is the same, so that nobody can tell which ids exist.
    assert {(answer.status_code, answer.content) for answer in answers} == {(404, answers[0].content)}
    assert outside.status_code == 404


async def test_without_a_credential_or_the_permission_there_is_no_file(files: Files) -> None:
    await files.receive("image")
    await files.fetch()

    nobody, liar = await get(files, None), await get(files, "vnt_wrong")
    others = await a_key(files, scopes=ALL_PERMISSIONS - {Permission.MESSAGES_READ})

    assert problem(nobody) == problem(liar) == (401, "UNAUTHENTICATED")
    assert nobody.headers["www-authenticate"] == "Bearer"
    assert problem(await get(files, others)) == (403, "FORBIDDEN")


async def test_a_link_is_good_for_its_file_and_its_hour_only(files: Files) -> None:
    await files.receive("image")
    await files.fetch()
    media_id, stranger = await the_id(files), await open_shop(files.database, waha_session="other")
    now = CLOCK.now()

    async def status(url: str) -> int:
        return (await files.browser.get(url)).status_code

    good = LINKS.make(files.shop.tenant_id, media_id, now=now)
    assert await status(good) == 200
    assert await status(LINKS.make(files.shop.tenant_id, media_id, now=now - timedelta(hours=2))) == 404
    assert await status(LINKS.make(stranger.tenant_id, media_id, now=now)) == 404
    assert await status(LINKS.make(files.shop.tenant_id, MediaId(new_id()), now=now)) == 404
    forged = MediaLinks(key=b"another key", base_url="http://crm.test")
    assert await status(forged.make(files.shop.tenant_id, media_id, now=now)) == 404
    query = {name: values[0] for name, values in parse_qs(urlsplit(good).query).items()}
    path = good.partition("?")[0]
    for name, value in [
        ("expires", str(int(query["expires"]) + 1)),
        ("expires", "9" * 4000),
        ("expires", "-1"),
        ("expires", ""),
        ("signature", ""),
        ("signature", "é"),
        ("signature", query["signature"][:-1]),
        ("tenant", type_id("ten", stranger.tenant_id)),
        ("tenant", ""),
    ]:
        answer = await files.browser.get(path, params=query | {name: value})
        assert answer.status_code == 404, (name, value)


async def test_a_good_link_to_a_foreign_file_is_no_use_with_another_key(files: Files) -> None:
    await files.receive("image")
    await files.fetch()
    stranger = await open_shop(files.database, waha_session="other")
    url = LINKS.make(files.shop.tenant_id, await the_id(files), now=CLOCK.now())

    answer = await files.browser.get(url, headers={"authorization": f"Bearer {stranger.api_key}"})

    assert answer.status_code == 404


async def test_a_file_that_is_on_its_way_is_asked_for_again_later(files: Files) -> None:
    await files.receive("image")

    answer = await get(files, files.shop.api_key)

    assert (problem(answer), answer.headers["retry-after"]) == ((404, "MEDIA_PENDING"), "2")


async def test_a_file_that_is_gone_says_so(files: Files) -> None:
    await files.receive("sticker", data=b"RIFF0000WEBP" + bytes(1024 * 1024))
    await files.fetch()

    answer = await get(files, files.shop.api_key)

    assert problem(answer) == (404, "MEDIA_FAILED")
    assert "retry-after" not in answer.headers


async def test_a_file_missing_from_the_storage_is_no_crash(files: Files) -> None:
    await files.receive("image")
    await files.fetch()
    files.kept()[0].unlink()

    assert problem(await get(files, files.shop.api_key)) == (404, "NOT_FOUND")


async def test_a_file_without_a_name_gets_one(files: Files) -> None:
    await files.receive("image")
    await files.fetch()

    answer = await get(files, files.shop.api_key)

    name = type_id("mda", await the_id(files))
    assert answer.headers["content-disposition"] == f'inline; filename="{name}.jpg"'


@given(st.integers(0, 10_000), st.integers(0, 20_000))
def test_a_link_lasts_an_hour_and_no_longer_than_an_hour_and_a_quarter(made: int, later: int) -> None:
    tenant_id, media_id = TenantId(new_id()), MediaId(new_id())
    now = NOON + timedelta(seconds=made)
    query = parse_qs(urlsplit(LINKS.make(tenant_id, media_id, now=now)).query)

    is_good = LINKS.is_good(
        tenant_id,
        media_id,
        expires=int(query["expires"][0]),
        signature=query["signature"][0],
        now=now + timedelta(seconds=later),
    )

    if later < SECONDS:
        assert is_good
    if later >= SECONDS + 900:
        assert not is_good
