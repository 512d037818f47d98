"""Listings: framed by nothing, for people in colours and two lines a row, for programs in plain columns."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from creative_services.cli.console import say
from creative_services.core.llm_registry import LLMEntry

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text


def say_columns(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """The heading and a line per row, the same on every machine; ``-`` stands for nothing."""
    lines = [tuple(headings), *(tuple(cell or "-" for cell in row) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        say("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def airy_table() -> "Table":
    """A table that blanks hold together."""
    from rich.table import Table

    return Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")


def who(llm: LLMEntry, *, wins: bool = False) -> "Text":
    """An entry in two lines: what it is called and by whom, and its model."""
    from rich.text import Text

    return Text.assemble((llm.name, "bold" if wins else ""), (f" ({llm.provider})", "dim"), "\n", (llm.model, "dim"))
