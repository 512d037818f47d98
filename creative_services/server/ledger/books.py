"""What is written down about each call: its line in the ledger."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final, Protocol

from creative_services.core.completions import Attempt
from creative_services.core.usage import Usage
from creative_services.server.callers.problems import reason_of
from creative_services.server.ledger.access_log import log_call
from creative_services.server.ledger.lines import line_of
from creative_services.server.operations.tallies import Tallies
from creative_services.server.visits.visit import Visit

# A name this long is nobody's model; a caller may write one as long as a body may be.
_LONGEST_NAME: Final = 200


class Keeper(Protocol):
    """Keeps what is written down."""

    counts: Tallies

    append: Callable[[bytes], None]  # a line of the ledger, safe when it returns, which takes about a microsecond

    @property
    def may_write(self) -> bool:
        """Whether another call's record will be safe."""
        ...


class Books:
    """Writes."""

    __slots__ = ("_append", "_counts", "_keeper", "_logs", "_now", "_time")

    def __init__(
        self, keeper: Keeper, *, now: Callable[[], float], time: Callable[[], float], logs: bool = False
    ) -> None:
        self._keeper = keeper
        self._append = keeper.append
        self._counts = keeper.counts
        self._logs = logs  # each request in the log too; writing there may wait for a disk or a terminal
        self._now = now
        self._time = time

    def record(self, visit: Visit, status: int, error: BaseException | None = None) -> None:
        """The call is over as far as its caller is concerned. Once per visit."""
        visit.status = status
        attempts = visit.run.attempts if visit.run is not None else []
        usage, cost = spent(attempts)
        seconds = self._now() - visit.started
        self._append(line_of(self._head(visit, status, error, attempts, seconds), usage, cost))
        entry = attempts[-1].llm if attempts else None
        if self._logs:
            log_call(visit, status, seconds, error=error, entry=entry, usage=usage, cost=cost)
        if entry is None and error is not None:  # a budget's doing, say: no entry was asked
            self._counts.refusal(reason_of(error))
            return
        tier, provider = (entry.tier, entry.provider) if entry else ("", "")
        told = "200" if status == 200 else str(status)
        self._counts.call((visit.surface.name, tier, provider, told), seconds, usage, cost)

    @property
    def open(self) -> bool:
        """Whether another call may begin: what it costs will be recorded."""
        return self._keeper.may_write

    def refused(self, visit: Visit, status: int, error: BaseException) -> None:
        """A request was turned away before any entry was asked."""
        self._counts.refusal(reason_of(error))
        if self._logs:
            log_call(visit, status, self._now() - visit.started, error=error)

    def _head(
        self, visit: Visit, status: int, error: BaseException | None, attempts: list[Attempt], seconds: float
    ) -> tuple[Any, ...]:
        key = visit.key
        entry = attempts[-1].llm if attempts else None
        return (
            visit.request_id,
            self._time(),
            seconds,
            visit.surface.name,
            status,
            visit.document["model"][:_LONGEST_NAME],
            key.id if key else "",
            key.owner if key else "",
            visit.streamed,
            type(error).__name__ if error is not None else "",
            len(attempts),
            *((entry.id, entry.provider, entry.model, entry.tier) if entry else (None, "", "", "")),
        )


def spent(attempts: list[Attempt]) -> tuple[Usage | None, Decimal | None]:
    """Usage and cost of every try the vendor may have charged for, failed ones too."""
    if len(attempts) == 1:
        return attempts[0].usage, attempts[0].cost
    charged = [attempt for attempt in attempts if attempt.usage]
    if not charged:
        return None, None
    usages = [attempt.usage for attempt in charged if attempt.usage]
    costs = [attempt.cost for attempt in charged]
    known = [cost for cost in costs if cost is not None]
    # An unknown part makes the sum unknown: it is not 0.
    return sum(usages[1:], usages[0]), sum(known, Decimal(0)) if len(known) == len(costs) else None
