"""How far a batch is: told to a function of yours, drawn by rich, or printed line by line."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from decimal import Decimal

from creative_services.core.completions import LLMResponse


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """Counts of a batch under way."""

    total: int
    done: int = 0
    failed: int = 0
    cost: Decimal = Decimal(0)

    def plus(self, response: LLMResponse | None) -> "Tally":
        """After one more prompt; None is a failed one."""
        if response is None:
            return replace(self, done=self.done + 1, failed=self.failed + 1)
        return replace(self, done=self.done + 1, cost=self.cost + (response.cost or Decimal(0)))

    def __str__(self) -> str:
        failed = f", {self.failed} failed" if self.failed else ""
        return f"{self.done}/{self.total}{failed}, {self.cost:f} USD"


Progress = Callable[[Tally], None]


def no_progress(tally: Tally) -> None:
    """For whoever does not want to know."""


@contextmanager
def open_progress(progress: bool | Progress, total: int) -> Iterator[Progress]:
    """The function to report to."""
    if callable(progress):
        yield progress
        return
    try:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as Bar
    except ImportError:
        yield _by_tenths(total)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    # On stderr, so that a script's own output can still go through a pipe.
    screen = Console(stderr=True)
    with Bar(*columns, console=screen, transient=False, redirect_stdout=False, redirect_stderr=False) as bar:
        task = bar.add_task("asking", total=total)
        yield lambda tally: bar.update(task, completed=tally.done, description=f"{tally.cost:f} USD")


def _by_tenths(total: int) -> Progress:
    # Without rich a line per tenth is enough to see that it moves, and readable in a log file.
    step = max(1, total // 10)

    def report(tally: Tally) -> None:
        if tally.done % step == 0 or tally.done == total:
            print(tally, file=sys.stderr)  # noqa: T201 - the caller asked for progress on the terminal

    return report
