"""One run of an agent over one burst: what it did, how it ended, and what it cost."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import Enum
from typing import ClassVar

from domain.ai.chat import Answer, Finish, ToolCall, Usage
from domain.base import Aggregate, Event
from domain.errors import InvalidState
from domain.ids import (
    AgentId,
    AiRunId,
    ChannelId,
    ChatId,
    ContactId,
    MessageGroupId,
    ProjectId,
    SessionId,
    TenantId,
    new_id,
)

ERROR_LIMIT = 500
PATIENCE = timedelta(minutes=10)
"""How long a run may take before somebody looks whether it was abandoned."""


class RunOutcome(Enum):
    """How a run ended."""

    REPLIED = "REPLIED"
    SILENT = "SILENT"
    ESCALATED = "ESCALATED"
    SUPERSEDED = "SUPERSEDED"
    BUDGET = "BUDGET"
    FAILED = "FAILED"


class ToolOutcome(Enum):
    """What came of a call: done; not understood or refused by a rule; not this agent's to call; one too many."""

    DONE = "DONE"
    REFUSED = "REFUSED"
    FORBIDDEN = "FORBIDDEN"
    EXCESS = "EXCESS"


class AiRunStarted(Event, name="ai_run.started"):
    """An agent began to work on a burst."""

    ai_run_id: AiRunId
    message_group_id: MessageGroupId
    chat_id: ChatId
    agent_id: AgentId


class AiRunFinished(Event, name="ai_run.finished"):
    """An agent is done with a burst."""

    ai_run_id: AiRunId
    message_group_id: MessageGroupId
    chat_id: ChatId
    agent_id: AgentId
    outcome: RunOutcome


@dataclass(frozen=True, kw_only=True, slots=True)
class ToolRecord:
    """One call, without what was asked or found: `arguments_hash` is SHA-256 of the arguments as sorted JSON."""

    step: int
    name: str
    arguments_hash: str
    outcome: ToolOutcome
    milliseconds: int


@dataclass(frozen=True, kw_only=True, slots=True)
class RunStep:
    """An answer of the model, kept only until the run ends, with what its calls returned so far, by their place."""

    text: str
    tool_calls: tuple[ToolCall, ...] = ()
    finish: Finish
    model: str
    results: Mapping[str, str] = field(default_factory=dict)

    @property
    def answer(self) -> Answer:
        """The answer as the model gave it, without its count."""
        return Answer(
            text=self.text, tool_calls=self.tool_calls, usage=None, finish=self.finish, model=self.model
        )


@dataclass(eq=False, kw_only=True)
class AiRun(Aggregate):
    """One run; a burst has at most one.

    `steps` are what the model answered so far: whoever takes the burst over after a crash goes on behind them.
    They are emptied when the run ends. `cost_microusd` counts what has a price; `is_cost_known` is False once
    something had none. `latency_ms` is how long the model took, all answers
    together; `due_at` when to look whether the run was abandoned.
    """

    kind: ClassVar[str] = "ai_run"
    id: AiRunId
    tenant_id: TenantId
    project_id: ProjectId
    group_id: MessageGroupId
    chat_id: ChatId
    channel_id: ChannelId
    contact_id: ContactId
    session_id: SessionId | None = None
    agent_id: AgentId
    model: str | None = None
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0
    cost_microusd: int = 0
    is_cost_known: bool = True
    latency_ms: int = 0
    step_count: int = 0
    steps: tuple[RunStep, ...] = ()
    tool_calls: tuple[ToolRecord, ...] = ()
    reply_count: int = 0
    outcome: RunOutcome | None = None
    reason: str | None = None
    error: str | None = None
    started_at: datetime
    finished_at: datetime | None = None
    due_at: datetime | None = None
    updated_at: datetime
    version: int = 1

    @classmethod
    def begin(
        cls,
        *,
        tenant_id: TenantId,
        project_id: ProjectId,
        group_id: MessageGroupId,
        chat_id: ChatId,
        channel_id: ChannelId,
        contact_id: ContactId,
        session_id: SessionId | None,
        agent_id: AgentId,
        at: datetime,
    ) -> "AiRun":
        """Begin to work on a burst."""
        run = cls(
            id=AiRunId(new_id()),
            tenant_id=tenant_id,
            project_id=project_id,
            group_id=group_id,
            chat_id=chat_id,
            channel_id=channel_id,
            contact_id=contact_id,
            session_id=session_id,
            agent_id=agent_id,
            started_at=at,
            due_at=at + PATIENCE,
            updated_at=at,
        )
        run.record(
            AiRunStarted(ai_run_id=run.id, message_group_id=group_id, chat_id=chat_id, agent_id=agent_id),
            at=at,
        )
        return run

    @property
    def is_finished(self) -> bool:
        """Whether nothing happens to it any more."""
        return self.outcome is not None

    @property
    def calls_made(self) -> int:
        """How many calls count against the limit."""
        return sum(one.outcome is not ToolOutcome.EXCESS for one in self.tool_calls)

    def spend(self, usage: Usage | None, *, cost: int | None, latency_ms: int, at: datetime) -> None:
        """Count what an answer took, whether it was of any use or not."""
        if usage is not None:
            self.prompt_tokens += usage.prompt_tokens
            self.completion_tokens += usage.completion_tokens
            self.cached_tokens += usage.cached_tokens
        self.cost_microusd += cost or 0
        self.is_cost_known = self.is_cost_known and cost is not None
        self.latency_ms += latency_ms
        self.touch(at)

    def note_answer(self, answer: Answer, *, at: datetime) -> None:
        """Keep what the model answered before anything is done about it."""
        self._require_open()
        self.steps = (
            *self.steps,
            RunStep(text=answer.text, tool_calls=answer.tool_calls, finish=answer.finish, model=answer.model),
        )
        self.model, self.step_count = answer.model, self.step_count + 1
        self.touch(at)

    def note_result(self, place: int, result: str, *, record: ToolRecord, at: datetime) -> None:
        """Keep what the call at that place of the latest answer returned, together with its effect."""
        self._require_open()
        *before, last = self.steps
        self.steps = (*before, replace(last, results={**last.results, str(place): result}))
        self.tool_calls = (*self.tool_calls, record)
        self.touch(at)

    def wait(self, *, at: datetime) -> None:
        """Look again later, because somebody still works on the burst."""
        self._require_open()
        self.due_at = at + PATIENCE
        self.touch(at)

    def finish(
        self,
        outcome: RunOutcome,
        *,
        at: datetime,
        reply_count: int = 0,
        reason: str | None = None,
        error: str | None = None,
    ) -> None:
        """End the run and forget what was said in it."""
        self._require_open()
        self.outcome, self.finished_at, self.reply_count, self.steps = outcome, at, reply_count, ()
        self.due_at = None
        self.reason = reason and reason[:ERROR_LIMIT]
        self.error = error and error[:ERROR_LIMIT]
        self.record(
            AiRunFinished(
                ai_run_id=self.id,
                message_group_id=self.group_id,
                chat_id=self.chat_id,
                agent_id=self.agent_id,
                outcome=outcome,
            ),
            at=at,
        )

    def _require_open(self) -> None:
        if self.outcome is not None:
            raise InvalidState(f"The run ended already: {self.outcome.value}.", field=["id"])
