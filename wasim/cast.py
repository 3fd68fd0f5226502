"""The people a developer meets: customers, a supplier and neighbours of a small bakery."""

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from wasim.content import (
    ContactCard,
    Contacts,
    Content,
    Document,
    Image,
    Location,
    Poll,
    Preview,
    Referral,
    Sticker,
    Text,
    Voice,
)
from wasim.people import AddressForm, Receipts

Language: TypeAlias = Literal["pt", "en"]


@dataclass(frozen=True, kw_only=True)
class Beat:
    """One thing a persona does: write one or more messages, or act on the last one.

    `edit` corrects the last own message, `revoke` deletes it, `react` answers the account's last message.
    `group` does it in the neighbourhood group instead of the direct chat.
    """

    messages: tuple[Content, ...] = ()
    edit: str | None = None
    revoke: bool = False
    react: str | None = None
    group: bool = False


@dataclass(frozen=True, kw_only=True)
class Persona:
    """Somebody with a story that begins again when it has been told."""

    name: str
    phone: str
    language: Language
    story: tuple[Beat, ...]
    past: tuple[tuple[bool, str], ...] = ()
    form: AddressForm = "cus"
    receipts: Receipts = "read"
    saved_as: str | None = None
    place: Location = field(default_factory=lambda: Location(latitude=-23.5614, longitude=-46.6559))


def says(*lines: str) -> Beat:
    """A beat of plain texts, one message each."""
    return Beat(messages=tuple(Text(text=line) for line in lines))


def sends(*messages: Content) -> Beat:
    """A beat of messages of any kind."""
    return Beat(messages=messages)


def in_group(*messages: Content) -> Beat:
    """The same in the neighbourhood group."""
    return Beat(messages=messages, group=True)


GROUP_ID = "120363000000000077@g.us"
GROUP_SUBJECT = "Feira de Sábado"

