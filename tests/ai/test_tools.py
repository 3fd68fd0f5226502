"""Tools: what they do, whose data they reach, and what happens to calls that are wrong, forbidden or too many."""

from datetime import timedelta

import pytest

from aisim.testing import Running
from domain.ai.session_summary import Gist, Sentiment, SessionSummary
from domain.ai.tools import TOOLS, BadArguments, RememberFact, SearchMessages, read_arguments, spec_of
from domain.crm.contact import NameSource
from domain.identity.permission import Permission
from integrations.ai.openai import OpenAiChat
from persistence.crm.contact_merge import merge_contacts
from persistence.database import Database
from services.ai.agent_viewer import ALWAYS, agent_viewer
from tests.ai.desk import Desk, Person, call, conversations, open_desk, settings
from tests.factories import CLOCK
from tests.graphql.builders import CAUSE

FREE = ("look_up_contact", "list_session_summaries", "search_messages", "close_session", "stay_silent")


async def used(desk: Desk, ai: Running, person: Person, *calls: dict[str, object]) -> list[str]:
    """What the model is told about its calls."""
    group, token = await desk.burst(person, "Oi")
    await ai.reset()
    await ai.answer(toolCalls=list(calls))
    await ai.answer("Pronto.")
    assert await desk.answer(group, token)
    *_, last = conversations(await ai.requests())
    return [one["content"] for one in last if one["role"] == "tool"]


async def test_what_is_known_of_the_contact_is_looked_up(desk: Desk, ai: Running) -> None:
    maria = await desk.meet()
    async with desk.writing() as uow:
        contact = await uow.contacts.get_for_update(maria.contact_id)
        contact.set_details(
            email="maria@example.org",
            external_id=None,
            language="pt-BR",
            timezone=None,
            tags=["vip"],
            custom_fields=[],
            at=uow.now,
        )

    (told,) = await used(desk, ai, maria, call("look_up_contact"))

    for part in ("Maria", "maria@example.org", "pt-BR", "vip"):
        assert part in told


async def test_a_fact_is_remembered_once_and_told_the_next_time(desk: Desk, ai: Running) -> None:
    maria = await desk.meet()
    fact = call("remember_fact", fact="Não come glúten.")

    told = await used(desk, ai, maria, fact, fact)

    assert ["Remembered" in one for one in told] == [True, False]
    (row,) = await desk.rows("SELECT text, contact_id, agent_id FROM contact_facts")
    assert row == {"text": "Não come glúten.", "contact_id": maria.contact_id, "agent_id": desk.agent_id}
    group, token = await desk.burst(maria, "Oi de novo")
    await ai.reset()
    await ai.answer("Olá!")
    await desk.answer(group, token)
    ((system, user),) = conversations(await ai.requests())
    assert "Não come glúten." in user["content"]
    assert "Não come glúten." not in system["content"]


async def test_a_name_that_was_told_replaces_a_push_name_but_not_what_a_colleague_wrote(
    desk: Desk, ai: Running
) -> None:
    maria = await desk.meet()

    await used(desk, ai, maria, call("rename_contact", name="Maria Silva"))

    assert (await desk.contact(maria)).name == "Maria Silva"
    assert (await desk.contact(maria)).name_source is NameSource.TOLD
    async with desk.writing() as uow:
        contact = await uow.contacts.get_for_update(maria.contact_id)
        contact.rename("Dona Maria", source=NameSource.MANUAL, said_at=uow.now, at=uow.now)
    (told,) = await used(desk, ai, maria, call("rename_contact", name="Rainha"))
    assert "only a colleague" in told
    assert (await desk.contact(maria)).name == "Dona Maria"


async def test_a_session_is_assigned_to_a_person_by_name(desk: Desk, ai: Running) -> None:
    maria = await desk.meet()

    wrong, right = await used(
        desk, ai, maria, call("assign_session", person="Bruno"), call("assign_session", person="ana")
    )

    assert "there is Ana" in wrong
    assert "Ana is in charge" in right
    assert (await desk.session(maria)).assignee_id == desk.shop.agent.id


