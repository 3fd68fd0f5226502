"""Personas begin by themselves, answer what they are asked, and tell the same story for the same seed."""

import random

import pytest

from wasim.cast import CAST, EMMA, MARIA
from wasim.content import Image, Location, Text
from wasim.dialogue import reply_to

LIVE = {"personas": True, "pace": 0.004, "events": ["message.any"]}


async def some(receiver, number):
    await receiver.until(lambda posts: len(posts) >= number)


async def told(start, receiver, seed):
    """The first twenty things that are said."""
    receiver.posts.clear()
    async with start(seed=seed, **LIVE) as wasim:
        await some(receiver, 20)
        said = await wasim.get("sessions/shop/messages", limit="500")
    live = [m for m in reversed(said) if m["timestamp"] >= receiver.posts[0].payload["timestamp"]]
    return [(m["author"], m["kind"], m["body"]) for m in live[:20]]


async def test_the_same_seed_tells_the_same_story(start, receiver):
    first = await told(start, receiver, 7)
    assert await told(start, receiver, 7) == first
    assert await told(start, receiver, 8) != first


async def test_everybody_appears_one_of_them_by_lid_and_one_in_the_group(start, receiver):
    async with start(**LIVE):
        await some(receiver, 30)

    senders = {post.payload["from"].partition("@")[2] for post in receiver.posts}
    assert senders == {"c.us", "lid", "g.us"}
    kinds = {key for post in receiver.posts for key in post.payload["_data"]["Message"]}
    assert {"conversation", "imageMessage"} <= kinds


async def test_a_persona_answers_the_account_in_its_own_words(start, receiver):
    async with start(**LIVE) as wasim:
        await some(receiver, 1)
        receiver.posts.clear()
        await wasim.control.post(
            "/api/sendText",
            json={"session": "shop", "chatId": f"{MARIA.phone}@c.us", "text": "Qual é o endereço da festa?"},
        )
        await receiver.until(lambda posts: any(post.payload["location"] for post in posts))

    [place] = [
        p.payload for p in receiver.posts if (p.payload["location"] or {}).get("name") == "Salão da festa"
    ]
    assert place["from"] == f"{MARIA.phone}@c.us"


async def test_a_quiet_simulator_stays_quiet(start, receiver):
    async with start() as wasim:
        await wasim.post("settle")
        assert await wasim.get("sessions/shop/messages") == []

    assert receiver.posts == []


async def test_personas_come_with_a_past_of_stable_ids(start, receiver):
    ids = []
    for _ in range(2):
        async with start(**LIVE) as wasim:
            await some(receiver, 1)
            listed = await wasim.get("sessions/shop/messages", chat=f"{MARIA.phone}@c.us", limit="500")
            ids.append([m["waId"] for m in listed[-len(MARIA.past) :]])
            receiver.posts.clear()

    assert ids[0] == ids[1]
    assert len(set(ids[0])) == len(MARIA.past) == 5


@pytest.mark.parametrize(
    ("persona", "said", "expected"),
    [
        (
            MARIA,
            "O bolo custa R$ 180",
            {
                "Fica dentro do que eu pensei, pode reservar 🙂",
                "Certo! Vocês parcelam no cartão?",
                "Gostei do valor. Combinado!",
            },
        ),
        (MARIA, "Aceitamos Pix", {"Prefiro Pix. Me manda a chave?", "Pode ser no cartão, na entrega."}),
        (
            MARIA,
            "Pode repetir, por favor?",
            {"Sim, isso mesmo.", "Sim! Pode ser.", "Deixa eu confirmar aqui e já te digo."},
        ),
        (MARIA, "Depois eu mando", {"Anotei: “Depois eu mando”. Combinado!"}),
        (EMMA, "Hi Emma", {"Hello! How are you today?", "Hi! Good to hear back."}),
        (EMMA, "The price is 90", {"That works for us, thank you!", "Sounds fair. Can we pay by card?"}),
    ],
)
def test_an_answer_fits_the_question(persona, said, expected):
    answers = {reply_to(Text(text=said), persona, random.Random(seed)).messages[0].text for seed in range(30)}
    assert answers == expected


def test_thanks_get_a_nod_and_files_a_word():
    rng = random.Random(1)
    assert reply_to(Text(text="Obrigado, Maria!"), MARIA, rng).reaction == "🙏"
    assert reply_to(Image(), EMMA, rng).messages[0].text == "Lovely picture!"
    place = reply_to(Text(text="Where is it?"), EMMA, rng).messages
    assert [type(message) for message in place] == [Location, Text]


def test_every_story_can_be_told():
    for persona in CAST:
        assert len(persona.story) >= 5
        for beat in persona.story:
            assert beat.messages or beat.edit or beat.revoke or beat.react
