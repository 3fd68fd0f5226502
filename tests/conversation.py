"""A long conversation as webhooks, and a picture of what it left in the database."""

import random

from persistence.database import Database
from tests.factories import Shop
from tests.waha import JOAO, MARIA, Person, Script

GROUP = "120363000000000001@g.us"
PICTURE = """
SELECT json_build_object(
  'contacts', (SELECT coalesce(json_agg(json_build_array(name, phone, name_source, first_interaction_at, last_interaction_at) ORDER BY phone, name), '[]')
     FROM contacts WHERE merged_into_id IS NULL),
  'identities', (SELECT coalesce(json_agg(json_build_array(i.kind, i.value, c.name) ORDER BY i.value), '[]')
     FROM contact_identities i JOIN contacts c ON c.id = i.contact_id),
  'chats', (SELECT coalesce(json_agg(json_build_array(type, status, external_id, last_message_at) ORDER BY external_id), '[]') FROM chats),
  'sessions', (SELECT coalesce(json_agg(json_build_array(c.name, s.status, s.end_reason, s.started_at, s.last_activity_at, s.ended_at, s.message_count, s.contact_message_count)
      ORDER BY s.started_at, c.name), '[]') FROM sessions s JOIN contacts c ON c.id = s.contact_id),
  'messages', (SELECT coalesce(json_agg(json_build_array(h.external_id, m.external_id, m.direction, m.origin, m.status, m.text, m.edited_at, m.revoked_at, m.sent_at,
      m.delivered_at, m.read_at, m.played_at, m.session_id IS NULL, s.started_at, p.name,
      (SELECT json_agg(json_build_array(r->>'emoji', r->>'at') ORDER BY r->>'at') FROM jsonb_array_elements(m.reactions) r)) ORDER BY m.external_id, h.external_id), '[]')
     FROM messages m JOIN chats h ON h.id = m.chat_id LEFT JOIN sessions s ON s.id = m.session_id LEFT JOIN contacts p ON p.id = m.contact_id),
  'facts', (SELECT count(*) FROM early_facts))::text
"""


async def picture(database: Database, shop: Shop) -> str:
    """Everything that must not depend on the order or number of deliveries."""
    async with database.tenant_transaction(shop.tenant_id) as connection:
        found: str = await connection.fetchval(PICTURE)
    return found


def conversation(messages: int = 120) -> list[bytes]:
    """A few hundred events of four people: lids, phones, groups, acks, edits, reactions, revokes, and gaps."""
    script = Script()
    dice = random.Random(7)
    people = [MARIA, JOAO] + [
        Person(phone=f"55119888800{n:02}", lid=f"3000000000000{n:02}", name=f"Pessoa {n}") for n in range(2)
    ]
    events: list[bytes] = []
    for number in range(messages):
        person = dice.choice(people)
        at = number * dice.choice((20, 40)) + (number // 30) * 4000
        address = dice.choice(("phone", "lid"))
        both = dice.random() < 0.6
        wa_id = f"M{number:04}"
        if dice.random() < 0.15:
            events.append(script.message(wa_id, by=person, at=at, group=GROUP, tell_both=True))
            continue
        ours = dice.random() < 0.3
        events.append(
            script.message(
                wa_id, text=f"texto {number}", by=person, at=at, address=address, tell_both=both, from_me=ours
            )
        )
        if not ours and dice.random() < 0.3:
            events.append(script.message(wa_id, text=f"texto {number}", by=person, at=at, event="message"))
        if ours:
            events += [script.ack(wa_id, level, to=person, at=at + level * 3) for level in (1, 2, 3)]
            if dice.random() < 0.4:
                events.append(script.reaction(wa_id, dice.choice("👍❤️😂"), by=person, at=at + 30))
        if dice.random() < 0.2:
            for step in range(2):
                events.append(
                    script.edit(wa_id, f"editado {step}", by=person, at=at + 10 + step, from_me=ours)
                )
        if dice.random() < 0.1:
            events.append(script.revoke(wa_id, by=person, at=at + 50, from_me=ours))
    # In the end every address is known to belong to its person.
    events += [
        script.message(
            f"Z{n}", text="fim", by=person, at=messages * 40 + messages // 30 * 4000 + n, tell_both=True
        )
        for n, person in enumerate(people)
    ]
    return events
