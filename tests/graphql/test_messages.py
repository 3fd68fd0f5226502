"""What a message shows: its content, author, answer, reactions and wordings."""

from dataclasses import fields, replace
from datetime import timedelta
from typing import Any

import pytest

from domain.ai.agent_settings import AgentSettings
from domain.crm import content as domain
from domain.crm.content import CONTENT_TYPES, ContentKind, Media, MediaStatus, MessageContent
from domain.crm.message import Ack, MessageDirection
from domain.identity.agent import Agent, AgentType
from domain.ids import MediaId, new_id
from persistence.database import Database
from resolvers.ids import public
from schema.root import schema
from tests.factories import NOON, Shop
from tests.graphql.asking import Api, Statements
from tests.graphql.builders import CAUSE, a_chat, a_contact, a_message, a_session

FILE = Media(
    mime_type="image/jpeg",
    filename="a.jpg",
    size=5_000_000_000 // 4,
    width=2,
    height=3,
    url="http://waha/files/secret.jpg",
)
SAMPLES: dict[ContentKind, MessageContent] = {
    ContentKind.TEXT: domain.TextContent(text="Olá", referral=domain.AdReferral(source_id="ad-1")),
    ContentKind.IMAGE: domain.ImageContent(media=FILE, text="Olhe"),
    ContentKind.VIDEO: domain.VideoContent(media=FILE, is_note=True),
    ContentKind.AUDIO: domain.AudioContent(media=FILE),
    ContentKind.VOICE: domain.VoiceContent(media=FILE),
    ContentKind.DOCUMENT: domain.DocumentContent(media=FILE, title="Nota"),
    ContentKind.STICKER: domain.StickerContent(media=FILE),
    ContentKind.LOCATION: domain.LocationContent(latitude=-23.5, longitude=-46.6),
    ContentKind.CONTACT_CARD: domain.ContactCardContent(
        contacts=(domain.ContactCard(name="Zé", phones=("1",)),)
    ),
    ContentKind.POLL: domain.PollContent(name="?", options=("a", "b")),
    ContentKind.LIST: domain.ListContent(rows=(domain.ListRow(id="1", title="t"),)),
    ContentKind.BUTTONS: domain.ButtonsContent(buttons=(domain.Button(id="1", text="t"),)),
    ContentKind.EVENT: domain.EventContent(name="Festa", starts_at=NOON),
    ContentKind.ORDER: domain.OrderContent(total_amount_1000=9_999_999_999),
    ContentKind.SYSTEM: domain.SystemContent(notice="e2e_notification"),
    ContentKind.UNSUPPORTED: domain.UnsupportedContent(raw_kind="new", raw="{}"),
}


def everything_of(type_: str, *, deep: bool = True) -> str:
    """A selection of every plain field of a type, and of its objects."""
    parts = []
    for name, field in schema._schema.type_map[type_].fields.items():  # type: ignore[attr-defined] # An object.
        inner = field.type
        while hasattr(inner, "of_type"):
            inner = inner.of_type
        if not hasattr(inner, "fields"):
            parts.append(name)
        elif deep:
            parts.append(f"{name} {{ {everything_of(inner.name, deep=False)} }}")
    return " ".join(parts)


def test_there_is_a_sample_of_every_kind() -> None:
    assert set(SAMPLES) == set(CONTENT_TYPES) == set(ContentKind)


@pytest.mark.parametrize("kind", ContentKind, ids=lambda kind: kind.value)
async def test_every_kind_of_content_is_shown_with_all_its_fields(
    database: Database, shop: Shop, api: Api, kind: ContentKind
) -> None:
    content = SAMPLES[kind]
    async with database.writing(shop.tenant_id, CAUSE) as uow:
        a_message(uow, shop, a_chat(uow, shop, a_contact(uow, shop), "1@c.us"), content, external_id="M")
    type_ = type(content).__name__
    query = f"{{ messages {{ nodes {{ text content {{ __typename ... on {type_} {{ {everything_of(type_)} }} }} }} }} }}"

    found = (await api.get(query))["messages"]["nodes"][0]

    shown = found["content"]
    assert (shown["__typename"], found["text"]) == (type_, content.text)
    for field in fields(content):
        name = field.name.split("_")
        key = name[0] + "".join(part.title() for part in name[1:])
        if (
            field.name not in {"media", "referral"}
            and key in shown
            and not isinstance(shown[key], dict | list)
        ):
            value: Any = getattr(content, field.name)
            if kind is ContentKind.ORDER and value is not None:
                value = str(value)
            assert shown[key] == (value if value != NOON else "2026-07-14T12:00:00.000000Z")
    if "media" in shown:
        assert shown["media"] == {
            "status": "PENDING",
            "url": None,
            "error": None,
            "mimeType": "image/jpeg",
            "filename": "a.jpg",
            "sizeBytes": 1_250_000_000,
            "durationSeconds": None,
            "width": 2,
            "height": 3,
        }
    assert "waha" not in str(found)


