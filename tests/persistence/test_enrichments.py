"""What is about a message follows it into its twin, once of each kind."""

from uuid import UUID

import pytest

from domain.crm.content import ImageContent, Media
from domain.crm.enrichment import Enrichment, EnrichmentKind
from domain.ids import MediaId, MessageId, new_id
from persistence.crm import enrichments as rows
from persistence.database import Database
from persistence.unit_of_work import UnitOfWork
from tests.factories import Shop, open_shop
from tests.graphql.builders import CAUSE, a_chat, a_contact, a_message


def asked(uow: UnitOfWork, shop: Shop, message_id: MessageId, chat_id: UUID, type_: EnrichmentKind) -> UUID:
    enrichment = Enrichment.request(
        tenant_id=shop.tenant_id,
        project_id=shop.project_id,
        chat_id=chat_id,  # type: ignore[arg-type]
        message_id=message_id,
        media_id=MediaId(new_id()),
        type_=type_,
        priority=7,
        at=uow.now,
    )
    return uow.enrichments.add(enrichment).id


@pytest.mark.parametrize("one_by_one", [True, False])
async def test_what_is_found_out_follows_its_message(database: Database, one_by_one: bool) -> None:
    shop = await open_shop(database)
    async with database.writing(shop.tenant_id, CAUSE) as uow:
        chat = a_chat(uow, shop, a_contact(uow, shop), "5511999990001@c.us")
        gone, kept = (
            a_message(uow, shop, chat, ImageContent(media=Media()), external_id=name) for name in "AB"
        )
        asked(uow, shop, gone.id, chat.id, EnrichmentKind.DESCRIPTION)
        ocr = asked(uow, shop, gone.id, chat.id, EnrichmentKind.OCR)
        ours = asked(uow, shop, kept.id, chat.id, EnrichmentKind.DESCRIPTION)

    if one_by_one:
        async with database.writing(shop.tenant_id, CAUSE) as uow:
            await rows.follow_one(uow.session, gone=gone.id, kept=kept.id)
    else:
        async with database.tenant_transaction(shop.tenant_id) as connection:
            await rows.follow(connection, [(gone.id, kept.id)])
    async with database.tenant_transaction(shop.tenant_id) as connection:
        await connection.execute("DELETE FROM messages WHERE id = $1", gone.id)

    async with database.reading(shop.tenant_id) as reader:
        found = await reader.enrichments.of_messages([gone.id, kept.id])
    assert {id_: {one.id for one in several} for id_, several in found.items()} == {kept.id: {ocr, ours}}
