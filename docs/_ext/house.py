"""Directives that print what the code knows, so that a page cannot drift from it."""

import re
from collections.abc import Callable, Iterable, Iterator

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

import gateway_tables
import tables

Row = tuple[str, ...]


def list_table(rows: Iterable[Row], *, header: Row, widths: str) -> Iterator[str]:
    """A reStructuredText table."""
    yield ".. list-table::"
    yield "   :header-rows: 1"
    yield f"   :widths: {widths}"
    yield ""
    for row in (header, *rows):
        for place, cell in enumerate(row):
            yield f"   {'* -' if place == 0 else '  -'} {cell}"
    yield ""


def definitions(pairs: Iterable[tuple[str, str]], *, directive: str = "") -> Iterator[str]:
    """Terms with their meanings; ``directive`` may make a glossary of them."""
    indent = "   " if directive else ""
    if directive:
        yield from (directive, "")
    for term, meaning in pairs:
        yield f"{indent}{term}"
        yield f"{indent}   {meaning}"
        yield ""


def commands() -> Iterator[str]:
    """A section per command."""
    for name, text, rows in tables.commands():
        yield from (name, "~" * len(name), "", *_with_options(text).splitlines(), "")
        if rows:
            yield from list_table(rows, header=("Option", ""), widths="38 62")


def _with_options(text: str) -> str:
    # Written plainly in a help text; as prose two hyphens would become a dash.
    return re.sub(r"(?<![\w`-])--[\w-]+", r"``\g<0>``", text)


def _printing(lines: Callable[[], Iterable[str]]) -> type[SphinxDirective]:
    class Printing(SphinxDirective):
        def run(self) -> list[nodes.Node]:
            return self.parse_text_to_nodes("\n".join(lines()), allow_section_headings=True)

    return Printing


DIRECTIVES: dict[str, Callable[[], Iterable[str]]] = {
    "house-nouns": lambda: definitions(tables.nouns(), directive=".. glossary::"),
    "house-errors": tables.errors,
    "house-failures": lambda: list_table(
        tables.failures(),
        header=("After", "Next entry at once", "Same entry again", "Counts for the breaker", "Rests at least"),
        widths="32 17 17 17 17",
    ),
    "house-statuses": lambda: list_table(tables.statuses(), header=("Status", "Becomes"), widths="20 80"),
    "house-codes": lambda: list_table(tables.codes(), header=("Vendor's code", "Becomes"), widths="40 60"),
    "house-places": lambda: list_table(
        tables.places(), header=("Id", "Provider", "Tier", "Model"), widths="8 14 14 64"
    ),
    "house-retirements": lambda: list_table(
        tables.retirements(), header=("Retires on", "Provider", "Model", "Successor"), widths="16 16 40 28"
    ),
    "house-vendors": lambda: list_table(
        tables.vendors(), header=("Provider", "Address", "Variable of the key"), widths="18 54 28"
    ),
    "house-commands": commands,
    "gateway-surfaces": lambda: list_table(
        gateway_tables.surfaces(), header=("Asked at", "Shape", "Byte for byte from"), widths="30 14 56"
    ),
    "gateway-options": lambda: list_table(
        gateway_tables.options(), header=("Behind the key", "Allows"), widths="40 60"
    ),
    "gateway-scopes": lambda: list_table(gateway_tables.scopes(), header=("Scope", "Lets a key ask"), widths="20 80"),
    "gateway-variables": lambda: list_table(
        gateway_tables.variables(), header=("Variable", "What it does", "Without it"), widths="38 40 22"
    ),
    "gateway-refusals": lambda: list_table(
        gateway_tables.refusals(),
        header=("Status", "OpenAI's type", "OpenAI's code", "Anthropic's type"),
        widths="10 30 30 30",
    ),
    "gateway-failures": lambda: list_table(
        gateway_tables.failures(),
        header=("After", "Status", "OpenAI's type", "OpenAI's code", "Anthropic's type"),
        widths="28 8 22 22 20",
    ),
    "gateway-native": lambda: list_table(gateway_tables.native(), header=("Asked at", "Fields"), widths="30 70"),
    "house-variables": lambda: list_table(tables.variables(), header=("Variable", "What it does"), widths="45 55"),
}


def setup(app: Sphinx) -> dict[str, bool]:
    for name, lines in DIRECTIVES.items():
        app.add_directive(name, _printing(lines))
    return {"parallel_read_safe": True}