@pytest.mark.parametrize("status", MediaStatus, ids=lambda status: status.value)
async def test_a_file_has_an_address_once_it_is_stored(
    database: Database, shop: Shop, api: Api, status: MediaStatus
) -> None:
    id_ = MediaId(new_id())
    file = replace(FILE, id=id_, status=status, error="gone")
    async with database.writing(shop.tenant_id, CAUSE) as uow:
        chat = a_chat(uow, shop, a_contact(uow, shop), "1@c.us")
        a_message(uow, shop, chat, domain.ImageContent(media=file), external_id="M")

    found = await api.get(
        "{ messages { nodes { content { ... on ImageContent { media { status url error } } } } } }"
    )

    media = found["messages"]["nodes"][0]["content"]["media"]
    assert media["status"] == status.value
    assert (media["url"] or "").startswith(f"http://crm.test/media/{public(MediaId, id_)}") is (
        status is MediaStatus.STORED
    )
    assert media["error"] == ("gone" if status is MediaStatus.FAILED else None)


async def test_a_message_shows_its_latest_wording_its_answer_and_what_stands_of_its_reactions(
    database: Database, shop: Shop, api: Api, statements: Statements
) -> None:
    async with database.writing(shop.tenant_id, CAUSE) as uow:
        contact = a_contact(uow, shop, "Maria")
        other = a_contact(uow, shop, "João")
        chat = a_chat(uow, shop, contact, "1@c.us")
        question = a_message(uow, shop, chat, "Tem pão?", external_id="Q")
        answer = a_message(
            uow, shop, chat, "Tme", external_id="A", reply_to="Q", direction=MessageDirection.OUTBOUND, sent_at=NOON + timedelta(seconds=9)
        )  # fmt: skip
        a_message(
            uow, shop, chat, "?", external_id="L", reply_to="unknown", sent_at=NOON + timedelta(seconds=10)
        )
        answer.edit("Tem", edited_at=NOON + timedelta(seconds=20), at=uow.now)
        answer.acknowledge(Ack.READ, acked_at=NOON + timedelta(seconds=30), at=uow.now)
        question.react(None, "👍", reacted_at=NOON, at=uow.now)
        question.react(contact.id, "❤", reacted_at=NOON + timedelta(seconds=1), at=uow.now)
        question.react(other.id, "😀", reacted_at=NOON, at=uow.now)
        question.react(other.id, "", reacted_at=NOON + timedelta(seconds=2), at=uow.now)
    query = """{ messages { nodes {
      text status externalId sentAt deliveredAt readAt editedAt revokedAt
      content { ... on TextContent { text } } edits { text editedAt }
      replyTo { externalId } reactions { emoji contact { name } reactedAt }
    } } }"""
    statements.texts.clear()

    first, second, third = (await api.get(query))["messages"]["nodes"]

    assert first["reactions"] == [
        {"emoji": "👍", "contact": None, "reactedAt": "2026-07-14T12:00:00.000000Z"},
        {"emoji": "❤", "contact": {"name": "Maria"}, "reactedAt": "2026-07-14T12:00:01.000000Z"},
    ]
    assert second == {
        "text": "Tem",
        "status": "READ",
        "externalId": "A",
        "sentAt": "2026-07-14T12:00:09.000000Z",
        "deliveredAt": "2026-07-14T12:00:30.000000Z",
        "readAt": "2026-07-14T12:00:30.000000Z",
        "editedAt": "2026-07-14T12:00:20.000000Z",
        "revokedAt": None,
        "content": {"text": "Tem"},
        "edits": [{"text": "Tem", "editedAt": "2026-07-14T12:00:20.000000Z"}],
        "replyTo": {"externalId": "Q"},
        "reactions": [],
    }
    assert third["replyTo"] is None
    # Opening the snapshot, the messages, what they answer, who reacted.
    assert statements.count == 2 + 3


