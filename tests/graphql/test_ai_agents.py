"""AI agents through the API: set up, changed, stopped; their runs, what they remember, and how people silence them."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from domain.ai.chat import Answer, Finish, Usage
from domain.ai.contact_fact import ContactFact
from domain.ai.run import AiRun, RunOutcome, ToolOutcome, ToolRecord
from domain.ai.session_summary import Gist, Sentiment, SessionSummary
from domain.crm.escalation import Escalation, EscalationCause
from domain.crm.message_group import MessageGroup
from domain.identity.permission import Permission
from domain.ids import AgentId, AiRunId, ChatId, ContactFactId, MessageGroupId
from persistence.database import Database
from resolvers.ids import private, public
from tests.factories import CLOCK, NOON, Shop
from tests.graphql.asking import Api
from tests.graphql.builders import CAUSE, a_chat, a_contact, a_message, a_session

E = "userErrors { code field message }"
AI = (
    "model instructions tools temperature outputTokens inputTokens maxToolCalls maxReplies contactRunsPerDay "
    "dailyBudgetMicrousd fallbackMessage handoverMessage hasEscalation language"
)
BOT = f"id name isActive version ... on BotAgent {{ type ai {{ {AI} }} }}"


async def run(api: Api, mutation: str, shows: str, **given: object) -> Any:
    """Run a mutation and return its payload."""
    type_ = mutation[0].upper() + mutation[1:] + "Input"
    query = f"mutation ($input: {type_}!) {{ {mutation}(input: $input) {{ {shows} {E} }} }}"
    return (await api.get(query, input=given))[mutation]


async def an_agent(api: Api, **ai: object) -> Any:
    """A new agent, as published."""
    given = {"name": "Atendente", "type": "AI", "ai": {"instructions": "Seja breve."} | ai}
    payload = await run(api, "agentCreate", f"agent {{ {BOT} }}", **given)
    assert payload["userErrors"] == []
    return payload["agent"]


async def test_an_agent_is_set_up_with_defaults(api: Api) -> None:
    agent = await an_agent(api, tools=["stay_silent"])

    assert agent["type"] == "AI"
    assert agent["ai"] == {
        "model": None,
        "instructions": "Seja breve.",
        "tools": ["stay_silent"],
        "temperature": None,
        "outputTokens": 1000,
        "inputTokens": 8000,
        "maxToolCalls": 8,
        "maxReplies": 3,
        "contactRunsPerDay": 200,
        "dailyBudgetMicrousd": None,
        "fallbackMessage": None,
        "handoverMessage": None,
        "hasEscalation": True,
        "language": None,
    }


@pytest.mark.parametrize(
    ("given", "code", "field"),
    [
        ({"type": "AI"}, "REQUIRED", ["ai"]),
        ({"type": "AI", "ai": {}}, "REQUIRED", ["ai", "instructions"]),
        ({"type": "BOT", "ai": {"instructions": "x"}}, "INVALID", ["ai"]),
        ({"type": "AI", "ai": {"instructions": "x", "tools": ["fly"]}}, "INVALID", ["ai", "tools", "0"]),
        (
            {"type": "AI", "ai": {"instructions": "x" * 20_001}},
            "TOO_LONG",
            ["ai", "instructions"],
        ),
        ({"type": "AI", "ai": {"instructions": "x", "maxToolCalls": 9}}, "INVALID", ["ai", "maxToolCalls"]),
    ],
)
async def test_settings_that_cannot_work_are_refused(
    api: Api, given: dict[str, object], code: str, field: list[str]
) -> None:
    payload = await run(api, "agentCreate", "agent { id }", name="Atendente", **given)

    assert payload["agent"] is None
    assert [(one["code"], one["field"]) for one in payload["userErrors"]] == [(code, field)]
    agents = (await api.get("{ agents { nodes { name } } }"))["agents"]["nodes"]
    assert agents == [{"name": "Ana"}]


async def test_what_is_left_out_stays_and_null_clears(api: Api) -> None:
    agent = await an_agent(api, model="gpt-x", temperature=0.5, tools=["stay_silent"], language="pt-BR")

    payload = await run(
        api,
        "agentUpdate",
        f"agent {{ {BOT} }}",
        id=agent["id"],
        name="Nova",
        expectedVersion=agent["version"],
        ai={"model": None, "maxReplies": 1, "canEscalate": False, "tools": None},
    )

    changed = payload["agent"]
    assert changed["name"] == "Nova"
    assert changed["version"] == agent["version"] + 1
    assert changed["ai"] == agent["ai"] | {"model": None, "maxReplies": 1, "hasEscalation": False}
    stale = await run(
        api, "agentUpdate", "agent { id }", id=agent["id"], name="x", expectedVersion=agent["version"]
    )
    assert [one["code"] for one in stale["userErrors"]] == ["VERSION_CONFLICT"]


async def test_an_agent_is_stopped_and_let_again(api: Api) -> None:
    agent = await an_agent(api)

    stopped = await run(api, "agentDeactivate", "agent { isActive }", id=agent["id"])
    again = await run(api, "agentActivate", "agent { isActive }", id=agent["id"])

    assert (stopped["agent"], again["agent"]) == ({"isActive": False}, {"isActive": True})


async def test_a_stranger_can_neither_see_nor_change_an_agent(api: Api, stranger: Api) -> None:
    agent = await an_agent(api)

    for mutation, more in (
        ("agentUpdate", {"name": "x"}),
        ("agentDeactivate", {}),
        ("agentActivate", {}),
    ):
        payload = await run(stranger, mutation, "agent { id }", id=agent["id"], **more)
        assert [one["code"] for one in payload["userErrors"]] == ["NOT_FOUND"]
    assert (await stranger.get("query ($id: ID!) { agent(id: $id) { id } }", id=agent["id"]))["agent"] is None


async def test_settings_and_runs_need_a_permission_of_their_own(
    database: Database, shop: Shop, api: Api
) -> None:
    agent = await an_agent(api)
    others = frozenset(Permission) - {Permission.AI_READ}
    limited = Api(database, replace(shop.viewer, permissions=others))

    found = await limited.ask(
        "query ($id: ID!) { agent(id: $id) { ... on BotAgent { ai { instructions } } } }", id=agent["id"]
    )
    runs = await limited.ask("{ aiRuns { nodes { id } } }")

    assert (found.codes, runs.codes) == (["FORBIDDEN"], ["FORBIDDEN"])


async def a_run(database: Database, shop: Shop, agent_id: str) -> dict[str, str]:
    """A burst that an agent answered, with what it remembered and summed up; ids as published."""
    async with database.writing(shop.tenant_id, CAUSE) as uow:
        contact = a_contact(uow, shop, "Maria", "+5511999990001")
        chat = a_chat(uow, shop, contact, "5511999990001@c.us")
        session = a_session(uow, shop, chat, CLOCK.now())
        message = a_message(uow, shop, chat, "Oi", external_id="A", sent_at=CLOCK.now(), session=session)
        channel = await uow.channels.find(shop.channel_id)
        assert channel is not None
        group = uow.message_groups.add(
            MessageGroup.open(
                tenant_id=shop.tenant_id,
                project_id=shop.project_id,
                channel_id=shop.channel_id,
                chat_id=chat.id,
                contact_id=contact.id,
                session_id=session.id,
                message_id=message.id,
                sent_at=message.sent_at,
                grouping=channel.bursts,
                is_behind=False,
                at=uow.now,
            )
        )
        who = private(AgentId, agent_id)
        made = AiRun.begin(
            tenant_id=shop.tenant_id,
            project_id=shop.project_id,
            group_id=group.id,
            chat_id=chat.id,
            channel_id=shop.channel_id,
            contact_id=contact.id,
            session_id=session.id,
            agent_id=who,
            at=uow.now,
        )
        usage = Usage(prompt_tokens=100, completion_tokens=10, cached_tokens=50)
        answer = Answer(text="secret", usage=usage, finish=Finish.STOP, model="gpt-x")
        made.spend(usage, cost=7, latency_ms=30, at=uow.now)
        made.note_answer(answer, at=uow.now)
        record = ToolRecord(
            step=0, name="look_up_contact", arguments_hash="ab", outcome=ToolOutcome.DONE, milliseconds=3
        )
        made.note_result(0, "secret", record=record, at=uow.now)
        made.finish(RunOutcome.REPLIED, reply_count=1, at=uow.now)
        uow.ai_runs.add(made)
        fact = uow.contact_facts.add(
            ContactFact.remember(
                "Gosta de bolo.",
                tenant_id=shop.tenant_id,
                project_id=shop.project_id,
                contact_id=contact.id,
                agent_id=who,
                at=uow.now,
            )
        )
        uow.session_summaries.add(
            SessionSummary.write(
                Gist(text="Um bolo.", sentiment=Sentiment.MIXED, topics=("bolo",), next_steps=("Entregar.",)),
                session_id=session.id,
                tenant_id=shop.tenant_id,
                project_id=shop.project_id,
                contact_id=contact.id,
                ended_at=NOON,
                message_count=3,
                model="gpt-x",
                usage=None,
                cost=None,
                at=uow.now,
            )
        )
        session.escalate(
            Escalation(cause=EscalationCause.REQUESTED, reason="Quer gente.", agent_id=who, at=uow.now),
            at=uow.now,
        )
    return {
        "run": public(AiRunId, made.id),
        "group": public(MessageGroupId, group.id),
        "chat": public(ChatId, chat.id),
        "fact": public(ContactFactId, fact.id),
    }


RUN = (
    "id model outcome reason error promptTokens completionTokens cachedTokens costMicrousd isCostKnown latencyMs "
    "stepCount replyCount toolCalls { step name argumentsHash outcome milliseconds } agent { name } "
    "chat { id } contact { name } session { id }"
)


async def test_runs_are_listed_filtered_and_found(database: Database, shop: Shop, api: Api) -> None:
    ids = await a_run(database, shop, (await an_agent(api))["id"])

    data = await api.get(
        f"""query ($id: ID!, $group: ID!) {{
          aiRuns(where: {{ outcome: {{ eq: REPLIED }}, costMicrousd: {{ gte: 7 }} }},
                 orderBy: [{{ field: STARTED_AT, direction: DESC }}]) {{ totalCount nodes {{ {RUN} }} }}
          none: aiRuns(where: {{ outcome: {{ in: [FAILED, BUDGET] }} }}) {{ nodes {{ id }} }}
          aiRun(id: $id) {{ id }}
          node(id: $id) {{ id }}
          messageGroup(id: $group) {{ aiRun {{ id outcome }} }}
        }}""",
        id=ids["run"],
        group=ids["group"],
    )

    (found,) = data["aiRuns"]["nodes"]
    assert found | {"session": None} == {
        "id": ids["run"],
        "model": "gpt-x",
        "outcome": "REPLIED",
        "reason": None,
        "error": None,
        "promptTokens": 100,
        "completionTokens": 10,
        "cachedTokens": 50,
        "costMicrousd": 7,
        "isCostKnown": True,
        "latencyMs": 30,
        "stepCount": 1,
        "replyCount": 1,
        "toolCalls": [
            {
                "step": 0,
                "name": "look_up_contact",
                "argumentsHash": "ab",
                "outcome": "DONE",
                "milliseconds": 3,
            }
        ],
        "agent": {"name": "Atendente"},
        "chat": {"id": ids["chat"]},
        "contact": {"name": "Maria"},
        "session": None,
    }
    assert data["none"]["nodes"] == []
    assert data["aiRun"] == data["node"] == {"id": ids["run"]}
    assert data["messageGroup"]["aiRun"] == {"id": ids["run"], "outcome": "REPLIED"}
    assert "secret" not in str(data)


async def test_what_agents_remember_is_shown_with_contact_and_session(
    database: Database, shop: Shop, api: Api
) -> None:
    ids = await a_run(database, shop, (await an_agent(api))["id"])

    data = await api.get(
        """query ($id: ID!) { chat(id: $id) { contact { facts { id text agent { name } } } activeSession {
             summary { text sentiment topics nextSteps messageCount createdAt }
             escalation { cause reason agent { name } escalatedAt }
             aiRuns { nodes { id } } } } }""",
        id=ids["chat"],
    )

    chat = data["chat"]
    assert chat["contact"]["facts"] == [
        {"id": ids["fact"], "text": "Gosta de bolo.", "agent": {"name": "Atendente"}}
    ]
    session = chat["activeSession"]
    assert session["summary"].pop("createdAt")
    assert session["summary"] == {
        "text": "Um bolo.",
        "sentiment": "MIXED",
        "topics": ["bolo"],
        "nextSteps": ["Entregar."],
        "messageCount": 3,
    }
    assert session["escalation"].pop("escalatedAt")
    assert session["escalation"] == {
        "cause": "REQUESTED",
        "reason": "Quer gente.",
        "agent": {"name": "Atendente"},
    }
    assert session["aiRuns"]["nodes"] == [{"id": ids["run"]}]


async def test_a_fact_is_forgotten_by_its_own_people_only(
    database: Database, shop: Shop, api: Api, stranger: Api
) -> None:
    ids = await a_run(database, shop, (await an_agent(api))["id"])

    foreign = await run(stranger, "contactFactForget", "forgottenId", id=ids["fact"])
    ours = await run(api, "contactFactForget", "forgottenId", id=ids["fact"])
    again = await run(api, "contactFactForget", "forgottenId", id=ids["fact"])

    assert [one["code"] for one in foreign["userErrors"]] == ["NOT_FOUND"]
    assert ours["forgottenId"] == ids["fact"]
    assert [one["code"] for one in again["userErrors"]] == ["NOT_FOUND"]


async def test_a_stranger_sees_no_runs(database: Database, shop: Shop, api: Api, stranger: Api) -> None:
    ids = await a_run(database, shop, (await an_agent(api))["id"])

    data = await stranger.get(
        "query ($id: ID!) { aiRuns { nodes { id } } aiRun(id: $id) { id } node(id: $id) { id } }",
        id=ids["run"],
    )

    assert data == {"aiRuns": {"nodes": []}, "aiRun": None, "node": None}


async def test_people_silence_agents_and_let_them_answer_again(
    database: Database, shop: Shop, api: Api
) -> None:
    ids = await a_run(database, shop, (await an_agent(api))["id"])
    shows = "chat { automationResumesAt activeSession { escalation { cause } } }"

    paused = await run(api, "chatAutomationPause", shows, id=ids["chat"])
    resumed = await run(api, "chatAutomationResume", shows, id=ids["chat"])
    until = (CLOCK.now() + timedelta(hours=1)).replace(microsecond=0)
    for_long = await run(
        api, "chatAutomationPause", shows, id=ids["chat"], untilAt=until.isoformat().replace("+00:00", "Z")
    )

    assert paused["chat"]["automationResumesAt"].startswith("9999-12-31")
    assert paused["chat"]["activeSession"]["escalation"] == {"cause": "REQUESTED"}
    assert resumed["chat"] == {"automationResumesAt": None, "activeSession": {"escalation": None}}
    assert for_long["chat"]["automationResumesAt"][:19] == until.isoformat()[:19]


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"seconds": 0}, ["seconds"]),
        ({"untilAt": "2020-01-01T00:00:00Z"}, ["untilAt"]),
        ({"untilAt": "9000-01-01T00:00:00Z", "seconds": 5}, ["untilAt"]),
    ],
)
async def test_pauses_that_make_no_sense_are_refused(
    database: Database, shop: Shop, api: Api, given: dict[str, object], field: list[str]
) -> None:
    ids = await a_run(database, shop, (await an_agent(api))["id"])

    payload = await run(api, "chatAutomationPause", "chat { id }", id=ids["chat"], **given)

    assert payload["chat"] is None
    assert [one["field"] for one in payload["userErrors"]] == [field]


async def test_a_stranger_silences_nobody(database: Database, shop: Shop, api: Api, stranger: Api) -> None:
    ids = await a_run(database, shop, (await an_agent(api))["id"])

    for mutation in ("chatAutomationPause", "chatAutomationResume"):
        payload = await run(stranger, mutation, "chat { id }", id=ids["chat"])
        assert [one["code"] for one in payload["userErrors"]] == ["NOT_FOUND"]
