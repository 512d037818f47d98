"""The usage ledger as a listener: every try is a row, failed and cancelled ones too."""

from pathlib import Path
from types import TracebackType
from typing import Self

from creative_services.core.events import Attempted, Event
from creative_services.telemetry.json_lines import JsonLines
from creative_services.telemetry.ledger import By, Total, UsageLedger, UsageRow


class UsageListener:
    """Adds up tokens and money per tier, entry, user and day; ``path`` names a file that gets each row as JSON."""

    def __init__(self, path: str | Path | None = None, *, keep: int = 10_000) -> None:
        self.ledger = UsageLedger(keep=keep)
        self.file = None if path is None else JsonLines(path, plain=UsageRow.record)

    def __call__(self, event: Event) -> None:
        """Enter a try; that a call is over costs nothing more."""
        if isinstance(event, Attempted):
            row = UsageRow.of(event)
            self.ledger.add(row)
            if self.file is not None:
                self.file.write(row)

    def rows(self) -> tuple[UsageRow, ...]:
        """The last rows, oldest first."""
        return self.ledger.rows()

    def totals(self, by: By) -> dict[str, Total]:
        """The sums per ``"tier"``, ``"entry"``, ``"user"`` or ``"day"``."""
        return self.ledger.totals(by)

    @property
    def total(self) -> Total:
        """The sum of everything."""
        return self.ledger.total

    def flush(self, timeout: float = 5.0) -> bool:
        """Wait until every row is in the file; True when there is no file to wait for."""
        return self.file.flush(timeout) if self.file else True

    def close(self, timeout: float = 5.0) -> bool:
        """Write what is left and let the file go; sums and rows stay readable."""
        return self.file.close(timeout) if self.file else True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
