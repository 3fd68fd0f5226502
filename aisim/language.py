"""Which of three languages a text is written in, by its small words."""

import re
import unicodedata
from typing import Literal, TypeAlias

Language: TypeAlias = Literal["pt", "en", "es"]

NAMES: dict[Language, str] = {"pt": "portuguese", "en": "english", "es": "spanish"}

_SIGNS: dict[Language, str] = {
    "pt": (
        "oi olá bom boa dia tarde noite obrigado obrigada você vocês não sim um uma o os a as em no na nos "
        "nas do da dos das com para pra por que qual quanto quando onde como tem têm são está estão meu minha "
        "me chamo nome eu ela ele isso este esta quero queria posso pode fica até mais também já foi "
        "amanhã hoje sábado bolo pão preço entrega pedido horário falar pessoa ao à é e ou se"
    ),
    "en": (
        "hi hello hey good morning the a an and or of to in on at is are was it this that you your we our i "
        "my me do does can could would will how what when where much many please thanks thank for with from "
        "not no yes have has want like need speak talk order price delivery open tomorrow today"
    ),
    "es": (
        "hola buenos buenas días tardes noches gracias usted ustedes no sí un una el los la las en del de con "
        "me llamo nombre para por que qué cuál cuánto cuándo dónde cómo tiene tienen son está están mi yo ella "
        "él eso este esta quiero quería puedo puede hasta más también ya fue mañana hoy sábado pastel pan precio "
        "entrega pedido horario hablar persona al es y o si cuesta"
    ),
}
_WORDS = {language: frozenset(signs.split()) for language, signs in _SIGNS.items()}


def detect(text: str, *, default: Language = "pt") -> Language:
    """The language most of the small words belong to; the default when none does, or it is a tie with it."""
    words = re.findall(r"[^\W\d_]+", text.lower())
    found = {language: sum(word in signs for word in words) for language, signs in _WORDS.items()}
    # These letters and marks exist in one of the three only.
    found["pt"] += 2 * len(re.findall(r"[ãõç]", text.lower()))
    found["es"] += 2 * len(re.findall(r"[ñ¿¡]", text.lower()))
    best = max(found.values())
    if best == 0 or found[default] == best:
        return default
    return next(language for language in found if found[language] == best)


def plain(text: str) -> str:
    """Lower case without accents, so that rules need one spelling."""
    decomposed = unicodedata.normalize("NFKD", text.lower())
    return "".join(c for c in decomposed if not unicodedata.combining(c))
