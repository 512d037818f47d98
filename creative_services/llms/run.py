"""One call on its way: entries are asked in turn until one answers, none is left, or the time is up."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypeVar

from creative_services.core.budgets import Reservation
from creative_services.core.completions import Attempt, EmbeddingResponse, LLMResponse, Request
from creative_services.core.errors import CallCancelledError, CreativeServicesError, ProviderError, TimedOutError
from creative_services.core.estimates import estimated_usage
from creative_services.core.events import Answered, Attempted, Call
from creative_services.core.failures import policy_for
from creative_services.core.llm_registry import LLMEntry
from creative_services.core.retries import full_jitter
from creative_services.core.secrets import without_frames
from creative_services.core.usage import Usage
from creative_services.llms.desk import Desk
from creative_services.llms.plan import Plan, no_entry

T = TypeVar("T")
Reach = Callable[[LLMEntry], Awaitable[T]]


@dataclass(frozen=True, slots=True)
class Try:
    """A try under way: who is asked, since when, and the money set aside for it."""

    llm: LLMEntry
    started: float
    held: tuple[Reservation, ...]


class Run:
    """Asks, accounts and tells for one call. Generation, streams and embeddings all go this one way."""

    __slots__ = ("_deadline", "_desk", "_now", "_open", "_plan", "_repeats", "_started", "attempts", "call", "request")

    def __init__(self, desk: Desk, plan: Plan, call: Call, request: Request, timeout: float | None) -> None:
        self._desk = desk
        self._now = desk.clock.now
        self._plan = plan
        self.call = call
        self.request = request
        self._started = self._now()
        self._deadline = self._started + (timeout or desk.patience.timeout)
        self._open: Try | None = None
        self._repeats = 0
        self.attempts: list[Attempt] = []

    async def ask(self, reach: Reach[T]) -> T:
        """The first good result. The try stays open until ``finish``, since a stream's first piece is not its end."""
        options = self._plan.options()
        entry = next(options, None)
        if entry is None:
            raise await no_entry(self._desk.registry, self._plan)
        self._desk.health.retries = self._desk.health.retries.earned()
        while True:
            # Looking one ahead tells how much of the time this try may take.
            following = next(options, None)
            try:
                return await self._try(entry, reach, others_wait=following is not None)
            except CreativeServicesError as error:
                next_one = following or await self._again(error)
                if not policy_for(error).moves_on or next_one is None:
                    raise
                entry = next_one

    async def _try(self, entry: LLMEntry, reach: Reach[T], *, others_wait: bool) -> T:
        desk = self._desk
        if desk.guard:
            await desk.guard.before_call(entry)
        if not desk.shelf.has(entry):
            await self._fetch_provider(entry)
        held: tuple[Reservation, ...] = ()
        if desk.accounts:
            held = await desk.accounts.reserve(entry, self.request, user=self.call.user_id, at=desk.clock.utcnow())
        self._open = Try(entry, self._now(), held)
        desk.health.departs(entry)
        try:
            async with self.within(self._share(others_wait)):
                return await reach(entry)
        except CreativeServicesError as error:
            await self.fail(error)
            raise
        except TimeoutError as late:
            silent = TimedOutError(f"no answer within {self._now() - self._open.started:.2f} s", llm=entry)
            await self.fail(silent)
            raise silent from without_frames(late)
        except BaseException as end:
            await self.abandon()
            if isinstance(end, asyncio.CancelledError):
                without_frames(end)
            raise

    def within(self, seconds: float) -> AbstractAsyncContextManager[Any]:
        """Raises ``TimeoutError`` in whatever takes longer. A server with many calls at once has its own timer."""
        return asyncio.timeout(seconds)

    async def _fetch_provider(self, entry: LLMEntry) -> None:
        began = self._now()
        await self._desk.shelf.fetch(entry)
        # Importing an SDK, once per process, is our business: it is not taken off the vendor's time to answer.
        self._deadline += self._now() - began

    def _share(self, others_wait: bool) -> float:
        left = max(0.0, self._deadline - self._now())
        limit = self._desk.patience.attempt_timeout
        if limit is not None:
            return min(left, limit)
        return left / 2 if others_wait else left

    def time_left(self) -> float:
        """Seconds until the call's deadline."""
        return self._deadline - self._now()

    async def _again(self, error: CreativeServicesError) -> LLMEntry | None:
        """With every entry tried: pause, and name the one to ask again; None when time, tries or budget forbid it."""
        asked = self._repeatable()
        if not asked or not policy_for(error).moves_on or self._repeats >= self._desk.patience.max_retries:
            return None
        entry, wait = min(asked, key=lambda each: each[1])
        pause = max(wait, full_jitter(self._repeats, self._desk.chance()))
        if pause >= self.time_left() or not self._desk.health.may_retry():
            return None
        self._repeats += 1
        await self._desk.clock.sleep(pause)
        return entry

    def _repeatable(self) -> list[tuple[LLMEntry, float]]:
        last = {attempt.llm.id: attempt for attempt in self.attempts if attempt.error}
        return [
            (attempt.llm, getattr(attempt.error, "retry_after", None) or 0.0)
            for attempt in last.values()
            if attempt.error and policy_for(attempt.error).repeats
        ]

    async def finish(self, usage: Usage | None) -> Attempt:
        """The open try came back well."""
        self._desk.health.succeeded(self._open_try().llm)
        return await self._close(usage, None)

    async def fail(self, error: CreativeServicesError, usage: Usage | None = None) -> Attempt:
        """The open try failed; ``usage`` is what a broken stream had used by then."""
        self._desk.health.failed(self._open_try().llm, error)
        return await self._close(usage or self._maybe_billed(error), error)

    async def abandon(self, answer: str | int = "", usage: Usage | None = None) -> None:
        """The caller gave up, or a stranger's provider crashed: the vendor may charge for what it did so far."""
        if self._open is not None:
            await self._close(
                usage or estimated_usage(self.request.messages, answer),
                CallCancelledError(f"{self._open.llm}: the call was given up before its answer was complete."),
            )

    def _maybe_billed(self, error: CreativeServicesError) -> Usage | None:
        # A vendor that timed out has read the prompt, and may well charge for it; other failures are free.
        return estimated_usage(self.request.messages, "") if isinstance(error, TimedOutError) else None

    async def _close(self, usage: Usage | None, error: CreativeServicesError | None) -> Attempt:
        open_try, self._open = self._open_try(), None
        cost = open_try.llm.cost(usage) if usage else None
        attempt = Attempt(
            llm=open_try.llm,
            seconds=self._now() - open_try.started,
            started=open_try.started - self._started,
            error=error,
            usage=usage,
            cost=cost,
        )
        self.attempts.append(attempt)
        if open_try.held:
            await self._desk.accounts.settle(open_try.held, Decimal(0) if usage is None else cost)
        if self._desk.bell:
            self._desk.bell.ring(
                Attempted(
                    call=self.call, number=len(self.attempts), attempt=attempt, ended_at=self._desk.clock.utcnow()
                )
            )
        return attempt

    def _open_try(self) -> Try:
        assert self._open is not None, "a try is closed once"
        return self._open

    @property
    def seconds(self) -> float:
        """How long the call has taken so far."""
        return self._now() - self._started

    def spent(self) -> tuple[Usage | None, Decimal | None]:
        """Usage and cost of every successful try: two when an answer had to be repaired."""
        usages = [each.usage for each in self.attempts if each.usage and not each.error]
        costs = [each.cost for each in self.attempts if each.usage and not each.error]
        if not usages:
            return None, None
        cost = None if None in costs else sum((c for c in costs if c is not None), Decimal(0))
        return sum(usages[1:], usages[0]), cost

    def tell(self, response: LLMResponse | EmbeddingResponse | None, error: BaseException | None = None) -> None:
        """The call is over."""
        if isinstance(error, ProviderError):
            error.attempts = tuple(self.attempts)
        if self._desk.bell:
            self._desk.bell.ring(
                Answered(
                    call=self.call,
                    ended_at=self._desk.clock.utcnow(),
                    seconds=self.seconds,
                    attempts=tuple(self.attempts),
                    response=response,
                    error=error,
                )
            )


@asynccontextmanager
async def telling_failure(run: Run) -> AsyncIterator[None]:
    """Whatever ends the call early is told to the listeners on its way to the caller."""
    try:
        yield
    except BaseException as error:
        run.tell(None, error)
        raise
