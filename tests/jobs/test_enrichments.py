"""What files say: found out while the message is young, once, within the budget, through everything that fails."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from domain.ai.price import Price, Prices
from domain.crm.content import ContentKind, ImageContent, Media, MediaStatus
from domain.crm.enrichment import MOST_ATTEMPTS, Enrichment, EnrichmentKind, EnrichmentResult
from domain.crm.enrichment_routing import Abilities
from domain.crm.enrichment_rules import EnrichmentRules
from domain.ids import EnrichmentId, MediaId, MessageGroupId, MessageId, TenantId, new_id
from integrations.ai.breaker import Breaker
from integrations.ai.openai import OpenAiChat, OpenAiTranscriber
from integrations.ai.transport import Provider as Client
from integrations.readers.reader import LocalReader
from integrations.redis_feed import listening
from integrations.storage import LocalStorage
from jobs import message_groups
from jobs.enrichers import Describer, Enricher, Reading, Scribe, abilities_of
from jobs.enrichments import run_enrichments, work_on
from persistence.crm import enrichments as rows
from persistence.database import Database
from services.crm import enrichment_texts, enrichments
from services.viewer import system_viewer
from tests.factories import Shop, open_shop, receive, work_off
from tests.files import CAUSE, Files, open_files
from tests.graphql.builders import a_chat, a_contact, a_message
from tests.provider import Provider, cut, provider, status, text
from tests.waha import Script

PRICES = Prices(
    {
        "whisper-1": Price(minute=6_000),
        "gpt-4o-mini": Price(prompt=150_000, completion=600_000),
    }
)
VOICE = b"OggS" + bytes(60)
PNG = b"\x89PNG\r\n\x1a\n" + bytes(60)
SHOWN = "status, text, error, attempts, cost_microusd, is_cached"


class Lab:
    """A shop whose files are worked on, by a provider of the test's own."""

    def __init__(self, files: Files, ai: Provider) -> None:
        self.files = files
        self.ai = ai
        self.breaker = Breaker(failures=1000)
        client = Client(
            base_url=ai.url,
            key="sk-secret",
            http=files.http,
            breaker=self.breaker,
            clock=files.database.clock,
        )
        self.scribe = Scribe(
            transcriber=OpenAiTranscriber(provider=client, model="whisper-1"),
            provider="ai.test",
            model="whisper-1",
            prices=PRICES,
            seconds=5.0,
        )
        self.describer = Describer(
            chat=OpenAiChat(provider=client, model="gpt-4o-mini"),
            provider="ai.test",
            model="gpt-4o-mini",
            prices=PRICES,
            seconds=5.0,
        )
        self.reading = Reading(reader=LocalReader())
        self.enrichers: list[Enricher] = [self.scribe, self.describer, self.reading]
        files.abilities = abilities_of(self.enrichers)

    async def receive(self, kind: str, *, data: bytes | None = None, **more: Any) -> None:
        await self.files.receive(kind, data=data, **more)
        await self.files.fetch()

    async def work(self, *, budget: int | None = None) -> int:
        """Make one attempt at everything that is due, as a worker does; return how many there were."""
        done = 0
        for enricher in self.enrichers:
            due = await rows.due(
                self.files.database.system,
                types=sorted(enricher.kinds, key=str),
                now=self.files.database.clock.now(),
                limit=100,
            )
            for one in due:
                done += await work_on(
                    self.files.database,
                    one.tenant_id,
                    one.enrichment_id,
                    enricher=enricher,
                    storage=self.files.storage,
                    default_budget=budget,
                )
        return done

    async def wait_over(self) -> None:
        """Let the time pass until the next attempt, and until leases of dead workers end."""
        await self.files.execute("UPDATE enrichments SET due_at = now() WHERE due_at IS NOT NULL")

    async def rows(self, columns: str = SHOWN) -> list[tuple[Any, ...]]:
        return await self.files.rows(f"SELECT {columns} FROM enrichments ORDER BY priority DESC, id")

    async def events(self) -> list[str]:
        found = await self.files.database.system.fetch(
            "SELECT event_type FROM outbox WHERE event_type LIKE 'enrichment.%' ORDER BY id"
        )
        return [row["event_type"] for row in found]

    async def texts(self) -> list[list[str]]:
        """What each message says beyond its words, the oldest first."""
        ids = [MessageId(id_) for (id_,) in await self.files.rows("SELECT id FROM messages ORDER BY id")]
        async with self.files.database.reading(self.files.shop.tenant_id) as reader:
            found = await enrichment_texts.texts_of(reader, self.files.shop.viewer, message_ids=ids)
        return [found[id_] for id_ in ids]

    async def spent(self) -> list[tuple[Any, ...]]:
        return await self.files.rows("SELECT purpose, calls, cost_microusd FROM ai_usage")


