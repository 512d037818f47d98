"""What a subcommand is given, and how it answers."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TextIO

from django.core.management.base import CommandParser, OutputWrapper

OK, FAILED = 0, 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """The options of one run, and where to write."""

    using: str
    out: OutputWrapper | TextIO
    progress: OutputWrapper | TextIO
    as_json: bool = False
    dry_run: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)

    def say(self, text: str) -> None:
        """A line for people; with --json they get none."""
        if not self.as_json:
            self.out.write(f"{text}\n")

    def answer(self, data: Any) -> None:
        """The whole answer for programs, with --json."""
        if self.as_json:
            self.out.write(json.dumps(data, indent=2, default=str, ensure_ascii=False) + "\n")

    def table(self, heads: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        """Columns as wide as what is in them."""
        cells = [list(heads), *([("" if cell is None else str(cell)) for cell in row] for row in rows)]
        widths = [max(len(row[place]) for row in cells) for place in range(len(heads))]
        for row in cells:
            self.say("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


class Subcommand(Protocol):
    """A module of this package."""

    @property
    def HELP(self) -> object:  # noqa: N802 - a constant of the module
        """One sentence, translated when shown."""
        ...

    def add_arguments(self, parser: CommandParser) -> None:
        """Its own options."""
        ...

    def run(self, task: Task) -> int:
        """Do it; the result is the exit code."""
        ...
