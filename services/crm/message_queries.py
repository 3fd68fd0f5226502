"""How messages are looked up; sending them is in `services.crm.messages`."""

from collections.abc import Sequence
from uuid import UUID

from domain.crm.message import Message
from domain.identity.permission import Permission
from domain.ids import ChannelId
from persistence.paging import Listing, Page, PageRequest
from persistence.unit_of_work import Reader
from services.scope import find_own
from services.viewer import Viewer


async def find(reader: Reader, viewer: Viewer, *, ids: Sequence[UUID]) -> dict[UUID, Message]:
    """Return those of the messages that the viewer can see, by id."""
    viewer.require(Permission.MESSAGES_READ)
    return await find_own(reader.messages, viewer, ids)


async def browse(reader: Reader, viewer: Viewer, *, listing: Listing, request: PageRequest) -> Page[Message]:
    """Return a page of the project's messages."""
    viewer.require(Permission.MESSAGES_READ)
    return await reader.messages.page(viewer.project_id, listing, request)


async def count(reader: Reader, viewer: Viewer, *, listing: Listing) -> int:
    """Return how many messages the whole list has, up to the limit of counting."""
    viewer.require(Permission.MESSAGES_READ)
    return await reader.messages.count(viewer.project_id, listing)


async def by_external_id(
    reader: Reader, viewer: Viewer, *, channel_id: ChannelId, external_id: str
) -> Message | None:
    """Return the message of a channel that WhatsApp knows under this bare id."""
    viewer.require(Permission.MESSAGES_READ)
    found = await reader.messages.by_external_id(channel_id, external_id)
    return found if found is not None and found.project_id == viewer.project_id else None