@pytest.fixture
async def lab(database: Database, tmp_path: Path) -> AsyncIterator[Lab]:
    async with open_files(database, tmp_path) as files, provider() as ai:
        yield Lab(files, ai)


async def test_a_voice_note_is_written_down(lab: Lab) -> None:
    await lab.files.receive("voice", data=VOICE)
    assert await lab.rows("type, status, priority, due_at") == [("TRANSCRIPTION", "WAITING", 10, None)]
    assert await lab.texts() == [["[audio]"]]
    await lab.files.fetch()

    assert await lab.work() == 1

    # 61 seconds at 6,000 micro-USD a minute.
    assert await lab.rows() == [("COMPLETED", "Quero dois pães", None, 1, 6100, False)]
    assert await lab.rows("provider, model, language, details->>'seconds'") == [
        ("ai.test", "whisper-1", "portuguese", "61.0")
    ]
    assert await lab.texts() == [["Quero dois pães"]]
    assert await lab.spent() == [("ENRICHMENT", 1, 6100)]
    assert await lab.events() == ["enrichment.requested", "enrichment.completed"]
    assert await lab.work() == 0


async def test_a_picture_is_described(lab: Lab) -> None:
    await lab.receive("image", data=PNG, content={"caption": "Quanto custa?", "mimetype": "image/png"})

    await lab.work()

    # 1,000 tokens at 0.15 and 50 at 0.60 dollars a million.
    assert await lab.rows() == [("COMPLETED", "A cake with two candles.", None, 1, 180, False)]
    assert await lab.rows("type, details->>'context'") == [("DESCRIPTION", "PRODUCT")]
    ((call),) = lab.ai.calls
    instructions, question = call["messages"]
    assert "Quanto custa?" not in instructions["content"]
    assert question["content"][0]["text"].endswith("Caption by the customer:\nQuanto custa?")
    assert (
        question["content"][1]["image_url"]["url"]
        == "data:image/png;base64," + base64.b64encode(PNG).decode()
    )


async def test_an_answer_that_says_nothing_costs_all_the_same(lab: Lab) -> None:
    usage = {"prompt_tokens": 1000, "completion_tokens": 50}
    for finish, said in (("length", " "), ("content_filter", "No.")):
        choice = {"finish_reason": finish, "message": {"role": "assistant", "content": said}}
        body = {"model": "gpt-4o-mini", "choices": [choice], "usage": usage}
        lab.ai.next.append(text(json.dumps(body)))
    await lab.receive("image", data=PNG, content={"mimetype": "image/png"})

    await lab.work()
    assert await lab.rows("status") == [("PENDING",)]
    assert await lab.spent() == [("ENRICHMENT", 1, 180)]
    await lab.wait_over()
    await lab.work()

    assert await lab.rows("status, error") == [("FAILED", "The model does not describe this picture.")]
    assert await lab.spent() == [("ENRICHMENT", 2, 360)]


async def test_what_was_found_out_goes_with_its_message(lab: Lab) -> None:
    await lab.receive("voice", data=VOICE)

    await lab.files.execute("DELETE FROM messages")

    assert await lab.rows() == []


async def test_a_provider_with_names_of_its_own_is_paid_by_the_name_that_was_asked_for(lab: Lab) -> None:
    choice = {"finish_reason": "stop", "message": {"role": "assistant", "content": "A cake."}}
    usage = {"prompt_tokens": 1000, "completion_tokens": 50}
    lab.ai.next = [text(json.dumps({"model": "eu.big-7", "choices": [choice], "usage": usage}))]

    await lab.receive("image", data=PNG, content={"mimetype": "image/png"})
    await lab.work()

    assert await lab.rows("status, model, cost_microusd") == [("COMPLETED", "eu.big-7", 180)]
    assert await lab.spent() == [("ENRICHMENT", 1, 180)]


async def test_work_is_due_by_the_clock_of_the_workers(lab: Lab) -> None:
    await lab.receive("voice", data=VOICE)
    ((at,),) = await lab.rows("due_at")
    kinds, system = [EnrichmentKind.TRANSCRIPTION], lab.files.database.system

    early = await rows.due(system, types=kinds, now=at - timedelta(milliseconds=1), limit=9)
    late = await rows.due(system, types=kinds, now=at, limit=9)

    assert (len(early), len(late)) == (0, 1)


