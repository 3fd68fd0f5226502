"""The talk between an agent's model and its tools, step by step; each step is stored before it is acted on."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from domain.ai.chat import Finish, ToolCall, ToolSpec, Turn, result_of
from domain.ai.price import Prices
from domain.ai.prompt import turns_of
from domain.ai.quoting import mark_of, quoted
from domain.ai.run import RunStep, ToolOutcome
from domain.ai.tools import (
    ESCALATE,
    STAY_SILENT,
    BadArguments,
    EscalateToHuman,
    StaySilent,
    offered,
    read_arguments,
    spec_of,
)
from domain.errors import Conflict, DomainError
from integrations.errors import Malformed, Rejected
from persistence.database import Database
from persistence.events import Cause
from services.ai import memory, steps
from services.ai.assignments import Assignment
from services.ai.steps import Place
from services.ports import ChatModel

_ENDING = (ESCALATE, STAY_SILENT)
_TRIES = 2
"""How often a question is asked whose answer nobody can read."""


@dataclass(frozen=True, slots=True)
class Reply:
    """The agent answers."""

    text: str


Ending = Reply | EscalateToHuman | StaySilent


class Lost(Exception):
    """The burst is not this worker's any more, or a person was faster; the ending finds out which."""


class Talk:
    """One agent's talk about one burst."""

    def __init__(
        self,
        database: Database,
        assignment: Assignment,
        cause: Cause,
        *,
        chat_model: ChatModel,
        prices: Prices,
    ) -> None:
        self.database = database
        self.assignment = assignment
        self.cause = cause
        self.chat_model = chat_model
        self.prices = prices
        # Whoever writes to us cannot know the id of a run before it is over.
        self.mark = mark_of(str(assignment.run_id))
        self.names = offered(assignment.settings.tools, can_escalate=assignment.settings.can_escalate)
        self.calls_left = assignment.settings.max_tool_calls

    async def hold(self) -> Ending:
        """Talk until the model answers, is silent or hands over.

        Raises `Lost`, and what `ChatModel.complete` raises; answers that nobody can read are asked for once more.
        """
        specs = [spec_of(name) for name in self.names]
        viewer = self.assignment.viewer
        async with self.database.reading(viewer.tenant_id) as reader:
            material = await memory.gather(reader, viewer, assignment=self.assignment)
        turns: list[Turn] = list(turns_of(self.assignment.settings, material, mark=self.mark, tools=specs))
        # Every call takes an answer at most, and one more answer says what came of them all.
        for number in range(self.assignment.settings.max_tool_calls + 2):
            stored = self.assignment.steps
            step = stored[number] if number < len(stored) else await self._ask(turns)
            turns.append(step.answer.turn)
            if not step.tool_calls:
                return Reply(step.text)
            ending: Ending | None = None
            for place, call in enumerate(step.tool_calls):
                turns.append(result_of(call, await self._result(step, Place(step=number, call=place), call)))
                ending = ending or self._ending(call)
            if ending is not None:
                return ending
        raise Malformed("The model called tools without end.", code="NO_END")

    async def _ask(self, turns: Sequence[Turn]) -> RunStep:
        settings, clock = self.assignment.settings, self.database.clock
        problem: Malformed | None = None
        for _ in range(_TRIES):
            began = clock.now()
            try:
                answer = await self.chat_model.complete(
                    turns,
                    model=settings.model,
                    tools=self._specs_now(),
                    max_tokens=settings.output_tokens,
                    temperature=settings.temperature,
                )
            except Malformed as error:
                problem = error
                continue
            is_usable = (
                bool(answer.tool_calls or answer.text.strip()) and answer.finish is not Finish.FILTERED
            )
            async with self.database.writing(self.assignment.viewer.tenant_id, self.cause) as uow:
                step = await steps.keep_answer(
                    uow,
                    self.assignment.viewer,
                    assignment=self.assignment,
                    answer=answer,
                    is_usable=is_usable,
                    cost=self.prices.of_answer(answer.usage, model=answer.model, asked=answer.asked),
                    latency_ms=int((clock.now() - began) / timedelta(milliseconds=1)),
                )
            if answer.finish is Finish.FILTERED:
                raise Rejected("The model was not let answer.", code="FILTERED")
            if is_usable and step is None:
                raise Lost
            if step is not None:
                return step
            problem = Malformed("The model answered nothing.", code="EMPTY")
        assert problem is not None  # noqa: S101 Each try without an answer leaves a problem.
        raise problem

    async def _result(self, step: RunStep, place: Place, call: ToolCall) -> str:
        """Return what a call returned, from an earlier attempt or now."""
        is_ending = call.name in _ENDING
        known = step.results.get(str(place.call))
        if known is not None:
            self.calls_left -= not is_ending
            return known
        viewer, writing = self.assignment.viewer, self.database.writing
        if self.calls_left <= 0 and not is_ending:
            return await self._refuse(place, call, ToolOutcome.EXCESS, "No further calls; answer now.")
        self.calls_left -= not is_ending
        try:
            async with writing(viewer.tenant_id, self.cause) as uow:
                return await steps.call_tool(
                    uow,
                    viewer,
                    assignment=self.assignment,
                    place=place,
                    call=call,
                    mark=self.mark,
                    clock=self.database.clock,
                )
        except Conflict as error:
            raise Lost from error
        except DomainError as error:
            return await self._refuse(place, call, ToolOutcome.REFUSED, error.message)

    async def _refuse(self, place: Place, call: ToolCall, outcome: ToolOutcome, why: str) -> str:
        viewer = self.assignment.viewer
        try:
            async with self.database.writing(viewer.tenant_id, self.cause) as uow:
                return await steps.refuse_tool(
                    uow,
                    viewer,
                    assignment=self.assignment,
                    place=place,
                    call=call,
                    outcome=outcome,
                    result=quoted({"error": why}),
                )
        except Conflict as error:
            raise Lost from error

    def _ending(self, call: ToolCall) -> EscalateToHuman | StaySilent | None:
        if call.name not in _ENDING or call.name not in self.names:
            return None
        found = read_arguments(call.name, call.arguments)
        if isinstance(found, BadArguments):
            return None
        return found if isinstance(found, EscalateToHuman | StaySilent) else None

    def _specs_now(self) -> list[ToolSpec]:
        return [spec_of(name) for name in self.names if self.calls_left > 0 or name in _ENDING]
