"""Advertisements that lead into WhatsApp: the referral that rides on the first message."""

from domain.crm.content import AdReferral
from integrations.waha.fields import Node, child, text

_MARKS = ("ctwaClid", "sourceType", "conversionSource", "entryPointConversionSource", "ctwaPayload")


def referral_of(context: Node) -> AdReferral | None:
    """Return the advertisement in a `contextInfo` of GOWS or NOWEB; plain link previews carry none of its marks.

    Some accounts get only opaque marks without a reply to an advertisement: then there is little to tell.
    """
    advertisement = child(context, "externalAdReply")
    if text(advertisement, *_MARKS) is None and text(context, *_MARKS) is None:
        return None
    return AdReferral(
        source_id=text(advertisement, "sourceId"),
        source_type=text(advertisement, "sourceType"),
        source_app=text(advertisement, "sourceApp") or text(context, "entryPointConversionApp"),
        source_url=text(advertisement, "sourceUrl"),
        title=text(advertisement, "title"),
        body=text(advertisement, "body"),
        click_id=text(advertisement, "ctwaClid"),
    )


def web_referral_of(raw: Node) -> AdReferral | None:
    """Return the advertisement in the record of WEBJS, which knows no click id."""
    advertisement = child(raw, "ctwaContext")
    if not advertisement:
        return None
    return AdReferral(
        source_id=text(advertisement, "sourceId"),
        source_type=text(advertisement, "sourceType"),
        source_app=text(advertisement, "sourceApp"),
        source_url=text(advertisement, "sourceUrl"),
        title=text(advertisement, "title"),
        body=text(advertisement, "description"),
        click_id=text(advertisement, "ctwaClid"),
    )