async def test_a_document_is_read_here(lab: Lab) -> None:
    await lab.receive(
        "document", data="id;nome\n1;João".encode(), content={"filename": "c.csv", "mimetype": "text/csv"}
    )

    await lab.work()

    ((status_, said, *rest),) = await lab.rows()
    assert (status_, rest) == ("COMPLETED", [None, 1, 0, False])
    assert "João" in said
    assert await lab.rows("provider, model") == [("local", "reader")]
    assert (lab.ai.calls, await lab.spent()) == ([], [])


async def test_a_sender_cannot_talk_up_the_cost_of_a_recording(lab: Lab) -> None:
    lab.ai.next = [text('{"text": "Oi"}')]
    await lab.files.receive("voice", data=VOICE, content={"seconds": 360_000})
    await lab.files.execute(
        "UPDATE messages SET content = jsonb_set(content, '{media,duration_seconds}', '360000')"
    )
    await lab.files.fetch()

    await lab.work()

    # 64 bytes are no more than 0.128 seconds.
    assert await lab.rows("text, cost_microusd, details->>'seconds'") == [("Oi", 13, "0.128")]


async def test_the_language_of_a_channel_is_passed_on(lab: Lab) -> None:
    await configure(lab, EnrichmentRules(language="pt"))
    await lab.receive("voice", data=VOICE)

    await lab.work()

    assert b'name="language"\r\n\r\npt\r\n' in lab.ai.calls[0]["raw"]


async def test_a_channel_that_wants_nothing_gets_nothing(lab: Lab) -> None:
    await configure(lab, EnrichmentRules(kinds=()))

    await lab.receive("voice", data=VOICE)

    assert await lab.rows() == []
    assert await lab.texts() == [["[audio]"]]


async def test_files_that_we_send_are_ours(lab: Lab) -> None:
    await lab.files.waha.post("sessions/crm-demo/typed", chat="5511999990001", content={"kind": "image"})
    await lab.files.until("SELECT origin FROM messages", [("PHONE",)])
    await lab.files.fetch()

    assert await lab.rows() == []


async def test_the_words_of_a_video_are_had_where_somebody_hears_videos(lab: Lab) -> None:
    await lab.receive("video", content={"caption": "Olhe"})
    await lab.work()
    assert await lab.rows("type, status, error") == [
        ("TRANSCRIPTION", "SKIPPED", "Nothing is set up here that writes down what is said in videos.")
    ]
    lab.files.abilities = Abilities(kinds=lab.files.abilities.kinds, hears_video=True)

    await lab.receive("video", content={"caption": "E agora"})
    await lab.work()

    assert await lab.rows("status, text") == [("SKIPPED", None), ("COMPLETED", "Quero dois pães")]
    assert b'filename="recording.mp4"' in lab.ai.calls[0]["raw"]


async def test_of_a_message_that_was_taken_back_nothing_is_found_out(lab: Lab) -> None:
    await lab.receive("voice", data=VOICE)
    await lab.files.execute("UPDATE messages SET revoked_at = now()")

    await lab.work()

    assert await lab.rows("status, error") == [("SKIPPED", "The message was deleted for everyone.")]
    assert lab.ai.calls == []


async def test_groups_are_heard_where_they_are_worked_on(lab: Lab) -> None:
    group = "120363000000000001@g.us"
    await lab.files.waha.post(
        "sessions/crm-demo/groups", id=group, subject="Equipe", members=[{"person": "5511999990001"}]
    )

    await lab.receive("voice", data=VOICE, chat=group)

    assert await lab.rows() == []


@pytest.mark.parametrize(
    ("replies", "pause"),
    [
        pytest.param([status(500)], 5, id="500"),
        pytest.param([cut()], 5, id="cut"),
        pytest.param([text("{")], 5, id="no-json"),
        pytest.param([text("[]")], 5, id="no-object"),
        pytest.param([text('{"text": 7}')], 5, id="no-text"),
        pytest.param([status(429, headers={"Retry-After": "40"})], 40, id="429"),
    ],
)
async def test_a_provider_that_fails_once_is_asked_again(
    lab: Lab, replies: Sequence[Any], pause: int
) -> None:
    lab.ai.next = list(replies)
    await lab.receive("voice", data=VOICE)

    await lab.work()

    assert await lab.rows("status, text") == [("PENDING", None)]
    assert await lab.rows("extract(epoch FROM due_at - updated_at)::int") == [(pause,)]
    assert await lab.texts() == [["[audio]"]]
    assert await lab.work() == 0
    await lab.wait_over()
    await lab.work()
    assert await lab.rows("status, text") == [("COMPLETED", "Quero dois pães")]
    assert len(lab.ai.calls) == 2
    quoted = "SELECT count(*) FROM outbox WHERE payload::text LIKE '%secret%'"
    assert await lab.files.database.system.fetchval(quoted) == 0


