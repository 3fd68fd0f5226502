"""Answers about the files of messages."""

from domain.crm.content import Media, MediaStatus
from resolvers.context import Context


def url(media: Media, context: Context) -> str | None:
    """Return a signed address of a stored file; where WAHA or a caller offered it is never shown."""
    if media.id is None or media.status is not MediaStatus.STORED:
        return None
    links = context.installation.media_links
    return links.make(context.viewer.tenant_id, media.id, now=context.clock.now())