MARIA = Persona(
    name="Maria Alves",
    phone="5511987650001",
    language="pt",
    saved_as="Maria (bolo da Clara)",
    past=(
        (False, "Oi, vocês fazem bolo de aniversário por encomenda?"),
        (True, "Fazemos sim! Para quantas pessoas?"),
        (False, "Umas quinze. É para a minha filha, a Clara."),
        (True, "Que delícia! Me avise com uma semana de antecedência."),
        (False, "Perfeito, obrigada!"),
    ),
    story=(
        says("Bom dia!", "Lembra do bolo da Clara?", "A festa é sábado que vem 🎂"),
        sends(
            Text(text="Te mando tudo de uma vez:"),
            Voice(
                seconds=9,
                words="O bolo é para dezoito crianças, com recheio de morango, e precisa chegar até as "
                "quatro da tarde.",
            ),
            Image(
                caption="Ela quer um parecido com este",
                description="Um bolo de aniversário de dois andares, rosa e branco, com borboletas de açúcar "
                "e o nome Clara escrito em cima",
            ),
        ),
        says("São 18 crianças"),
        Beat(edit="São 20 crianças, chegaram mais duas 😅"),
        sends(
            Voice(
                seconds=7,
                words="Ah, e uma das meninas é alérgica a nozes, então melhor sem nozes, por favor.",
            )
        ),
        says("Quanto fica com recheio de morango?"),
        Beat(react="❤️"),
    ),
    place=Location(
        latitude=-23.5489, longitude=-46.6388, name="Salão da festa", address="Rua das Flores, 120"
    ),
)
JOAO = Persona(
    name="João Pereira",
    phone="5511987650002",
    language="pt",
    saved_as="João Moinho",
    past=(
        (True, "João, consegue 40 kg de farinha para quinta?"),
        (False, "Consigo. Levo cedo, antes das 7."),
        (False, "Entregue. O recibo segue depois."),
        (True, "Recebido, obrigado!"),
    ),
    story=(
        says("Oi, é o João do moinho.", "Amanhã passo aí com a farinha."),
        sends(Document(filename="nota-fiscal-1042.pdf", caption="Nota da última entrega")),
        sends(
            Location(latitude=-23.5505, longitude=-46.6333, name="Moinho Velho", address="Av. do Estado, 800")
        ),
        sends(Location(latitude=-23.5561, longitude=-46.6412, live=True, description="A caminho")),
        says("Quer que eu deixe dois sacos de centeio também?"),
        Beat(react="👍"),
    ),
)
EMMA = Persona(
    name="Emma Clarke",
    phone="447700900123",
    language="en",
    past=(
        (False, "Hello! Do you deliver to offices?"),
        (True, "Hi Emma, we do, within 5 km."),
        (False, "Great, I will get back to you about a team breakfast."),
    ),
    story=(
        says("Hi there!", "We would love breakfast for twelve on Thursday."),
        sends(
            Text(
                text="This is our office: https://example.com/office",
                preview=Preview(
                    url="https://example.com/office", title="Our office", description="2nd floor"
                ),
            )
        ),
        sends(
            Text(text="Here is what we wrote down together:"),
            Image(
                description="A handwritten list: 12 croissants, 6 fruit salads, fresh orange juice for "
                "twelve people, Thursday 9 am",
            ),
            Voice(
                seconds=8,
                words="Please leave everything at the reception on the second floor, somebody will be there "
                "from half past eight.",
            ),
        ),
        says("Two of us are vegan, one cannot have nuts."),
        Beat(edit="Three of us are vegan, one cannot have nuts."),
        sends(Poll(name="Which day suits you best?", options=["Wednesday", "Thursday", "Friday"])),
        says("What would it cost with fresh juice?"),
    ),
    place=Location(latitude=-23.5874, longitude=-46.6576, name="Office", address="Rua Vergueiro, 2000"),
)
SOFIA = Persona(
    name="Sofia Lima",
    phone="5521987650003",
    language="pt",
    form="lid",
    past=(
        (False, "Boa tarde! Vocês têm pão sem glúten?"),
        (True, "Temos às terças e quintas."),
    ),
    story=(
        sends(
            Text(
                text="Olá! Vi o anúncio do pão sem glúten e queria saber mais.",
                referral=Referral(title="Pão sem glúten", body="Fornada às terças e quintas"),
            )
        ),
        says("Posso reservar dois para quinta?"),
        sends(
            Text(text="É este aqui, olha"),
            Image(description="Um pão redondo numa embalagem de papel com a etiqueta: sem glúten, R$ 18,00"),
            Voice(seconds=5, words="Se tiver, quero dois pães sem glúten e também uma torta pequena."),
        ),
        says("Mensagem errada, desculpa!"),
        Beat(revoke=True),
        sends(Sticker()),
        says("Passo para buscar depois das 17h"),
    ),
)
DANIEL = Persona(
    name="Daniel Okafor",
    phone="5511987650004",
    language="en",
    receipts="delivered",
    past=(
        (True, "Hi Daniel, could you photograph our new window?"),
        (False, "Sure! Friday morning has the best light."),
    ),
    story=(
        says("The photos of your window are ready!"),
        sends(
            Image(
                caption="My favourite one", description="A bakery window in the morning light, full of bread"
            ),
            Image(description="The same window seen from across the street, with a red bicycle in front"),
            Image(description="A close-up of a loaf of rye bread on a linen cloth"),
        ),
        sends(Document(filename="invoice-2031.pdf")),
        sends(
            Contacts(contacts=[ContactCard(full_name="Print Shop Lapa", phone_number="+55 11 98765-0099")])
        ),
        says("Shall I send them to the printer as well?"),
    ),
)
BEATRIZ = Persona(
    name="Beatriz Nunes",
    phone="5511987650005",
    language="pt",
    past=(),
    story=(
        in_group(Text(text="Bom dia, vizinhos! Quem monta barraca neste sábado?")),
        in_group(
            Image(
                caption="Assim ficou a praça na semana passada",
                description="Uma praça cheia de barracas coloridas e gente fazendo compras sob as árvores",
            )
        ),
        in_group(Poll(name="A que horas abrimos?", options=["7h", "8h", "9h"])),
        in_group(Text(text="Se chover, mudamos para o galpão.")),
        says("Oi! Você leva as tortas para a feira?"),
        in_group(
            Voice(seconds=5, words="Pessoal, eu chego às seis e meia para montar as mesas, quem ajuda?")
        ),
    ),
)

CAST = (MARIA, EMMA, JOAO, SOFIA, DANIEL, BEATRIZ)
MEMBERS = (BEATRIZ, JOAO, DANIEL)