async def test_a_closed_session_ends_after_the_answer_and_no_other_begins(desk: Desk, ai: Running) -> None:
    maria = await desk.meet()

    await used(desk, ai, maria, call("close_session"))

    assert await desk.replies() == ["Pronto."]
    sessions = await desk.rows("SELECT id, status, end_reason FROM sessions")
    assert sessions == [{"id": maria.session_id, "status": "ENDED", "end_reason": "RESOLVED"}]


async def test_summaries_and_messages_of_this_contact_only(desk: Desk, ai: Running) -> None:
    maria, joana = await desk.meet(), await desk.meet("Joana", phone="+5511999990002")
    for person, secret in ((maria, "bolo de fubá"), (joana, "bolo de noiva")):
        await desk.said(person, f"pedido: {secret}", ago=timedelta(minutes=4))
        async with desk.writing() as uow:
            uow.session_summaries.add(
                SessionSummary.write(
                    Gist(text=f"Sobre {secret}", sentiment=Sentiment.NEUTRAL),
                    session_id=person.session_id,
                    tenant_id=desk.shop.tenant_id,
                    project_id=desk.shop.project_id,
                    contact_id=person.contact_id,
                    ended_at=CLOCK.now(),
                    message_count=3,
                    model="m",
                    usage=None,
                    cost=None,
                    at=uow.now,
                )
            )

    told = await used(
        desk, ai, maria, call("search_messages", query="BOLO"), call("list_session_summaries", limit=20)
    )

    assert ["bolo de fubá" in one for one in told] == [True, True]
    everything = str(await ai.requests())
    assert "noiva" not in everything
    assert "Joana" not in everything


async def test_another_tenants_data_is_out_of_reach(
    desk: Desk, ai: Running, database: Database, model: OpenAiChat
) -> None:
    other = await open_desk(database, model, name="Concorrente")
    theirs = await other.meet("Carla", phone="+5511999990001")
    await other.said(theirs, "segredo industrial")
    maria = await desk.meet()

    told = await used(
        desk, ai, maria, call("search_messages", query="segredo"), call("assign_session", person="Carla")
    )

    assert "nothing" in told[0]
    assert "segredo industrial" not in str(await ai.requests())
    await used(desk, ai, maria, call("remember_fact", fact="Nossa."))
    for table in ("ai_runs", "contact_facts", "session_summaries"):
        assert await other.rows(f"SELECT * FROM {table}") == []


async def test_what_is_missing_is_null_for_every_reader(desk: Desk) -> None:
    await desk.meet()

    rows = await desk.rows(
        "SELECT (SELECT escalation IS NULL FROM sessions) AS session, (SELECT ai IS NULL FROM agents WHERE id = $1) AS ana",
        desk.shop.agent.id,
    )

    assert rows == [{"session": True, "ana": True}]


async def test_what_is_remembered_follows_a_contact_that_is_merged(desk: Desk, ai: Running) -> None:
    maria, twin = await desk.meet(), await desk.meet("Maria S.", phone="+5511999990002")
    await used(desk, ai, maria, call("remember_fact", fact="Gosta de bolo."))
    await used(desk, ai, twin, call("remember_fact", fact="Mora perto."))

    async with desk.database.tenant_transaction(desk.shop.tenant_id) as connection:
        kept = await merge_contacts(
            connection, frozenset({maria.contact_id, twin.contact_id}), now=CLOCK.now(), cause=CAUSE
        )

    for table in ("contact_facts", "ai_runs"):
        rows = await desk.rows(f"SELECT DISTINCT contact_id FROM {table}")
        assert rows == [{"contact_id": kept}]


@pytest.mark.parametrize("name", [name for name in TOOLS if name != "stay_silent"])
async def test_a_tool_that_is_not_allowed_does_nothing(desk: Desk, ai: Running, name: str) -> None:
    await desk.configure(tools=("stay_silent",), can_escalate=False)
    maria = await desk.meet()
    arguments = dict.fromkeys(spec_of(name).parameters["required"], "x")  # type: ignore[attr-defined]

    (told,) = await used(desk, ai, maria, call(name, **arguments))

    assert told == '{"error":"There is no tool of this name. Yours are: stay_silent."}'
    assert (await desk.contact(maria)).name == "Maria"
    assert await desk.rows("SELECT * FROM contact_facts") == []
    session = await desk.session(maria)
    assert (session.assignee_id, session.escalation, session.end_reason) == (None, None, None)
    assert '"FORBIDDEN"' in (await desk.run())["tool_calls"]


