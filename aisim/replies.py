"""What the bakery's assistant says: sentences in three languages, and how they are put together."""

import re
import zlib

from aisim import shop
from aisim.choosing import is_escalation, is_note
from aisim.conversation import Conversation
from aisim.digest import excerpt
from aisim.intents import Intent, facts_in, intents_of, name_in, takes_over
from aisim.language import Language
from aisim.quoted import words_of

_SAY: dict[str, dict[Language, str]] = {
    "greeting": {
        "pt": "Olá! Aqui é da {shop}.",
        "en": "Hello! This is {shop}.",
        "es": "¡Hola! Aquí la {shop}.",
    },
    "pleased": {"pt": "Prazer, {0}!", "en": "Nice to meet you, {0}!", "es": "¡Mucho gusto, {0}!"},
    "heard": {
        "pt": "Ouvi o seu áudio: “{0}”.",
        "en": "I listened to your voice note: “{0}”.",
        "es": "Escuché tu audio: “{0}”.",
    },
    "seen": {"pt": "Vi a foto: {0}.", "en": "I saw the picture: {0}.", "es": "Vi la foto: {0}."},
    "picture": {"pt": "Recebi a foto.", "en": "I got the picture.", "es": "Recibí la foto."},
    "unheard": {
        "pt": "Recebi o seu áudio, mas ainda não consegui ouvi-lo.",
        "en": "I got your voice note, but could not listen to it yet.",
        "es": "Recibí tu audio, pero todavía no pude escucharlo.",
    },
    "noted": {"pt": "Anotei: {0}.", "en": "I made a note: {0}.", "es": "Tomé nota: {0}."},
    "understood": {"pt": "Entendido: {0}.", "en": "Understood: {0}.", "es": "Entendido: {0}."},
    "brought": {"pt": "Consultei aqui: {0}", "en": "I looked it up: {0}", "es": "Lo consulté: {0}"},
    "hours": {
        "pt": "Abrimos de terça a sábado, das 7h às 19h, e domingo das 7h às 12h.",
        "en": "We are open Tuesday to Saturday from 7 am to 7 pm, and on Sunday from 7 am to noon.",
        "es": "Abrimos de martes a sábado de 7 a 19 h, y el domingo de 7 a 12 h.",
    },
    "delivery": {
        "pt": "Entregamos num raio de 5 km, das 8h às 17h; acima de R$ 100,00 a entrega é grátis.",
        "en": "We deliver within 5 km, from 8 am to 5 pm; above R$ 100.00 delivery is free.",
        "es": "Entregamos en un radio de 5 km, de 8 a 17 h; desde R$ 100,00 la entrega es gratis.",
    },
    "payment": {
        "pt": "Aceitamos Pix, cartão em até 3 vezes e dinheiro na entrega.",
        "en": "We take cards, Pix, and cash on delivery.",
        "es": "Aceptamos Pix, tarjeta y efectivo en la entrega.",
    },
    "place": {
        "pt": "Ficamos na Rua das Flores, 45, ao lado da praça.",
        "en": "We are at Rua das Flores, 45, next to the square.",
        "es": "Estamos en la Rua das Flores, 45, junto a la plaza.",
    },
    "thanks": {"pt": "Eu que agradeço!", "en": "Thank you!", "es": "¡Gracias a ti!"},
    "new order": {
        "pt": "Posso anotar o seu pedido: me diga o dia e a hora e eu confirmo.",
        "en": "I can take your order: tell me the day and time and I will confirm it.",
        "es": "Puedo tomar tu pedido: dime el día y la hora y lo confirmo.",
    },
    "human": {
        "pt": "Sou o assistente da {shop}. Para falar com uma pessoa, venha à loja ou ligue no horário de "
        "atendimento; enquanto isso, posso ajudar com pedidos e preços.",
        "en": "I am the assistant of {shop}. To speak to a person, visit the shop or call during opening "
        "hours; meanwhile I can help with orders and prices.",
        "es": "Soy el asistente de la {shop}. Para hablar con una persona, ven a la tienda o llama en el "
        "horario de atención; mientras tanto puedo ayudar con pedidos y precios.",
    },
    "escalated": {
        "pt": "Claro! Já avisei a equipe: uma pessoa continua a conversa por aqui.",
        "en": "Of course! I have told the team: a person will continue this conversation here.",
        "es": "¡Claro! Ya avisé al equipo: una persona sigue la conversación por aquí.",
    },
    "not escalated": {
        "pt": "Tentei chamar uma pessoa da equipe, mas não consegui agora. Posso ajudar enquanto isso?",
        "en": "I tried to reach a person of the team, but could not right now. Can I help meanwhile?",
        "es": "Intenté llamar a una persona del equipo, pero ahora no pude. ¿Puedo ayudar mientras tanto?",
    },
    "unmoved": {
        "pt": "Não posso mudar as minhas instruções, mas ajudo com prazer com pedidos, preços, horários e "
        "entregas da {shop}.",
        "en": "I cannot change my instructions, but I am glad to help with orders, prices, opening hours "
        "and deliveries of {shop}.",
        "es": "No puedo cambiar mis instrucciones, pero con gusto ayudo con pedidos, precios, horarios y "
        "entregas de la {shop}.",
    },
    "got it": {
        "pt": "Entendi: “{0}”. Quer que eu anote um pedido ou veja um preço?",
        "en": "Got it: “{0}”. Shall I take an order or look up a price?",
        "es": "Entendido: “{0}”. ¿Quieres que tome un pedido o mire un precio?",
    },
    "to ask": {
        "pt": "Sobre “{0}”: preciso confirmar com a equipe antes de responder.",
        "en": "About “{0}”: I need to check with the team before I answer.",
        "es": "Sobre “{0}”: necesito confirmarlo con el equipo antes de responder.",
    },
    "help": {"pt": "Como posso ajudar?", "en": "How can I help?", "es": "¿Cómo puedo ayudar?"},
    "more": {
        "pt": "Posso ajudar em algo mais?",
        "en": "Can I help with anything else?",
        "es": "¿Puedo ayudar en algo más?",
    },
}
_STATES: dict[Language, tuple[str, ...]] = {
    "pt": ("está em produção", "está no forno", "saiu para entrega", "já foi entregue"),
    "en": ("is being prepared", "is in the oven", "is out for delivery", "has been delivered"),
    "es": ("está en preparación", "está en el horno", "salió para entrega", "ya fue entregado"),
}
_ORDER: dict[Language, str] = {
    "pt": "O pedido {} {}.",
    "en": "Order {} {}.",
    "es": "El pedido {} {}.",
}
_SMALL_TALK = 3
"""Words of a line that are taken up by nothing but a greeting."""

