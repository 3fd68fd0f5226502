"""What lists of contacts can be filtered and sorted by."""

from enum import Enum
from typing import Optional

import strawberry

from schema.fields import optional, plain
from schema.filters import (
    DateTimeFilter,
    IDFilter,
    NullsOrder,
    OrderDirection,
    PhoneFilter,
    StringFilter,
    TagFilter,
)


@strawberry.input(
    description="Conditions on contacts; all that are given must hold. Nested up to 4 deep, 30 in all."
)
class ContactWhere:
    """What `contacts` can be filtered by."""

    and_: list["ContactWhere"] | None = optional("All of these hold.", name="and")
    or_: list["ContactWhere"] | None = optional("At least one of these holds.", name="or")
    not_: Optional["ContactWhere"] = optional("This does not hold.", name="not")
    id: IDFilter | None = optional("The contact's id.")
    name: StringFilter | None = optional("The name.")
    phone: PhoneFilter | None = optional("The telephone number.")
    email: StringFilter | None = optional("The e-mail address.")
    external_id: StringFilter | None = optional("The id in another system.")
    tags: TagFilter | None = optional("The tags.")
    last_interaction_at: DateTimeFilter | None = optional("When they last wrote or were written to.")
    created_at: DateTimeFilter | None = optional("When the contact was filed.")


@strawberry.enum(description="What contacts can be sorted by.")
class ContactOrderField(Enum):
    """The keys of a list of contacts."""

    CREATED_AT = strawberry.enum_value("CREATED_AT", description="When the contact was filed.")
    LAST_INTERACTION_AT = strawberry.enum_value(
        "LAST_INTERACTION_AT", description="The newest message either way."
    )
    NAME = strawberry.enum_value("NAME", description="The name, without regard to case.")


@strawberry.input(description="One key to sort contacts by; CREATED_AT DESC if there is none.")
class ContactOrder:
    """One key and its direction."""

    field: ContactOrderField = plain("The key.")
    direction: OrderDirection = plain("The direction.", default=OrderDirection.ASC)
    nulls: NullsOrder | None = optional(
        "Where rows without a value go; if nothing is said, they count as earliest."
    )
