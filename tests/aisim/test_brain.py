"""The brain answers the people of the simulator in their language, and refers to what they sent."""

import pytest

from aisim.brain import think
from aisim.chat_request import read_chat
from aisim.language import detect
from tests.aisim.conftest import picture, text
from wasim.cast import CAST
from wasim.content import Image, Text, Voice, body_of
from wasim.media import file_of


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        ("Oi!", "Olá! Aqui é da Padaria Exemplo. Como posso ajudar?"),
        (
            "Quanto fica o bolo?",
            "O bolo de aniversário fica em R$ 9,00 por pessoa. Para quantas pessoas seria?",
        ),
        (
            "Quanto custa um bolo para 20 crianças?",
            "Para 20 pessoas, o bolo de aniversário fica em R$ 180,00.",
        ),
        ("Quanto custa o pão sem glúten?", "O pão sem glúten custa R$ 18,00."),
        (
            "How much is breakfast for twelve people?",
            "For 12 people, the breakfast basket comes to R$ 384.00.",
        ),
        ("¿Cuánto cuesta el pan?", "El pan cuesta R$ 12,00."),
        ("¿A qué hora abren?", "Abrimos de martes a sábado de 7 a 19 h, y el domingo de 7 a 12 h."),
        ("Aceitam cartão?", "Aceitamos Pix, cartão em até 3 vezes e dinheiro na entrega."),
        ("Where are you located?", "We are at Rua das Flores, 45, next to the square."),
        ("Cadê o meu pedido 4821?", "O pedido 4821 está no forno."),
        ("Where is my order #4821?", "Order 4821 is in the oven."),
        ("Obrigada!", "Eu que agradeço! Posso ajudar em algo mais?"),
        (
            "Quer que eu deixe dois sacos?",
            "Sobre “Quer que eu deixe dois sacos?”: preciso confirmar com a equipe antes de responder.",
        ),
        ("Me chamo Ana", "Prazer, Ana! Posso ajudar em algo mais?"),
        (
            "A festa é sábado que vem",
            "Entendi: “A festa é sábado que vem”. Quer que eu anote um pedido ou veja um preço?",
        ),
    ],
)
async def test_a_question_gets_the_answer_of_the_bakery(client, words, answer):
    assert await client.say(words) == answer


async def test_all_that_was_said_since_the_last_answer_counts(client):
    answer = await client.say(
        "Oi",
        {"role": "assistant", "content": "Olá!"},
        "Queria um bolo",
        "São 18 crianças",
        "Quanto fica?",
    )

    assert answer == "Para 18 pessoas, o bolo de aniversário fica em R$ 162,00."


async def test_what_a_question_leaves_open_may_have_been_said_before(client):
    answer = await client.say(
        "Hello! We would love breakfast for twelve on Thursday.",
        {"role": "assistant", "content": "Got it."},
        "Two of us are vegan.",
        {"role": "assistant", "content": "Understood."},
        "What would it cost with fresh juice?",
    )

    assert answer == "For 12 people, the breakfast basket comes to R$ 384.00."


async def test_words_on_a_picture_ask_for_nothing(client):
    shown = file_of(Image(description="Um cartaz: entrega grátis, aceitamos Pix"), "s").data

    assert await client.say([text("Vi isto na rua"), picture(shown)]) == (
        "Vi a foto: Um cartaz: entrega grátis, aceitamos Pix. Posso ajudar em algo mais?"
    )


async def test_nobody_is_greeted_twice(client):
    answer = await client.say("Oi", {"role": "assistant", "content": "Olá!"}, "Oi, vocês entregam?")

    assert answer.startswith("Entregamos")


@pytest.mark.parametrize(
    "marked",
    [
        "[Áudio transcrito: É para sábado]",
        "Transcrição do áudio: É para sábado",
        "[voice note, 7 s] transcript: É para sábado",
        "[voice note 0:07] É para sábado",
        "<audio>\nTranscript: É para sábado\n</audio>",
    ],
)
async def test_a_transcript_in_the_text_is_known_as_one(client, marked):
    assert await client.say(f"Bolo da Clara\n{marked}") == (
        "Ouvi o seu áudio: “É para sábado”. Posso ajudar em algo mais?"
    )


async def test_a_picture_that_tells_nothing_is_received_all_the_same(client):
    shown = file_of(Image(), "s").data

    assert await client.say([text("Olha só"), picture(shown)]) == "Recebi a foto. Posso ajudar em algo mais?"
    assert await client.say([text("Descreva a foto"), picture(shown)]) == "Uma imagem sem texto legível."


async def test_a_conversation_is_summarised_in_words(client):
    rules = {"role": "system", "content": "Summarise the conversation in two sentences."}
    said = await client.say(
        rules, "Maria: Bom dia, quero um bolo\nLoja: Claro!\nMaria: Vocês entregam no sábado?"
    )

    assert said == (
        "O cliente falou sobre bolo de aniversário e entrega. Começou com “Bom dia, quero um bolo” e por "
        "último disse “Vocês entregam no sábado?”."
    )


@pytest.mark.parametrize("persona", CAST, ids=lambda persona: persona.name)
def test_every_persona_is_answered_in_the_language_it_writes(persona):
    written = [
        body_of(content) for beat in persona.story for content in beat.messages if isinstance(content, Text)
    ]
    conversation = "\n".join(words for words in written if words)

    assert detect(conversation) == persona.language


@pytest.mark.parametrize("persona", CAST, ids=lambda persona: persona.name)
def test_every_burst_of_a_persona_is_referred_to(persona):
    for beat in persona.story:
        voices = [one for one in beat.messages if isinstance(one, Voice) and one.words]
        if not voices:
            continue
        parts = [text(body_of(one)) for one in beat.messages if body_of(one)]
        parts += [text(f"[audio] transcript: {one.words}") for one in voices]
        parts += [picture(file_of(one, "s").data) for one in beat.messages if isinstance(one, Image)]
        body = {"model": "m", "messages": [{"role": "user", "content": parts}]}

        answer = think(read_chat(body)).text

        assert " ".join(voices[0].words.split()[:8]) in answer


def test_there_are_bursts_of_text_voice_and_picture_that_belong_together():
    bursts = [
        beat
        for persona in CAST
        for beat in persona.story
        if {Text, Voice, Image} <= {type(content) for content in beat.messages}
    ]

    assert len(bursts) == 3
    for beat in bursts:
        for content in beat.messages:
            assert not isinstance(content, Voice) or content.words
            assert not isinstance(content, Image) or content.description
