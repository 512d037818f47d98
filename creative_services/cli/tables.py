"""A listing for programs: aligned columns without frames, colours or line breaks, the same on every machine."""

from collections.abc import Iterable, Sequence

from creative_services.cli.console import say


def say_columns(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """The heading and a line per row; two blanks part the columns, and ``-`` stands for nothing."""
    lines = [tuple(headings), *(tuple(cell or "-" for cell in row) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        say("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