async def test_answers_that_nobody_can_read_end_after_the_second(lab: Lab) -> None:
    lab.ai.next = [text("{")] * 3
    await lab.receive("voice", data=VOICE)

    for _ in range(3):
        await lab.work()
        await lab.wait_over()

    assert await lab.rows("status, error, attempts") == [
        ("FAILED", "The AI provider's answer is no JSON object.", 2)
    ]
    assert await lab.events() == ["enrichment.requested", "enrichment.failed"]


async def test_a_provider_that_always_fails_leaves_the_marker(lab: Lab) -> None:
    lab.ai.next = [status(500)] * 20
    await lab.receive("voice", data=VOICE)

    attempts = 0
    while await lab.work():
        attempts += 1
        await lab.wait_over()

    assert attempts == MOST_ATTEMPTS
    assert await lab.rows("status, error") == [("FAILED", "The AI provider answered 500 (server_error).")]
    assert await lab.texts() == [["[audio]"]]
    assert await lab.files.rows("SELECT status, content_kind FROM messages") == [("RECEIVED", "VOICE")]


async def test_a_refused_file_fails_at_once(lab: Lab) -> None:
    lab.ai.next = [status(400)]
    await lab.receive("voice", data=VOICE)

    await lab.work()

    assert await lab.rows("status, error, attempts") == [
        ("FAILED", "The AI provider answered 400 (server_error).", 1)
    ]


async def test_a_wrong_key_is_waited_for(lab: Lab) -> None:
    lab.ai.next = [status(401)] * 10
    await lab.receive("voice", data=VOICE)
    for _ in range(10):
        await lab.work()
        await lab.wait_over()
    assert await lab.rows("status, attempts") == [("PENDING", 0)]

    await lab.work()

    assert await lab.rows("status, text") == [("COMPLETED", "Quero dois pães")]


async def test_a_provider_that_is_down_is_left_alone_and_nothing_is_lost(lab: Lab) -> None:
    for _ in range(1000):
        lab.breaker.leave(lab.breaker.enter(), is_well=False)
    await lab.receive("voice", data=VOICE)

    for _ in range(MOST_ATTEMPTS + 2):
        await lab.work()
        await lab.wait_over()

    assert lab.ai.calls == []
    assert await lab.rows("status, attempts") == [("PENDING", 0)]
    assert await lab.texts() == [["[audio]"]]
    await lab.files.execute("UPDATE enrichments SET requested_at = requested_at - interval '1 day'")
    await lab.work()
    assert await lab.rows("status, error") == [
        ("FAILED", "The AI provider failed repeatedly and is left alone for a while.")
    ]


async def test_a_file_that_lies_about_its_type_is_not_shown_to_anybody(lab: Lab) -> None:
    await lab.receive("voice", data=PNG)
    await lab.receive("image", data=b"MZ" + bytes(90), content={"mimetype": "image/jpeg"})

    assert await lab.work() == 0

    assert await lab.rows("type, status, error") == [
        ("TRANSCRIPTION", "SKIPPED", "The file is no sound: application/octet-stream."),
        ("DESCRIPTION", "SKIPPED", "Models take no pictures of the type application/octet-stream."),
    ]
    assert lab.ai.calls == []
    assert await lab.texts() == [["[audio]"], ["[image]"]]


async def test_a_document_that_is_a_recording_is_written_down(lab: Lab) -> None:
    await lab.receive("document", data=VOICE, content={"filename": "a.ogg", "mimetype": "audio/ogg"})

    await lab.work()

    assert await lab.rows("type, status, text") == [
        ("DOCUMENT_TEXT", "SKIPPED", None),
        ("TRANSCRIPTION", "COMPLETED", "Quero dois pães"),
    ]


async def test_a_document_of_a_hundred_megabytes_is_left_alone(lab: Lab) -> None:
    document = {"documentMessage": {"fileLength": "104857600", "mimetype": "application/pdf"}}
    body = Script().message("3A0000000000000000A3", body=document)
    await receive(lab.files.database, lab.files.shop, [body])
    await work_off(lab.files.database, abilities=lab.files.abilities)

    assert await lab.work() == 0

    assert await lab.rows("type, status, error") == [
        (
            "DOCUMENT_TEXT",
            "SKIPPED",
            "The file has 104857600 bytes, over 67108864, the most for DOCUMENT_TEXT.",
        )
    ]


