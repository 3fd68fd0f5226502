"""What a persona answers: a reply that fits what was asked, in the persona's language."""

import random
import re
import unicodedata
from typing import NamedTuple

from wasim.cast import Language, Persona
from wasim.content import (
    Audio,
    Contacts,
    Content,
    Document,
    Image,
    Location,
    Poll,
    Sticker,
    Text,
    Video,
    Voice,
    body_of,
)


class Reply(NamedTuple):
    """Messages to send, or only a reaction."""

    messages: tuple[Content, ...] = ()
    reaction: str | None = None


_RULES: dict[Language, tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]] = {
    "pt": (
        (
            ("preco", "valor", "quanto", "custa", "r$", "orcamento"),
            (
                "Fica dentro do que eu pensei, pode reservar 🙂",
                "Certo! Vocês parcelam no cartão?",
                "Gostei do valor. Combinado!",
            ),
        ),
        (
            ("pix", "cartao", "pagamento", "pagar", "boleto"),
            ("Prefiro Pix. Me manda a chave?", "Pode ser no cartão, na entrega."),
        ),
        (
            ("hora", "horario", "quando", "amanha", "entrega", "sabado", "que dia", "qual dia"),
            ("Às 15h fica ótimo para mim.", "De manhã é melhor, antes das 10h.", "Sábado cedo, por favor."),
        ),
        (
            ("reserv", "confirm", "pedido", "encomenda"),
            ("Confirmado! Anota no meu nome.", "Isso mesmo, pode confirmar."),
        ),
        (
            ("ola", "oi", "bom dia", "boa tarde", "boa noite"),
            ("Oi! Tudo bem por aí?", "Olá! Que bom falar com vocês."),
        ),
    ),
    "en": (
        (
            ("price", "cost", "how much", "quote", "$"),
            ("That works for us, thank you!", "Sounds fair. Can we pay by card?"),
        ),
        (("pay", "card", "invoice", "transfer"), ("Card on delivery, please.", "A bank transfer is fine.")),
        (
            ("when", "time", "tomorrow", "deliver", "which day", "what day", "o'clock"),
            ("Around nine in the morning would be perfect.", "Thursday before ten, please."),
        ),
        (
            ("confirm", "book", "order", "reserv"),
            ("Confirmed, please go ahead.", "Yes, exactly as we said."),
        ),
        (
            ("hello", "hi", "good morning", "hey"),
            ("Hello! How are you today?", "Hi! Good to hear back."),
        ),
    ),
}
_PLACE = {"pt": ("endereco", "onde", "local", "rua"), "en": ("address", "where", "location", "street")}
_PLACE_TEXT = {"pt": "É este endereço 👆", "en": "It is this address 👆"}
_PHOTO = {"pt": ("foto", "imagem", "referencia"), "en": ("photo", "picture", "reference")}
_PHOTO_TEXT = {"pt": "Assim, olha só", "en": "Here you go"}
_PHOTO_SHOWS = {
    "pt": "Uma mesa de festa com balões cor-de-rosa e um bolo no centro",
    "en": "A table with fruit, coffee and a basket of croissants",
}
_THANKS = {"pt": ("obrigad", "valeu", "ate mais", "tchau"), "en": ("thank", "bye", "see you")}
_YES = {
    "pt": ("Sim, isso mesmo.", "Sim! Pode ser.", "Deixa eu confirmar aqui e já te digo."),
    "en": ("Yes, that is right.", "Yes, please!", "Let me check and get back to you."),
}
_NOTED = {"pt": "Anotei: “{words}”. Combinado!", "en": "Noted: “{words}”. Perfect!"}
_KINDS: dict[Language, dict[type[object], str]] = {
    "pt": {
        Image: "Que lindo! Adorei a foto.",
        Video: "Vi o vídeo, ficou ótimo!",
        Voice: "Ouvi seu áudio, entendi tudo.",
        Audio: "Ouvi o áudio, obrigado por mandar.",
        Document: "Recebi o arquivo, vou ler com calma.",
        Location: "Achei no mapa, fica perto de mim!",
        Contacts: "Salvei o contato aqui.",
        Poll: "Voto na primeira opção.",
        Sticker: "Hahaha",
    },
    "en": {
        Image: "Lovely picture!",
        Video: "Watched it, looks great!",
        Voice: "Got your voice note, all clear.",
        Audio: "Listened to it, thanks for sending.",
        Document: "Got the file, I will read it today.",
        Location: "Found it on the map, that is close by!",
        Contacts: "Saved the contact.",
        Poll: "I vote for the first option.",
        Sticker: "Haha",
    },
}
_QUOTED_WORDS = 6
_SHORT = 3


def reply_to(content: Content, persona: Persona, rng: random.Random) -> Reply:
    """The answer to a message the account has sent."""
    language = persona.language
    if not isinstance(content, Text):
        return Reply((Text(text=_KINDS[language].get(type(content), _YES[language][0])),))
    said = _plain(body_of(content) or "")
    if _mentions(said, _THANKS[language]):
        return Reply(reaction="🙏")
    if _mentions(said, _PLACE[language]):
        return Reply((persona.place, Text(text=_PLACE_TEXT[language])))
    if _mentions(said, _PHOTO[language]):
        return Reply((Image(caption=_PHOTO_TEXT[language], description=_PHOTO_SHOWS[language]),))
    for words, answers in _RULES[language]:
        if _mentions(said, words):
            return Reply((Text(text=rng.choice(answers)),))
    if "?" in said:
        return Reply((Text(text=rng.choice(_YES[language])),))
    quoted = " ".join((body_of(content) or "").split()[:_QUOTED_WORDS])
    return Reply((Text(text=_NOTED[language].format(words=quoted)),))


def _mentions(said: str, words: tuple[str, ...]) -> bool:
    """Whether a word of `said` begins with one of `words`; short ones must match whole."""
    return any(
        re.search(rf"\b{re.escape(word)}" + (r"\b" if word.isalpha() and len(word) <= _SHORT else ""), said)
        for word in words
    )


def _plain(text: str) -> str:
    """Lower case without accents, so that rules need one spelling."""
    decomposed = unicodedata.normalize("NFKD", text.lower())
    return "".join(c for c in decomposed if not unicodedata.combining(c))
