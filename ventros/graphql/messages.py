"""What clients may send in the graphql-transport-ws protocol, checked to the last field."""

from typing import Annotated, Any, TypeAlias

import msgspec

_LONGEST_ID = 256

# Any, in this module: JSON whose shape belongs to the client or to the schema.
Identifier = Annotated[str, msgspec.Meta(min_length=1, max_length=_LONGEST_ID)]


class MalformedMessage(ValueError):
    """A message that the protocol does not know; its text says why, for the close frame."""


class ConnectionInit(msgspec.Struct, tag_field="type", tag="connection_init"):
    """The first message; its payload introduces the client."""

    payload: dict[str, Any] | None = None


class Ping(msgspec.Struct, tag_field="type", tag="ping"):
    """Are you there?"""

    payload: dict[str, Any] | None = None


class Pong(msgspec.Struct, tag_field="type", tag="pong"):
    """I am here."""

    payload: dict[str, Any] | None = None


class Asked(msgspec.Struct, rename="camel"):
    """An operation."""

    query: Annotated[str, msgspec.Meta(min_length=1)]
    variables: dict[str, Any] | None = None
    operation_name: str | None = None
    extensions: dict[str, Any] | None = None


class Subscribe(msgspec.Struct, tag_field="type", tag="subscribe"):
    """Execute an operation, of whatever kind, under an id."""

    id: Identifier
    payload: Asked


class Complete(msgspec.Struct, tag_field="type", tag="complete"):
    """Stop an operation."""

    id: Identifier


ClientMessage: TypeAlias = ConnectionInit | Ping | Pong | Subscribe | Complete

_decoder: msgspec.json.Decoder[ClientMessage] = msgspec.json.Decoder(ClientMessage)


def read_message(text: str) -> ClientMessage:
    """Return the message. Raises `MalformedMessage`."""
    try:
        return _decoder.decode(text)
    except msgspec.ValidationError as error:
        raise MalformedMessage(f"Invalid message: {error}") from None
    except (msgspec.MsgspecError, RecursionError, UnicodeEncodeError):
        raise MalformedMessage("Messages are valid JSON.") from None
