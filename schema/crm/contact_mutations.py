"""What is said to and by the mutations of contacts."""

import strawberry

from domain.crm.contact import CustomField
from domain.values import PhoneNumber
from resolvers.crm import contacts as resolve
from schema.crm.contact import Contact
from schema.fields import optional, plain
from schema.mutations import mutation, user_errors
from schema.user_errors import UserError


@strawberry.input(description="A named value.")
class CustomFieldInput:
    """A named value."""

    key: str = plain("The name, up to 64 characters.")
    value: str = plain("The value, up to 4,096 characters.")

    def to_domain(self) -> CustomField:
        """Return the domain's value."""
        return CustomField(key=self.key, value=self.value)


@strawberry.input(description="Whom to file.")
class ContactCreateInput:
    """Whom to file."""

    name: str = plain("What the contact is called, up to 200 characters.")
    phone: PhoneNumber | None = optional("The telephone number; in Brazil with or without the ninth digit.")
    email: str | None = optional("The e-mail address.")
    external_id: str | None = optional("The id in another system, up to 255 characters.")
    language: str | None = optional("A language tag (BCP 47), such as pt-BR.")
    timezone: str | None = optional("A time zone, such as America/Sao_Paulo.")
    tags: list[str] | None = optional("Labels, at most 100 of up to 50 characters.")
    custom_fields: list[CustomFieldInput] | None = optional("Values, at most 100.")


@strawberry.input(description="What to change. Absent fields stay as they are.")
class ContactUpdateInput:
    """What to change. Absent fields stay as they are."""

    id: strawberry.ID = plain("The contact.")
    name: str | None = optional("What the contact is called, up to 200 characters; cannot be cleared.")
    email: str | None = optional("The e-mail address; null clears it.")
    external_id: str | None = optional("The id in another system, up to 255 characters; null clears it.")
    language: str | None = optional("A language tag (BCP 47), such as pt-BR; null clears it.")
    timezone: str | None = optional("A time zone, such as America/Sao_Paulo; null clears it.")
    tags: list[str] | None = optional("All labels, at most 100 of up to 50 characters; null clears them.")
    custom_fields: list[CustomFieldInput] | None = optional("All values, at most 100; null clears them.")
    expected_version: int | None = optional("The version you have seen; refused if there is a newer one.")


@strawberry.input(description="Whom to stop showing.")
class ContactDeleteInput:
    """Whom to stop showing."""

    id: strawberry.ID = plain("The contact.")
    expected_version: int | None = optional("The version you have seen; refused if there is a newer one.")


@strawberry.type(description="What came of filing a contact.")
class ContactCreatePayload:
    """The answer."""

    contact: Contact | None = plain("The contact.", default=None)
    user_errors: list[UserError] = user_errors()


@strawberry.type(description="What came of changing a contact.")
class ContactUpdatePayload:
    """The answer."""

    contact: Contact | None = plain("The contact as it is now.", default=None)
    user_errors: list[UserError] = user_errors()


@strawberry.type(description="What came of deleting a contact.")
class ContactDeletePayload:
    """The answer."""

    contact: Contact | None = plain("The contact as it was last.", default=None)
    user_errors: list[UserError] = user_errors()


contact_create = mutation(
    resolve.create,
    "Files a contact by hand. A deleted contact with the same number comes back under the new name.",
    takes=ContactCreateInput,
    gives=ContactCreatePayload,
    show=lambda contact: {"contact": contact},
)
contact_update = mutation(
    resolve.update,
    "Changes what is said of a contact.",
    takes=ContactUpdateInput,
    gives=ContactUpdatePayload,
    show=lambda contact: {"contact": contact},
)
contact_delete = mutation(
    resolve.delete,
    "Stops showing a contact; its conversations stay, and it comes back if the person writes.",
    takes=ContactDeleteInput,
    gives=ContactDeletePayload,
    show=lambda contact: {"contact": contact},
)
