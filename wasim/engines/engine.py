"""What an engine decides: the shape of payloads, answers and stored objects."""

from typing import Protocol

from wasim.config import EngineName
from wasim.message import Action, Message
from wasim.people import Chat, Group, Person
from wasim.session import Me
from wasim.wire import Body


class Engine(Protocol):
    """One WAHA engine. All methods are pure: they only show what the network knows."""

    name: EngineName
    own_ids: bool
    """Whether `new-message-id`, bare ids and `chatId=all` work."""

    def message(self, message: Message, me: Me, *, media: Body | None, source: bool) -> Body:
        """A WAMessage; `source` is shown in events only."""

    def sent(self, message: Message, me: Me, *, media: Body | None) -> Body:
        """The answer to a send."""

    def reacted(self, target: Message, wa_id: str, emoji: str) -> Body:
        """The answer to a reaction of our own."""

    def action(self, action: Action, me: Me) -> Body:
        """The payload of `message.edited` or `message.revoked`."""

    def reaction(self, target: Message, emoji: str, by: Message) -> Body:
        """The payload of `message.reaction`; `by` carries id, author and time."""

    def ack(self, message: Message, ack: int, me: Me, *, by: Person | None) -> Body:
        """The payload of `message.ack`, or of `message.ack.group` with the reader `by`."""

    def chat(self, chat: Chat, me: Me) -> Body:
        """A chat as `GET /chats` lists it."""

    def contact(self, person: Person, saved_as: str | None) -> Body:
        """A contact as `GET /contacts/all` lists it."""

    def group(self, group: Group, me: Me) -> Body:
        """A raw group object."""

    def participants(self, group: Group, me: Me) -> list[Body]:
        """The raw participants of a group."""