async def test_a_document_that_nobody_can_read_is_skipped_or_fails_with_the_reason(lab: Lab) -> None:
    await lab.receive(
        "document",
        data=b"PK\x03\x04" + bytes(50),
        content={"filename": "a.zip", "mimetype": "application/zip"},
    )
    await lab.receive(
        "document", data=b"%PDF-1.4 no", content={"filename": "a.pdf", "mimetype": "application/pdf"}
    )

    await lab.work()

    (first, second) = await lab.rows("status, error")
    assert first == ("SKIPPED", "Files of the type application/zip cannot be read here.")
    assert second[0] == "FAILED"
    assert await lab.texts() == [["[document]"], ["[document]"]]


async def test_without_its_file_there_is_nothing_to_find_out(lab: Lab) -> None:
    await lab.files.receive("sticker", data=b"RIFF0000WEBP" + bytes(60))
    await lab.files.receive("image", lost=True, data=PNG)
    for _ in range(6):
        await lab.files.fetch()
        await lab.files.wait_over()

    ((state, error),) = await lab.rows("status, error")
    assert state == "FAILED"
    assert error.startswith("There is no file: ")
    assert await lab.events() == ["enrichment.requested", "enrichment.failed"]


async def test_the_same_file_costs_nothing_the_second_time(lab: Lab) -> None:
    for _ in range(2):
        await lab.receive("voice", data=VOICE)
        await lab.work()

    assert await lab.rows() == [
        ("COMPLETED", "Quero dois pães", None, 1, 6100, False),
        ("COMPLETED", "Quero dois pães", None, 1, 0, True),
    ]
    assert len(lab.ai.calls) == 1
    assert await lab.spent() == [("ENRICHMENT", 1, 6100)]


async def test_another_question_about_the_same_file_is_asked(lab: Lab) -> None:
    await lab.receive("voice", data=VOICE)
    await lab.work()
    await configure(lab, EnrichmentRules(language="es"))
    await lab.receive("voice", data=VOICE)
    await lab.work()

    assert len(lab.ai.calls) == 2


async def test_tenants_never_share_what_was_found_out(lab: Lab) -> None:
    await lab.receive("voice", data=VOICE)
    await lab.work()
    other = await open_shop(lab.files.database, name="Oficina")

    async with lab.files.database.tenant_transaction(other.tenant_id) as connection:
        for table in ("enrichments", "enrichment_results", "ai_usage"):
            assert await connection.fetchval(f"SELECT count(*) FROM {table}") == 0


async def test_a_spent_budget_skips_what_costs_and_reads_what_does_not(lab: Lab) -> None:
    await lab.receive("voice", data=VOICE)
    await lab.work(budget=6100)
    await lab.receive("voice", data=VOICE + b"2")
    await lab.receive("document", data=b"total 7", content={"filename": "n.txt", "mimetype": "text/plain"})
    # What was found out before costs nothing.
    await lab.receive("voice", data=VOICE)

    await lab.work(budget=6100)

    assert await lab.rows("type, status, error, is_cached") == [
        ("TRANSCRIPTION", "COMPLETED", None, False),
        ("TRANSCRIPTION", "SKIPPED", "The AI budget of the day is spent: 6100 of 6100 micro-USD.", False),
        ("TRANSCRIPTION", "COMPLETED", None, True),
        ("DOCUMENT_TEXT", "COMPLETED", None, False),
    ]
    assert len(lab.ai.calls) == 1


async def test_the_budget_of_a_project_outranks_the_installations(lab: Lab) -> None:
    async with lab.files.database.writing(lab.files.shop.tenant_id, CAUSE) as uow:
        project = await uow.projects.get_for_update(lab.files.shop.project_id)
        project.set_ai_budget(0, at=uow.now)
    await lab.receive("voice", data=VOICE)

    await lab.work(budget=None)

    assert await lab.rows("status, error") == [
        ("SKIPPED", "The AI budget of the day is spent: 0 of 0 micro-USD.")
    ]


async def test_the_spending_of_yesterday_counts_no_more(lab: Lab) -> None:
    await lab.receive("voice", data=VOICE)
    await lab.work(budget=1)
    await lab.files.execute("UPDATE ai_usage SET day = day - 1")
    await lab.receive("voice", data=VOICE + b"2")

    await lab.work(budget=1)

    assert await lab.rows("status") == [("COMPLETED",), ("COMPLETED",)]