async def test_bad_arguments_are_explained_and_audited_without_their_content(desk: Desk, ai: Running) -> None:
    maria = await desk.meet()

    told = await used(
        desk,
        ai,
        maria,
        call("remember_fact"),
        call("remember_fact", fact=7),
        call("remember_fact", fact="x" * 501),
        call("remember_fact", fact="ok", contact_id="cnt_00000000000000000000000000"),
        call("search_messages", query="a", limit=True),
        call("no_such_tool", secret="pssst"),
    )

    assert [one.partition(":")[2][:30] for one in told[:2]] == [
        '"fact is missing; give a text.',
        '"fact is 7; it must be a text.',
    ]
    assert "501 characters" in told[2]
    assert "no parameter 'contact_id'" in told[3]
    assert "limit is True" in told[4]
    assert await desk.rows("SELECT * FROM contact_facts") == []
    assert "pssst" not in str(await desk.run())


async def test_calls_beyond_the_limit_are_refused(desk: Desk, ai: Running) -> None:
    await desk.configure(max_tool_calls=2)
    maria = await desk.meet()

    told = await used(desk, ai, maria, *[call("remember_fact", fact=f"Fato {n}") for n in range(4)])

    assert ["No further calls" in one for one in told] == [False, False, True, True]
    rows = await desk.rows("SELECT text FROM contact_facts ORDER BY created_at, id")
    assert [row["text"] for row in rows] == ["Fato 0", "Fato 1"]
    *_, last = await ai.requests()
    offered = {one["function"]["name"] for one in last["body"]["tools"]}  # type: ignore[index]
    assert offered == {"stay_silent", "escalate_to_human"}


async def test_a_model_that_only_calls_tools_fails(desk: Desk, ai: Running) -> None:
    group, token = await desk.burst(await desk.meet(), "Oi")
    await ai.answer(toolCalls=[call("look_up_contact")], count=None)

    assert await desk.answer(group, token)

    run = await desk.run()
    assert (run["outcome"], run["step_count"]) == ("FAILED", 10)
    assert await desk.replies() == []


@pytest.mark.parametrize("name", FREE)
async def test_an_agent_has_no_more_permissions_than_its_tools_need(desk: Desk, name: str) -> None:
    async with desk.database.reading(desk.shop.tenant_id) as reader:
        agent = await reader.agents.find(desk.agent_id)
    viewer = agent_viewer(agent, settings(tools=(name,)))

    extra = {Permission.SESSIONS_WRITE} if name == "close_session" else set()
    assert viewer.permissions == ALWAYS | extra
    assert not any(one.value.endswith("_WRITE") for one in viewer.permissions - {Permission.SESSIONS_WRITE})


def test_schemas_follow_from_parameters() -> None:
    assert spec_of("search_messages").parameters == {
        "type": "object",
        "properties": {
            "query": {
                "type": "string",
                "description": "Words to look for.",
                "minLength": 1,
                "maxLength": 200,
            },
            "limit": {
                "type": "integer",
                "description": "How many.",
                "minimum": 1,
                "maximum": 20,
                "default": 5,
            },
        },
        "required": ["query"],
        "additionalProperties": False,
    }


def test_no_tool_has_a_parameter_that_names_somebody_by_id() -> None:
    names = {key for name in TOOLS for key in spec_of(name).parameters["properties"]}  # type: ignore[attr-defined]

    assert names == {"fact", "name", "limit", "query", "person", "reason"}


def test_arguments_become_typed_parameters() -> None:
    assert read_arguments("remember_fact", {"fact": " x "}) == RememberFact(fact="x")
    assert read_arguments("search_messages", {"query": "a"}) == SearchMessages(query="a", limit=5)
    assert read_arguments("search_messages", {"query": "", "limit": 21, "x": 1}) == BadArguments(
        (
            "There is no parameter 'x'.",
            "query must not be empty.",
            "limit is 21; it must be between 1 and 20.",
        )
    )
