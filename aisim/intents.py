"""What a customer wants: words that tell it, in three languages without accents."""

import re
from typing import Literal, TypeAlias

from aisim.language import plain

Intent: TypeAlias = Literal[
    "human", "price", "order", "hours", "delivery", "payment", "place", "thanks", "greeting"
]

_WORDS: dict[Intent, str] = {
    "human": r"atendente|humano|falar com (?:uma pessoa|alguem|voces|o gerente|a gerente|o dono|a dona)|"
    r"pessoa de verdade|(?:speak|talk) (?:to|with) (?:a |an |the )?(?:human|person|someone|somebody|agent|"
    r"manager|real|owner|representative)|human agent|real person|"
    r"hablar con (?:una persona|alguien|un humano|el gerente|la gerente)|persona real",
    "price": r"prec[oi]s?|valor(?:es)?|quanto (?:fica|custa|e|sai|da)\b|custa|orcamento|price|cost|how much|"
    r"quote|cuanto (?:cuesta|es|sale|vale)|cuesta|presupuesto",
    "order": r"pedidos?|encomendas?|reserv\w*|encomendar|orders?|book(?:ing)?|encargos?|encargar",
    "hours": r"horarios?|abre[m]?|fecha[m]?|aberto|funcionam?|opening|open|closing|closed|"
    r"(?:you|do) close|hours|abren|cierran",
    "delivery": r"entreg\w*|frete|deliver\w*|shipping|envio|envian|domicilio|pickup|buscar|retirar",
    "payment": r"pix|cartao|pagar|pagamento|boleto|parcel\w*|pay|payment|card|invoice|pago|tarjeta|"
    r"transfer\w*",
    "place": r"endereco|onde (?:fica|voces|e)|localizacao|address|where are you|located|direccion|"
    r"donde (?:esta|queda)",
    "thanks": r"obrigad[oa]|valeu|thank(?:s| you)|gracias",
    "greeting": r"oi|ola|bom dia|boa tarde|boa noite|hi|hello|hey|good (?:morning|afternoon|evening)|hola|"
    r"buen[oa]s (?:dias|tardes|noches)",
}
_INTENTS = {intent: re.compile(rf"\b(?:{words})\b") for intent, words in _WORDS.items()}

_TAKE_OVER = re.compile(
    r"(?:ignor\w*|disregard|forget|esque[cç]a\w*|desconsider\w*|olvid\w*|override)\b.{0,40}\b(?:instru\w*|"
    r"rules?|regras?|reglas?|prompts?|previous|anteriores?|acima|above)"
    r"|system prompt|prompt do sistema|prompt de sistema|developer mode|modo (?:de )?desenvolvedor|jailbreak"
    r"|\byou are now\b|\b(?:voce|tu) agora (?:e|es)\b|\bahora eres\b|\b(?:pretend|act) (?:to be|as)\b"
    r"|\bfinja (?:ser|que)\b|\b(?:your|suas|tus) (?:new )?(?:novas |nuevas )?(?:instructions|instrucoes|"
    r"instrucciones|rules|regras|reglas)\b|<\|?(?:im_start|system)"
)
_NAME = re.compile(
    r"(?i:me chamo|meu nome (?:é|e)|aqui (?:é|e) (?:o|a)|my name is|me llamo|mi nombre es) +"
    r"([^\W\d_][\w'-]*(?: [A-ZÀ-Ý][\w'-]*)?)"
)
_FACT = re.compile(
    r"\b(?:al[eé]rgic[oa]s?|alergia|allerg\w*|vegan\w*|vegetarian\w*|cannot have|can't have|"
    r"intolerante?s?|intolerant|prefiro|i prefer|prefiero|eu moro|moro n[ao]|i live|vivo en|anivers[aá]rio "
    r"(?:é|dela|dele)|(?:my|her|his) birthday is)\b",
    re.IGNORECASE,
)
_SENTENCE_END = re.compile(r"[.!?\n]+")


def intents_of(text: str) -> list[Intent]:
    """Everything that is wanted, in the order of the list above: a human before all else."""
    said = plain(text)
    return [intent for intent, words in _INTENTS.items() if words.search(said)]


def takes_over(text: str) -> bool:
    """Whether a text tries to give the assistant other rules than the ones it was given."""
    return _TAKE_OVER.search(plain(text)) is not None


def name_in(text: str) -> str | None:
    """The name somebody gives."""
    found = _NAME.search(text)
    return found.group(1).strip() if found else None


def facts_in(text: str) -> list[str]:
    """Sentences worth keeping about a customer: tastes, allergies, where they live."""
    return [one.strip(" ,;-") for one in _SENTENCE_END.split(text) if _FACT.search(one)]