async def test_what_a_killed_worker_had_is_done_by_another(lab: Lab) -> None:
    lab.ai.hold = asyncio.Event()
    await lab.receive("voice", data=VOICE)
    ((id_,),) = await lab.rows("id")
    killed = asyncio.create_task(
        work_on(
            lab.files.database,
            lab.files.shop.tenant_id,
            EnrichmentId(id_),
            enricher=lab.scribe,
            storage=lab.files.storage,
        )
    )
    while not lab.ai.calls:  # noqa: ASYNC110 The provider says it this way only.
        await asyncio.sleep(0.01)
    killed.cancel()
    with pytest.raises(asyncio.CancelledError):
        await killed
    lab.ai.hold.set()
    assert await lab.rows("status") == [("PROCESSING",)]
    assert await lab.work() == 0

    await lab.wait_over()
    await lab.work()

    assert await lab.rows("status, text, attempts") == [("COMPLETED", "Quero dois pães", 2)]


async def test_a_worker_that_lost_its_lease_changes_nothing_but_what_it_cost(lab: Lab) -> None:
    await lab.receive("voice", data=VOICE)
    ((id_,),) = await lab.rows("id")
    viewer = system_viewer(tenant_id=lab.files.shop.tenant_id)
    claims = []
    for _ in range(2):
        async with lab.files.database.writing(viewer.tenant_id, CAUSE) as uow:
            claims.append(
                await enrichments.claim(
                    uow,
                    viewer,
                    enrichment_id=EnrichmentId(id_),
                    token=new_id(),
                    key_of=lab.scribe.key,
                    costs=True,
                    default_budget=None,
                )
            )
        await lab.wait_over()
    outcomes = []
    for claim in claims:
        assert claim.errand is not None
        path = lab.files.storage.path(viewer.tenant_id, claim.errand.sha256)
        result = await lab.scribe.run(claim.errand, path)
        async with lab.files.database.writing(viewer.tenant_id, CAUSE) as uow:
            outcomes.append(
                await enrichments.complete(uow, viewer, errand=claim.errand, result=result, duration_ms=1)
            )

    assert outcomes == [False, True]
    assert await lab.events() == ["enrichment.requested", "enrichment.completed"]
    assert await lab.spent() == [("ENRICHMENT", 2, 12200)]


async def test_a_long_call_keeps_its_claim(lab: Lab) -> None:
    lab.ai.hold = asyncio.Event()
    await lab.receive("voice", data=VOICE)
    ((id_,),) = await lab.rows("id")
    working = asyncio.create_task(
        work_on(
            lab.files.database,
            lab.files.shop.tenant_id,
            EnrichmentId(id_),
            enricher=lab.scribe,
            storage=lab.files.storage,
            hold_seconds=0.02,
        )
    )
    while not lab.ai.calls:  # noqa: ASYNC110 As above.
        await asyncio.sleep(0.01)
    await lab.files.execute("UPDATE enrichments SET due_at = now() + interval '1 second'")

    while (await lab.rows("due_at > now() + interval '30 seconds'")) != [(True,)]:  # noqa: ASYNC110
        await asyncio.sleep(0.01)

    lab.ai.hold.set()
    assert await working
    assert await lab.rows("status, attempts") == [("COMPLETED", 1)]


async def test_an_answer_that_was_paid_for_outlives_the_loss_of_every_connection(
    lab: Lab, postgres_url: str
) -> None:
    lab.ai.hold = asyncio.Event()
    await lab.receive("voice", data=VOICE)
    working = asyncio.create_task(lab.work())
    while not lab.ai.calls:  # noqa: ASYNC110 As above.
        await asyncio.sleep(0.01)

    superuser = await asyncpg.connect(postgres_url)
    await superuser.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    await superuser.close()
    lab.ai.hold.set()

    assert await working == 1
    assert await lab.rows("status, attempts") == [("COMPLETED", 1)]
    assert await lab.spent() == [("ENRICHMENT", 1, 6100)]


async def test_the_most_urgent_is_claimed_first(lab: Lab) -> None:
    await lab.receive("audio", data=VOICE + b"1", content={"mimetype": "audio/ogg"})
    await lab.receive("voice", data=VOICE + b"2")

    database = lab.files.database
    (first,) = await rows.due(
        database.system, types=[EnrichmentKind.TRANSCRIPTION], now=database.clock.now(), limit=1
    )

    ((voice,),) = await lab.files.rows("SELECT id FROM enrichments WHERE priority = 10")
    assert first.enrichment_id == voice


