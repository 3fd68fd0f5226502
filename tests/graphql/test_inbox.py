"""What an inbox asks for: answered fully, with as many statements for twenty chats as for one."""

import pytest

from persistence.database import Database
from tests.factories import Shop
from tests.graphql.asking import Api, Statements
from tests.graphql.builders import an_inbox

INBOX = """
query ($first: Int) {
  chats(first: $first) {
    nodes {
      id type status
      contact { id name phone }
      channel { name status }
      activeSession { id status messageCount firstResponseSeconds assignee { name } }
      messages(last: 5) { nodes { id text status author { __typename ... on Contact { name } ... on SystemActor { name } } } }
    }
    pageInfo { hasNextPage }
  }
}
"""


@pytest.mark.parametrize("chats", [1, 20])
async def test_an_inbox_takes_the_same_statements_however_many_chats(
    database: Database, shop: Shop, api: Api, statements: Statements, chats: int
) -> None:
    await an_inbox(database, shop, chats=chats, messages=8)
    statements.texts.clear()

    answer = await api.get(INBOX, first=chats)

    assert len(answer["chats"]["nodes"]) == chats
    # Opening the snapshot takes two; then chats, contacts, channels, active sessions, messages, first responses.
    assert statements.count == 2 + 6


async def test_an_inbox_shows_the_newest_messages_in_the_order_they_were_sent(
    database: Database, shop: Shop, api: Api
) -> None:
    await an_inbox(database, shop, chats=3, messages=8)

    answer = await api.get(INBOX, first=2)

    assert answer["chats"]["pageInfo"] == {"hasNextPage": True}
    newest = answer["chats"]["nodes"][0]
    assert newest["contact"]["name"] == "Contact 2"
    assert newest["activeSession"]["messageCount"] == 8
    assert newest["activeSession"]["firstResponseSeconds"] == 1
    assert [(one["text"], one["author"]["name"]) for one in newest["messages"]["nodes"]] == [
        ("2/3", "System"),
        ("2/4", "Contact 2"),
        ("2/5", "System"),
        ("2/6", "Contact 2"),
        ("2/7", "System"),
    ]
