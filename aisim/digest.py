"""What can be said about a conversation as a whole: summary, sentiment, topics, next steps, by field name."""

import re

from aisim.conversation import Conversation
from aisim.intents import facts_in, intents_of, name_in
from aisim.language import Language, detect, plain
from aisim.shop import goods_in, people_in

_GLAD = re.compile(
    r"\b(?:obrigad\w*|valeu|adorei|otim\w*|perfeit\w*|maravilh\w*|lind\w*|amei|excelente\w*|thanks?|great|"
    r"love\w*|lovely|perfect|excellent|wonderful|happy|gracias|encant\w*|genial|feliz)\b"
)
_CROSS = re.compile(
    r"\b(?:pessim\w*|horrivel|ruim|atras\w*|reclama\w*|decepcion\w*|errad[oa]|absurdo|cancel\w*|raiva|"
    r"terrible|awful|bad|late|complain\w*|disappoint\w*|wrong|angry|refund|worst|pesim\w*|malo|tarde|"
    r"reembolso|enojad[oa])\b"
)
_LINE = re.compile(r"^[^:\n]{1,48}:[ \t]+(\S.*)$", re.MULTILINE)
_TOPICS: dict[Language, dict[str, str]] = {
    "pt": {"price": "preço", "order": "pedido", "hours": "horário", "delivery": "entrega"}
    | {"payment": "pagamento", "place": "endereço", "human": "atendimento humano"},
    "en": {"price": "price", "order": "order", "hours": "opening hours", "delivery": "delivery"}
    | {"payment": "payment", "place": "address", "human": "human agent"},
    "es": {"price": "precio", "order": "pedido", "hours": "horario", "delivery": "entrega"}
    | {"payment": "pago", "place": "dirección", "human": "atención humana"},
}
_STEPS: dict[Language, dict[str, str]] = {
    "pt": {"price": "Enviar o orçamento", "order": "Confirmar o pedido", "delivery": "Combinar a entrega"}
    | {"payment": "Enviar a chave Pix", "human": "Passar a conversa a uma pessoa da equipe"},
    "en": {"price": "Send the quote", "order": "Confirm the order", "delivery": "Arrange the delivery"}
    | {"payment": "Send payment details", "human": "Hand the conversation to a person of the team"},
    "es": {"price": "Enviar el presupuesto", "order": "Confirmar el pedido", "delivery": "Acordar la entrega"}
    | {"payment": "Enviar los datos de pago", "human": "Pasar la conversación a una persona del equipo"},
}
_NO_STEP: dict[Language, str] = {
    "pt": "Aguardar a resposta do cliente",
    "en": "Wait for the customer's answer",
    "es": "Esperar la respuesta del cliente",
}
_OTHER: dict[Language, str] = {"pt": "conversa geral", "en": "general conversation", "es": "conversación"}
_SUMMARY: dict[Language, str] = {
    "pt": "O cliente falou sobre {topics}. Começou com “{first}” e por último disse “{last}”.",
    "en": "The customer talked about {topics}. It began with “{first}” and ended with “{last}”.",
    "es": "El cliente habló de {topics}. Empezó con “{first}” y por último dijo “{last}”.",
}
_AND: dict[Language, str] = {"pt": " e ", "en": " and ", "es": " y "}


