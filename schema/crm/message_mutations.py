"""What is said to and by the mutations of messages."""

import strawberry

from domain.crm import content as domain
from domain.values import PhoneNumber
from resolvers.crm import messages as resolve
from schema.crm.message import Message
from schema.fields import optional, plain
from schema.mutations import mutation, user_errors
from schema.user_errors import UserError


@strawberry.input(description="Text to send.")
class TextInput:
    """Text to send."""

    text: str = plain("The text, up to 4,096 characters.")

    def to_domain(self) -> domain.TextContent:
        """Return the domain's value."""
        return domain.TextContent(text=self.text)


@strawberry.input(description="A picture to send.")
class ImageInput:
    """A picture to send."""

    url: str = plain("Where it can be fetched over http or https.")
    caption: str | None = optional("What is written under it, up to 1,024 characters.")

    def to_domain(self) -> domain.ImageContent:
        """Return the domain's value."""
        return domain.ImageContent(media=domain.Media(url=self.url), text=self.caption or None)


@strawberry.input(description="A file to send.")
class DocumentInput:
    """A file to send."""

    url: str = plain("Where it can be fetched over http or https.")
    filename: str | None = optional("What it is called, up to 255 characters.")
    caption: str | None = optional("What is written under it, up to 1,024 characters.")

    def to_domain(self) -> domain.DocumentContent:
        """Return the domain's value."""
        media = domain.Media(url=self.url, filename=self.filename or None)
        return domain.DocumentContent(media=media, text=self.caption or None)


@strawberry.input(description="A place to send.")
class LocationInput:
    """A place to send."""

    latitude: float = plain("Degrees north of the equator, -90 to 90.")
    longitude: float = plain("Degrees east of Greenwich, -180 to 180.")
    name: str | None = optional("What the place is called, up to 255 characters.")
    address: str | None = optional("Its postal address, up to 255 characters.")

    def to_domain(self) -> domain.LocationContent:
        """Return the domain's value."""
        return domain.LocationContent(
            latitude=self.latitude,
            longitude=self.longitude,
            name=self.name or None,
            address=self.address or None,
        )


@strawberry.input(description="What to send: exactly one of these.", one_of=True)
class MessageContentInput:
    """One kind of content."""

    text: TextInput | None = optional("Text.")
    image: ImageInput | None = optional("A picture.")
    document: DocumentInput | None = optional("A file.")
    location: LocationInput | None = optional("A place.")

    def to_domain(self) -> domain.MessageContent:
        """Return the domain's value; that exactly one is given was checked before."""
        chosen = self.text or self.image or self.document or self.location
        if not chosen:
            raise TypeError("The content holds nothing, although it passed the check of its type.")
        return chosen.to_domain()


@strawberry.input(description="What to send to whom: either chatId, or to and channelId.")
class MessageSendInput:
    """What to send to whom: either chatId, or to and channelId."""

    content: MessageContentInput = plain("What to send.")
    chat_id: strawberry.ID | None = optional("The chat to write in.")
    to: PhoneNumber | None = optional("The telephone number to write to; opens a chat if there is none.")
    channel_id: strawberry.ID | None = optional("The channel to write from, with to.")
    reply_to_id: strawberry.ID | None = optional("The message of the same chat that this one answers.")
    client_message_id: str | None = optional(
        "Your own id, unique in the project: sending it again returns the first message and sends nothing."
    )


@strawberry.type(description="What came of sending a message.")
class MessageSendPayload:
    """The answer."""

    message: Message | None = plain("The message, QUEUED.", default=None)
    user_errors: list[UserError] = user_errors()


message_send = mutation(
    resolve.send,
    "Writes a message. It is stored when this answers; a worker hands it to WhatsApp, and its status tells.",
    takes=MessageSendInput,
    gives=MessageSendPayload,
    show=lambda message: {"message": message},
)
