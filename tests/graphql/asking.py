"""Asking the API without a server: the schema and a context for each operation."""

from dataclasses import dataclass
from typing import Any

from persistence.database import Database
from resolvers.context import Context, Installation
from schema.root import schema
from services.media_links import MediaLinks
from services.viewer import Viewer
from tests.factories import VAULT

CURSOR_KEY = b"a key that signs the cursors of tests"
MEDIA_KEY = b"a key that signs the links of tests"


@dataclass
class Answer:
    """What came back."""

    data: Any
    errors: list[dict[str, Any]]

    @property
    def codes(self) -> list[str]:
        return [error["extensions"]["code"] for error in self.errors]


class Api:
    """The API as one viewer sees it."""

    def __init__(self, database: Database, viewer: Viewer, *, base_url: str = "http://crm.test") -> None:
        self.viewer = viewer
        self.installation = Installation(
            database=database,
            vault=VAULT,
            base_url=base_url,
            cursor_key=CURSOR_KEY,
            media_links=MediaLinks(key=MEDIA_KEY, base_url=base_url),
        )

    async def ask(self, query: str, **variables: object) -> Answer:
        """Run an operation whatever comes of it."""
        context = Context(self.installation, viewer=self.viewer, correlation_id="req-1")
        result = await schema.execute(query, variable_values=variables, context_value=context)
        return Answer(result.data, [dict(error.formatted) for error in result.errors or ()])

    async def get(self, query: str, **variables: object) -> Any:
        """Run an operation that succeeds, and return its data."""
        answer = await self.ask(query, **variables)
        assert answer.errors == []
        return answer.data


@dataclass
class Statements:
    """The SQL that ran while it was watched."""

    texts: list[str]

    @property
    def count(self) -> int:
        return len(self.texts)
