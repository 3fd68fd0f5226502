"""Keeps what became of jobs: reports gather in memory and are written together, after the fact.

A job that ends before the next writing costs a share of one statement; a longer one two. None of it happens in
the job's own transaction, and a job never waits for it.
"""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog
from prometheus_client import Counter

from domain.operations.job_run import JobStatus
from jobs.cancelling import end
from persistence.database import Database
from persistence.operations import job_runs
from persistence.operations.job_runs import JobReport
from persistence.outages import heed_cancellation

log = structlog.get_logger()

WRITE_SECONDS = 0.25
_AT_ONCE = 1_000
_MOST_KEPT = 20_000
_FAREWELL_SECONDS = 2.0

DROPPED = Counter(
    "ventros_job_reports_dropped", "Reports of jobs that were lost because PostgreSQL was away."
)


class JobHistory:
    """The reports of one process. `share` of the jobs that succeed at once are kept; whatever fails is."""

    def __init__(self, database: Database, *, share: float = 1.0) -> None:
        self._database = database
        self._share = share
        self._reports: dict[object, JobReport] = {}
        self._written: set[object] = set()
        self._dice = random.Random()  # noqa: S311 Which successes are kept is no secret.

    def begun(self, report: JobReport) -> None:
        """Note that an attempt began."""
        self._reports[report.id] = report

    def ended(self, report: JobReport) -> None:
        """Note what came of an attempt."""
        is_shown = report.id in self._written or report.retried_from_id is not None or report.attempts > 1
        self._written.discard(report.id)
        if report.status is JobStatus.SUCCEEDED and not is_shown and self._dice.random() >= self._share:
            self._reports.pop(report.id, None)
            return
        self._reports[report.id] = report

    async def run(self) -> None:
        """Write until cancelled, through outages of PostgreSQL."""
        while True:
            await asyncio.sleep(WRITE_SECONDS)
            try:
                await self.write()
            except Exception as error:  # noqa: BLE001 The reports wait for the next turn.
                heed_cancellation()
                log.warning("jobs.history_paused", error=type(error).__name__)

    async def write(self) -> None:
        """Write every report that has gathered."""
        while self._reports:
            batch = dict(list(self._reports.items())[:_AT_ONCE])
            for key in batch:
                del self._reports[key]
            # Before they are written: what ends meanwhile has to be written as well.
            self._written |= {key for key, report in batch.items() if report.status is JobStatus.RUNNING}
            try:
                await job_runs.write(self._database.system, list(batch.values()))
            except BaseException:
                # Newer reports of the same jobs stay.
                self._reports = {**batch, **self._reports}
                self._forget_some()
                raise

    def _forget_some(self) -> None:
        for status in (JobStatus.SUCCEEDED, None):
            for key, report in list(self._reports.items()):
                if len(self._reports) <= _MOST_KEPT:
                    return
                if status is None or report.status is status:
                    del self._reports[key]
                    DROPPED.inc()


@asynccontextmanager
async def keeping(history: JobHistory) -> AsyncIterator[JobHistory]:
    """Write the history for as long as the block lasts, and what has gathered at its end."""
    task = asyncio.create_task(history.run(), name="job history")
    try:
        yield history
    finally:
        await end([task])
        try:
            async with asyncio.timeout(_FAREWELL_SECONDS):
                await history.write()
        except Exception as error:  # noqa: BLE001 There is no next turn.
            log.warning("jobs.history_lost", error=type(error).__name__)
