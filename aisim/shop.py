"""What the brain knows: a small bakery with its goods, hours and habits, in three languages."""

import re
from typing import NamedTuple

from aisim.language import Language, plain

NAME = "Padaria Exemplo"


class Good(NamedTuple):
    """Something to buy; `price` in Brazilian reais, per person where `each` says so."""

    names: dict[Language, str]
    words: tuple[str, ...]
    price: int
    per_person: bool = False


GOODS = (
    Good(
        {"pt": "o bolo de aniversário", "en": "the birthday cake", "es": "el pastel de cumpleaños"},
        ("bolo", "cake", "pastel", "torta de aniversario"),
        9,
        per_person=True,
    ),
    Good(
        {"pt": "o café da manhã", "en": "the breakfast basket", "es": "el desayuno"},
        ("cafe da manha", "breakfast", "desayuno", "croissant"),
        32,
        per_person=True,
    ),
    Good(
        {"pt": "o pão sem glúten", "en": "the gluten-free bread", "es": "el pan sin gluten"},
        ("sem gluten", "gluten-free", "gluten free", "sin gluten"),
        18,
    ),
    Good({"pt": "a torta", "en": "the pie", "es": "la tarta"}, ("torta", "pie", "tarta"), 60),
    Good(
        {"pt": "o pão de centeio", "en": "the rye bread", "es": "el pan de centeno"}, ("centeio", "rye"), 16
    ),
    Good({"pt": "o pão", "en": "the bread", "es": "el pan"}, ("pao", "bread", "pan"), 12),
)

_ASKED: dict[Language, str] = {
    "pt": "Trabalhamos com bolo de aniversário (R$ 9,00 por pessoa), café da manhã (R$ 32,00 por pessoa) e "
    "pães a partir de R$ 12,00.",
    "en": "We have birthday cakes (R$ 9.00 per person), breakfast baskets (R$ 32.00 per person) and breads "
    "from R$ 12.00.",
    "es": "Tenemos pasteles de cumpleaños (R$ 9,00 por persona), desayunos (R$ 32,00 por persona) y panes "
    "desde R$ 12,00.",
}
_NUMBERS = {
    "dois": 2, "two": 2, "dos": 2, "tres": 3, "three": 3, "quatro": 4, "four": 4, "cuatro": 4,
    "cinco": 5, "five": 5, "seis": 6, "six": 6, "sete": 7, "seven": 7, "siete": 7, "oito": 8, "eight": 8,
    "ocho": 8, "nove": 9, "nine": 9, "nueve": 9, "dez": 10, "ten": 10, "diez": 10, "doze": 12, "twelve": 12,
    "doce": 12, "quinze": 15, "fifteen": 15, "quince": 15, "vinte": 20, "twenty": 20, "veinte": 20,
    "dezesseis": 16, "dezoito": 18, "sixteen": 16, "eighteen": 18, "dieciseis": 16, "dieciocho": 18,
    "quarenta": 40, "forty": 40, "cuarenta": 40, "cinquenta": 50, "fifty": 50, "cincuenta": 50,
    "trinta": 30, "thirty": 30, "treinta": 30,
}  # fmt: skip
_NUMBER = r"(\d{1,3}|" + "|".join(_NUMBERS) + ")"
_PEOPLE = re.compile(
    rf"\b{_NUMBER}\s+(?:pessoas|criancas|convidados|people|children|guests|kids|personas|ninos|invitados)"
    rf"|\b(?:for|para|pra)\s+{_NUMBER}\b(?!\s*(?:h\b|am\b|pm\b|horas|o'clock|d[aeo]\b|de\b))"
)


def goods_in(text: str) -> list[Good]:
    """The goods a text speaks of, a special kind before the plain one it contains."""
    said = plain(text)
    found = [good for good in GOODS if any(re.search(rf"\b{re.escape(w)}", said) for w in good.words)]
    # Gluten-free bread is bread as well, but one of them is meant.
    return [good for good in found if good is not GOODS[-1] or len(found) == 1]


def people_in(text: str) -> int | None:
    """For how many people something is wanted, if the text says so; the last number counts."""
    found = [counted or meant for counted, meant in _PEOPLE.findall(plain(text))]
    return int(_NUMBERS.get(found[-1], 0) or found[-1]) if found else None


def money(amount: int, language: Language) -> str:
    """An amount in reais as the language writes it."""
    return f"R$ {amount}{'.' if language == 'en' else ','}00"


def price_of(text: str, language: Language, *, before: str = "") -> str:
    """The price of what a text speaks of, for as many people as it says, or the price list.

    What the text leaves open may have been said before.
    """
    goods = goods_in(text) or goods_in(before)
    if not goods:
        return _ASKED[language]
    good, people = goods[0], people_in(text) or people_in(before)
    name = good.names[language]
    if not good.per_person:
        told = {"pt": "{} custa {}.", "en": "{} is {}.", "es": "{} cuesta {}."}
        return _upper(told[language].format(name, money(good.price, language)))
    if people is None:
        told = {
            "pt": "{} fica em {} por pessoa. Para quantas pessoas seria?",
            "en": "{} is {} per person. How many of you will there be?",
            "es": "{} cuesta {} por persona. ¿Para cuántas personas sería?",
        }
        return _upper(told[language].format(name, money(good.price, language)))
    told = {
        "pt": "Para {} pessoas, {} fica em {}.",
        "en": "For {} people, {} comes to {}.",
        "es": "Para {} personas, {} cuesta {}.",
    }
    return told[language].format(people, name, money(good.price * people, language))


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]