_FAILED = re.compile(r'"?(?:error|erro|failed)"?\s*:\s*(?!null|false|"")|^(?:error|failed)\b', re.IGNORECASE)
_ANSWERED: tuple[Intent, ...] = ("price", "order", "hours", "delivery", "payment", "place")


def reply(conversation: Conversation) -> str:
    """The answer in words to the latest turn."""
    language, said = conversation.language, conversation.spoken
    if takes_over(conversation.everything):
        return _say("unmoved", language)
    intents = intents_of(said)
    results = {one.tool: one.text for one in conversation.brought}
    escalation = next((text for tool, text in results.items() if is_escalation(tool)), None)
    if escalation is not None:
        return _say("not escalated" if _FAILED.search(escalation) else "escalated", language)
    parts: list[str] = []
    name, facts = name_in(said), facts_in(said)
    if "greeting" in intents and not conversation.earlier:
        parts.append(_say("greeting", language))
    if name:
        parts.append(_say("pleased", language, name))
    parts += _references(conversation)
    if facts:
        kept = any(is_note(tool) and not _FAILED.search(text) for tool, text in results.items())
        # What was spoken has been repeated already.
        if kept or not any(facts[0] in words for words in conversation.heard):
            parts.append(_say("noted" if kept else "understood", language, excerpt(facts[0], 20)))
    found = [words for tool, text in results.items() if not is_note(tool) and (words := words_of(text))]
    if found:
        parts.append(_say("brought", language, excerpt(found[0], 40)))
    elif "human" in intents:
        parts.append(_say("human", language))
    else:
        wanted = [intent for intent in _ANSWERED if intent in intents][:3]
        parts += [_answer(intent, said, language, before=conversation.theirs) for intent in wanted]
    if "thanks" in intents:
        parts.append(_say("thanks", language))
    if len(parts) <= 1 and not found and not set(intents) - {"greeting", "thanks"}:
        parts.append(_open_end(conversation, is_first=not parts, is_greeting="greeting" in intents))
    return " ".join(parts)


def describe(conversation: Conversation) -> str:
    """What the pictures of the latest turn show, one sentence each."""
    if conversation.seen:
        return " ".join(_sentence(text) for text in conversation.seen)
    nothing: dict[Language, str] = {
        "pt": "Uma imagem sem texto legível.",
        "en": "A picture without legible text.",
        "es": "Una imagen sin texto legible.",
    }
    return nothing[conversation.language]


def _open_end(conversation: Conversation, *, is_first: bool, is_greeting: bool) -> str:
    """What to say where nothing was asked that the shop knows: take it up, or offer help."""
    language = conversation.language
    lines = [line.strip() for line in conversation.latest.splitlines() if line.strip()]
    last = lines[-1] if lines else ""
    if (is_first or is_greeting) and len(last.split()) > _SMALL_TALK:
        return _say("to ask" if last.endswith("?") else "got it", language, _inside(last))
    if is_greeting:
        return _say("help", language)
    return _say("got it", language, _inside(last)) if is_first and last else _say("more", language)


def _references(conversation: Conversation) -> list[str]:
    language = conversation.language
    parts = [_say("heard", language, _inside(words)) for words in conversation.heard[:2]]
    if conversation.seen:
        parts.append(_say("seen", language, "; ".join(_inside(words) for words in conversation.seen[:3])))
    if conversation.pictures and not conversation.seen:
        parts.append(_say("picture", language))
    if conversation.sounds and not conversation.heard:
        parts.append(_say("unheard", language))
    return parts


def _answer(intent: Intent, said: str, language: Language, *, before: str) -> str:
    if intent == "price":
        return shop.price_of(said, language, before=before)
    if intent == "order":
        number = re.search(r"(?:pedido|order|encomenda|encargo|#)\D{0,12}(\d{3,8})\b", said, re.IGNORECASE)
        if number is None:
            return _say("new order", language)
        states = _STATES[language]
        # The same order is always in the same state.
        state = states[zlib.crc32(number.group(1).encode()) % len(states)]
        return _ORDER[language].format(number.group(1), state)
    return _say(intent, language)


def _say(what: str, language: Language, *words: str) -> str:
    return _SAY[what][language].format(*words, shop=shop.NAME)


def _inside(text: str) -> str:
    """Words to quote within a sentence."""
    short = excerpt(text, 24)
    return short.rstrip(" .…") + ("…" if short.endswith("…") else "")


def _sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."