async def test_a_provider_never_gets_more_at_once_than_it_may(lab: Lab, redis_url: str) -> None:
    count = 5
    for number in range(count):
        await lab.files.receive("voice", data=VOICE + bytes([number]))
    await lab.files.fetch()
    lab.ai.hold = asyncio.Event()
    scribe = Scribe(
        transcriber=lab.scribe.transcriber, provider="ai.test", model="whisper-1", prices=PRICES, at_once=2
    )
    async with listening(redis_url, ["enrichments"]) as wakes:
        running = asyncio.create_task(
            run_enrichments(
                lab.files.database,
                wakes,
                enrichers=[scribe, lab.reading],
                storage=lab.files.storage,
                default_budget=None,
            )
        )
        while lab.ai.busy < 2:  # noqa: ASYNC110 As above.
            await asyncio.sleep(0.01)
        lab.ai.hold.set()
        await lab.files.until("SELECT count(*) FROM enrichments WHERE status = 'COMPLETED'", [(count,)])
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

    assert lab.ai.busiest == 2
    assert len(lab.ai.calls) == count


@dataclass(frozen=True, kw_only=True)
class Stumbling(Scribe):
    """An enricher that cannot even say what it would ask about the most urgent files."""

    def key(self, errand: enrichments.EnrichmentErrand) -> rows.ResultKey:
        if errand.content_kind is ContentKind.VOICE:
            raise RuntimeError("I stumble.")
        return super().key(errand)


async def test_a_file_that_nobody_can_claim_holds_up_no_other(lab: Lab, redis_url: str) -> None:
    await lab.receive("voice", data=VOICE)
    await lab.receive("audio", data=VOICE + b"1", content={"mimetype": "audio/ogg"})
    stumbling = Stumbling(
        transcriber=lab.scribe.transcriber, provider="ai.test", model="whisper-1", prices=PRICES, at_once=1
    )
    async with listening(redis_url, ["enrichments"]) as wakes:
        running = asyncio.create_task(
            run_enrichments(
                lab.files.database,
                wakes,
                enrichers=[stumbling],
                storage=lab.files.storage,
                default_budget=None,
            )
        )
        await lab.files.until("SELECT count(*) FROM enrichments WHERE status = 'COMPLETED'", [(1,)])
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

    assert await lab.rows("status") == [("PENDING",), ("COMPLETED",)]


class Witness:
    """An enricher of the test's own: says whose files it was given, in order."""

    kinds = frozenset({EnrichmentKind.DESCRIPTION})
    at_once = 1
    costs = False
    hears_video = False

    def __init__(self) -> None:
        self.seen: list[TenantId] = []

    def key(self, errand: enrichments.EnrichmentErrand) -> rows.ResultKey:
        return rows.ResultKey(
            sha256=errand.sha256, type=errand.type, provider="w", model="w", asked=str(errand.message_id)
        )

    async def run(self, errand: enrichments.EnrichmentErrand, path: Path) -> EnrichmentResult:
        self.seen.append(errand.tenant_id)
        return EnrichmentResult(text="seen", provider="w", model="w", cost_microusd=0)


async def test_a_flood_of_one_tenant_lets_the_others_through(
    database: Database, redis_url: str, tmp_path: Path
) -> None:
    flood, other = await open_shop(database), await open_shop(database, name="Oficina")
    await pictures_due(database, flood, count=4)
    await pictures_due(database, other, count=1)
    witness = Witness()
    async with listening(redis_url, ["enrichments"]) as wakes:
        running = asyncio.create_task(
            run_enrichments(
                database,
                wakes,
                enrichers=[witness],
                storage=LocalStorage(tmp_path),
                default_budget=None,
            )
        )
        while await rows.waiting(database.system):  # noqa: ASYNC110 As above.
            await asyncio.sleep(0.02)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

    assert witness.seen == [flood.tenant_id, other.tenant_id, *[flood.tenant_id] * 3]


async def pictures_due(database: Database, shop: Shop, *, count: int) -> None:
    """Stored pictures that wait to be described."""
    async with database.writing(shop.tenant_id, CAUSE) as uow:
        chat = a_chat(uow, shop, a_contact(uow, shop), "5511999990001@c.us")
        connection = await uow.session.connection()
        for number in range(count):
            media = Media(id=MediaId(new_id()), status=MediaStatus.STORED, mime_type="image/png")
            message = a_message(uow, shop, chat, ImageContent(media=media), external_id=f"A{number}")
            assert media.id is not None
            await uow.flush()
            await connection.exec_driver_sql(
                "INSERT INTO media (tenant_id, id, message_id, channel_id, status, chat_address, created_at, sha256) "
                f"VALUES ('{shop.tenant_id}', '{media.id}', '{message.id}', '{shop.channel_id}', 'STORED', 'x', "
                f"now(), '{'ab' * 32}')"
            )
            enrichment = Enrichment.request(
                tenant_id=shop.tenant_id,
                project_id=shop.project_id,
                chat_id=chat.id,
                message_id=message.id,
                media_id=media.id,
                type_=EnrichmentKind.DESCRIPTION,
                priority=7,
                at=uow.now,
            )
            enrichment.file_stored(at=uow.now)
            uow.enrichments.add(enrichment)


