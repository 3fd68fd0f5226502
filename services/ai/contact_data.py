"""What is known of a contact, as pairs of a name and a value: data for a model, the most important last."""

from domain.crm.contact import NameSource
from domain.ids import ContactId
from persistence.unit_of_work import Reader


async def facts_about(reader: Reader, contact_id: ContactId) -> list[tuple[str, str]]:
    """Return everything known of a contact; nothing of one that is deleted."""
    contact = await reader.contacts.find(contact_id)
    if contact is None or contact.deleted_at is not None:
        return []
    found = [(f"field {one.key}", one.value) for one in contact.custom_fields]
    found += [("remembered", one.text) for one in await reader.contact_facts.about(contact_id)]
    if contact.tags:
        found.append(("tags", ", ".join(contact.tags)))
    if contact.email:
        found.append(("e-mail", contact.email))
    if contact.timezone:
        found.append(("time zone", contact.timezone))
    if contact.language:
        found.append(("language", contact.language))
    if contact.name_source is not NameSource.ADDRESS:
        found.append(("name", contact.name))
    return found
