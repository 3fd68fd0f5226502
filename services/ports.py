"""What services need from the world outside; each Protocol is met by something in `integrations`."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Protocol

from domain.ai.chat import Answer, ToolSpec, Turn
from domain.ai.file_text import FileText
from domain.ai.transcript import Transcript
from domain.ids import ProjectId, TenantId
from domain.operations.queue import JobArgument, JobOrder, Waiting
from domain.values import Sealed, StoredFile


class Vault(Protocol):
    """Keeps secrets: what it seals only it can open, and only under the same context.

    `context` names the place of the secret, such as a column and the id of its row, so that a sealed value
    copied elsewhere does not open.
    """

    def seal(self, text: str, *, context: str) -> Sealed:
        """Return the text encrypted."""
        ...

    def open(self, sealed: Sealed, *, context: str) -> str:
        """Return the text that was sealed under that context."""
        ...


class Storage(Protocol):
    """Keeps files, each tenant's apart, by the hash of their content: the same file twice is kept once."""

    async def store(self, tenant_id: TenantId, chunks: AsyncIterator[bytes]) -> StoredFile:
        """Keep what the chunks make up; when it returns, the file survives a power cut.

        Raises `OSError` when it cannot be written, and whatever the chunks raise; then nothing is kept.
        """
        ...

    def path(self, tenant_id: TenantId, sha256: str) -> Path:
        """Return where a tenant's file is. Raises `ValueError` for anything but a hash."""
        ...

    def sweep(self) -> int:
        """Delete what killed processes left unfinished a day ago or earlier; return how many files. It blocks."""
        ...


class JobQueue(Protocol):
    """Where background work is left for workers; best effort, because its truth is always a row.

    A job that is lost here is found in its table by a sweeper, later. Nothing raises when the queue is away.
    """

    async def enqueue(
        self,
        name: str,
        args: Sequence[JobArgument],
        *,
        id: str,  # noqa: A002 The queue's word.
        queue: str,
        at: datetime | None = None,
        project_id: ProjectId | None = None,
    ) -> int:
        """Leave one job; return 1 if it waits now, 0 if the queue is away.

        A job that waits already is not doubled, only brought forward, unless it pauses before it is repeated. One
        that is running is not queued again.
        """
        ...

    async def enqueue_many(self, orders: Sequence[JobOrder]) -> int:
        """Leave several jobs in one round trip; return how many wait now."""
        ...

    async def cancel(self, id: str) -> bool:  # noqa: A002 As above.
        """Take a job out of its queue, or have its worker stop it; return whether there was one."""
        ...

    async def waiting(self, tenant_id: TenantId | None = None) -> Mapping[str, Waiting] | None:
        """Return what waits by queue, of one tenant or in all; None when the queue is away."""


class ChatModel(Protocol):
    """Speaks to a provider of language models; pictures are described by showing them to it."""

    async def complete(
        self,
        turns: Sequence[Turn],
        *,
        model: str | None = None,
        tools: Sequence[ToolSpec] = (),
        max_tokens: int | None = None,
        temperature: float | None = None,
        schema: dict[str, object] | None = None,
        timeout: float = 60.0,  # noqa: ASYNC109 The client that is called keeps it.
    ) -> Answer:
        """Return the next turn. `model` is the provider's usual one unless named.

        With a `schema` (JSON schema of an object) the answer's text is JSON; that it obeys the schema is for the
        caller to check. `timeout` in seconds bounds the whole call, waiting for a free place included.

        Raises `integrations.errors.Rejected` for what repeating cannot mend, `Malformed` for an answer that
        nobody can read, and `Unavailable`, perhaps with `retry_after`, when it may work later.
        """
        ...


class Transcriber(Protocol):
    """Writes down what is said in a recording."""

    async def transcribe(
        self,
        path: Path,
        *,
        mime_type: str,
        language: str | None = None,
        prompt: str | None = None,
        model: str | None = None,
        timeout: float = 120.0,  # noqa: ASYNC109 The client that is called keeps it.
    ) -> Transcript:
        """Return the words of the recording. `language` in ISO 639-1, such as `pt`; None lets the model find out.

        `prompt` gives names and words that are likely to be said. Raises what `ChatModel.complete` does.
        """
        ...


class FileReader(Protocol):
    """Reads the text of files here, without any provider."""

    def reads(self, mime_type: str) -> bool:
        """Whether files of this type can be read at all."""
        ...

    async def read(self, path: Path, *, mime_type: str) -> FileText:
        """Return the text of a file, which may be hostile: it is read by another process, within limits.

        Raises `integrations.errors.Rejected`: `NOT_A_PDF`, `NOT_A_DOCX` …, `NOT_AN_IMAGE`, `NOT_TEXT` for a file
        that is not what it is called; `EMPTY`, `ENCRYPTED`, `UNSUPPORTED`, `UNREADABLE`; `TOO_LARGE`, `TOO_SLOW`,
        `OUT_OF_MEMORY`, `ZIP_BOMB`, `HOSTILE_XML`; `NO_FILE` when it is gone.
        """
        ...