async def test_there_is_one_of_each_kind_for_a_message(lab: Lab) -> None:
    await lab.receive("voice", data=VOICE)
    await lab.files.execute("UPDATE media SET status = 'PENDING', available_at = now(), attempts = 0")
    await lab.files.fetch()

    assert await lab.rows("type, status") == [("TRANSCRIPTION", "PENDING")]


async def test_a_burst_waits_for_what_its_files_say(lab: Lab) -> None:
    await unwindowed(lab)
    await lab.files.receive("voice", data=VOICE)
    assert not await process(lab)
    assert await lab.files.rows("SELECT due_at - flushed_at FROM message_groups") == [
        (timedelta(seconds=30),)
    ]
    await lab.files.fetch()

    await lab.work()

    assert await lab.files.rows("SELECT due_at < now() FROM message_groups") == [(True,)]
    assert await process(lab)
    assert await lab.files.rows("SELECT status, text FROM message_groups") == [
        ("COMPLETED", "Quero dois pães")
    ]


async def test_a_burst_goes_on_with_markers_when_it_waited_long_enough(lab: Lab) -> None:
    await unwindowed(lab)
    lab.ai.next = [status(500)]
    await lab.receive("voice", data=VOICE)
    await lab.work()
    assert not await process(lab)
    await lab.files.execute("UPDATE message_groups SET flushed_at = flushed_at - interval '31 seconds'")

    assert await process(lab)

    assert await lab.files.rows("SELECT status, text FROM message_groups") == [("COMPLETED", "[audio]")]
    await lab.wait_over()
    await lab.work()
    assert await lab.texts() == [["Quero dois pães"]]


@pytest.mark.parametrize("failure", [status(400), status(500)], ids=["refused", "down"])
async def test_what_fails_lets_its_burst_go_on_at_once(lab: Lab, failure: Any) -> None:
    await unwindowed(lab)
    lab.ai.next = [failure] * MOST_ATTEMPTS
    await lab.receive("voice", data=VOICE)
    assert not await process(lab)

    while await lab.work():
        await lab.wait_over()

    assert await lab.rows("status") == [("FAILED",)]
    assert await lab.files.rows("SELECT due_at < now() FROM message_groups") == [(True,)]
    assert await process(lab)
    assert await lab.files.rows("SELECT status, text FROM message_groups") == [("COMPLETED", "[audio]")]


async def test_of_two_that_end_together_one_lets_the_burst_go_on(lab: Lab) -> None:
    for number in range(4):
        await lab.receive("voice", data=VOICE + bytes([number]))
    await lab.files.execute("UPDATE message_groups SET status = 'PROCESSING', flushed_at = now()")
    assert not await process(lab)
    ids = [EnrichmentId(id_) for (id_,) in await lab.rows("id")]

    await asyncio.gather(
        *(
            work_on(
                lab.files.database,
                lab.files.shop.tenant_id,
                id_,
                enricher=lab.scribe,
                storage=lab.files.storage,
            )
            for id_ in ids
        )
    )

    assert await lab.rows("status") == [("COMPLETED",)] * 4
    assert await lab.files.rows("SELECT due_at < now() FROM message_groups") == [(True,)]


async def unwindowed(lab: Lab) -> None:
    """Let bursts end with their first message."""
    async with lab.files.database.writing(lab.files.shop.tenant_id, CAUSE) as uow:
        channel = await uow.channels.get_for_update(lab.files.shop.channel_id)
        channel.configure(debounce_timeout_ms=0, at=uow.now)


async def process(lab: Lab) -> bool:
    """Let a worker look at the burst; return whether it was worked on."""
    ((id_,),) = await lab.files.rows("SELECT id FROM message_groups")
    return await message_groups.process(
        lab.files.database, lab.files.shop.tenant_id, MessageGroupId(id_), answer=None
    )


async def configure(lab: Lab, rules: EnrichmentRules) -> None:
    async with lab.files.database.writing(lab.files.shop.tenant_id, CAUSE) as uow:
        channel = await uow.channels.get_for_update(lab.files.shop.channel_id)
        channel.configure(enrichment=rules, at=uow.now)