async def test_authors_are_contacts_people_bots_or_the_system(
    database: Database, shop: Shop, api: Api
) -> None:
    async with database.writing(shop.tenant_id, CAUSE) as uow:
        agents = {
            type_: uow.agents.add(
                Agent.create(
                    tenant_id=shop.tenant_id, project_id=shop.project_id, type=type_, name=type_.value, email=None, at=uow.now,
                    ai=AgentSettings(instructions="x") if type_ is AgentType.AI else None,
                )
            )
            for type_ in AgentType
        }  # fmt: skip
        chat = a_chat(uow, shop, a_contact(uow, shop, "Maria"), "1@c.us")
        a_message(uow, shop, chat, "in", external_id="0")
        for place, agent in enumerate((None, *agents.values()), 1):
            message = a_message(
                uow, shop, chat, "out", external_id=str(place), direction=MessageDirection.OUTBOUND, sent_at=NOON + timedelta(seconds=place)
            )  # fmt: skip
            message.agent_id = None if agent is None else agent.id
    query = """{
      messages { nodes { author { __typename ... on Contact { name } ... on Agent { name isActive } ... on SystemActor { name } } } }
      agents { nodes { __typename name } totalCount }
    }"""

    found = await api.get(query)

    assert [(one["author"]["__typename"], one["author"]["name"]) for one in found["messages"]["nodes"]] == [
        ("Contact", "Maria"),
        ("SystemActor", "System"),
        ("HumanAgent", "HUMAN"),
        ("BotAgent", "BOT"),
        ("BotAgent", "AI"),
        ("SystemActor", "SYSTEM"),
    ]
    assert [one["__typename"] for one in found["agents"]["nodes"]] == [
        "HumanAgent",
        "HumanAgent",
        "BotAgent",
        "BotAgent",
    ]
    assert found["agents"]["totalCount"] == 4


async def test_the_first_response_is_ours_after_the_contacts_first_message(
    database: Database, shop: Shop, api: Api
) -> None:
    async with database.writing(shop.tenant_id, CAUSE) as uow:
        for name, sides in (
            (
                "answered",
                [("OUTBOUND", 0), ("INBOUND", 10), ("INBOUND", 20), ("OUTBOUND", 75.9), ("OUTBOUND", 90)],
            ),
            ("unanswered", [("OUTBOUND", 0), ("INBOUND", 10)]),
            ("at once", [("INBOUND", 10), ("OUTBOUND", 10)]),
        ):
            chat = a_chat(uow, shop, a_contact(uow, shop, name), f"{name}@c.us")
            session = a_session(uow, shop, chat)
            for place, (side, second) in enumerate(sides):
                a_message(
                    uow,
                    shop,
                    chat,
                    side,
                    external_id=f"{name}{place}",
                    session=session,
                    direction=MessageDirection(side),
                    sent_at=NOON + timedelta(seconds=second),
                )

    found = (await api.get("{ sessions { nodes { contact { name } firstResponseSeconds } } }"))["sessions"][
        "nodes"
    ]

    assert {one["contact"]["name"]: one["firstResponseSeconds"] for one in found} == {
        "answered": 65,
        "unanswered": None,
        "at once": 0,
    }


async def test_a_deleted_contact_stays_in_its_conversations(database: Database, shop: Shop, api: Api) -> None:
    async with database.writing(shop.tenant_id, CAUSE) as uow:
        contact = a_contact(uow, shop, "Maria")
        a_message(uow, shop, a_chat(uow, shop, contact, "1@c.us"), "Oi", external_id="M")
        contact.delete(at=uow.now)

    found = await api.get(
        "{ contacts { totalCount } chats { nodes { contact { name } } } messages { nodes { author { ... on Contact { name } } } } }"
    )

    assert found == {
        "contacts": {"totalCount": 0},
        "chats": {"nodes": [{"contact": {"name": "Maria"}}]},
        "messages": {"nodes": [{"author": {"name": "Maria"}}]},
    }


async def test_participants_of_a_group_are_listed_until_they_leave(
    database: Database, shop: Shop, api: Api
) -> None:
    async with database.writing(shop.tenant_id, CAUSE) as uow:
        group = a_chat(uow, shop, None, "1@g.us")
        for place, name in enumerate(("Ana", "Bia", "Caio")):
            joined = group.welcome(
                a_contact(uow, shop, name).id, joined_at=NOON + timedelta(seconds=place), at=uow.now
            )
            joined.left_at = NOON if name == "Bia" else None
            uow.chats.welcome(joined)
    query = "{ chats { nodes { contact { id } participants(first: 5) { totalCount nodes { role joinedAt contact { name } } } } } }"

    (found,) = (await api.get(query))["chats"]["nodes"]

    assert found["contact"] is None
    assert found["participants"]["totalCount"] == 2
    assert [one["contact"]["name"] for one in found["participants"]["nodes"]] == ["Ana", "Caio"]