class Digest:
    """A conversation digested; `find` answers what a field of a given name would hold."""

    def __init__(self, conversation: Conversation, *, reply: str) -> None:
        self._conversation = conversation
        self.text = "\n".join(filter(None, [conversation.theirs, conversation.everything]))
        # Where the messages stand with their authors, the rest is instructions to the model.
        lines = _LINE.findall(self.text)
        self._lines = lines or [line.strip() for line in self.text.splitlines() if line.strip()]
        self._said = "\n".join(self._lines)
        self.language: Language = detect(self._said, default=conversation.language)
        intents = [one for one in intents_of(self._said) if one in _TOPICS[self.language]]
        self.topics = [good.names[self.language].split(" ", 1)[1] for good in goods_in(self._said)]
        self.topics += [_TOPICS[self.language][one] for one in intents]
        self.topics = self.topics or [_OTHER[self.language]]
        self.steps = [_STEPS[self.language][one] for one in intents if one in _STEPS[self.language]]
        self.steps = self.steps or [_NO_STEP[self.language]]
        self.intent = intents[0] if intents else "other"
        said = plain(self._said)
        mood = len(_GLAD.findall(said)) - 2 * len(_CROSS.findall(said))
        self.sentiment = "POSITIVE" if mood > 0 else "NEGATIVE" if mood < 0 else "NEUTRAL"
        self.mood = max(-1.0, min(mood * 0.5, 1.0))
        self._fields = self._make_fields(reply)

    @property
    def summary(self) -> str:
        """Two sentences that name the topics and quote the first and the last words."""
        *most, last = self.topics
        topics = f"{', '.join(most)}{_AND[self.language]}{last}" if most else last
        first, final = (self._lines[0], self._lines[-1]) if self._lines else ("…", "…")
        return _SUMMARY[self.language].format(topics=topics, first=excerpt(first), last=excerpt(final))

    def find(self, field: str) -> object:
        """The value for a field by its name, or None when the name means nothing here."""
        name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", field).lower()
        return next((value for words, value in self._fields if re.search(words, name)), None)

    def mentions(self, word: str) -> bool:
        """Whether a word, such as a value that may be chosen, occurs in what was said."""
        return re.search(rf"\b{re.escape(plain(word))}\b", plain(self._said)) is not None

    def _make_fields(self, reply: str) -> list[tuple[str, object]]:
        conversation = self._conversation
        name = name_in(self.text)
        facts = facts_in(self._said)
        seen = " ".join(conversation.seen) or None
        people = people_in(self._said)
        order = re.search(r"#?\b(\d{3,8})\b", conversation.everything)
        if name and not facts:
            facts = [next((one for one in self._lines if name in one), name)]
        return [
            (r"sentiment_score|mood_score", self.mood),
            (r"sentiment|mood|^tone$|sentimento", self.sentiment),
            (r"next|action|to_?do|follow_?up|tasks|passos", self.steps),
            (r"topic|tag|label|keyword|subjects|categor|themes|temas|assuntos", self.topics),
            (r"alt_text|caption|^image|picture|foto", seen),
            (r"descri", seen or self.summary),
            (r"ocr|visible_text|text_in", seen),
            (r"transcri|heard", " ".join(conversation.heard) or None),
            (r"summary|resum|overview|abstract", self.summary),
            (r"title|subject|headline|titulo", excerpt(", ".join(self.topics), 6)),
            (r"languag|locale|idioma", self.language),
            (r"confiden|probab|score|certain", 0.9),
            (r"intent", self.intent),
            (r"human|escalat|hand_?off|transfer", self.intent == "human"),
            (r"priorit|severity", "high" if self.intent == "human" or self.mood < 0 else "normal"),
            (r"urgent|urgenc", self.intent == "human"),
            (r"resolved|satisf|solved", self.sentiment == "POSITIVE"),
            (r"quer|question|search|^q$|term", excerpt(conversation.everything, 30)),
            (r"reason|motiv|why", excerpt(conversation.everything, 30)),
            (r"note|fact|memor|observ", ". ".join(facts) or excerpt(conversation.everything, 30)),
            (r"reply|answer|response|resposta", reply),
            (r"(?:^|customer_|contact_|first_|full_)name$|^nome", name),
            (r"people|guests|quantity|quantidade|amount", people),
            (r"order|pedido", order.group(1) if order else None),
            (r"text|content|message|body", ". ".join(facts) or reply),
        ]


def excerpt(text: str, limit: int = 14) -> str:
    """The first words of a text on one line, with an ellipsis when some are missing."""
    words = text.split()
    return " ".join(words[:limit]) + ("…" if len(words) > limit else "")
