"""What agents remember about contacts, for people to see and take back."""

from domain.ai.contact_fact import ContactFact
from domain.errors import NotFound
from domain.identity.permission import Permission
from domain.ids import ContactFactId
from persistence.unit_of_work import UnitOfWork
from services.scope import find_own
from services.viewer import Viewer


async def forget(uow: UnitOfWork, viewer: Viewer, *, fact_id: ContactFactId) -> ContactFact:
    """Forget something about a contact. Raises `NotFound`."""
    viewer.require(Permission.CONTACTS_WRITE)
    fact = (await find_own(uow.contact_facts, viewer, [fact_id])).get(fact_id)
    if fact is None:
        raise NotFound("There is no fact with this id.", field=["id"])
    fact.forget(at=uow.now)
    await uow.contact_facts.remove(fact)
    return fact
