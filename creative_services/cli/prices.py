"""``creative-services prices``: the price of every model this version describes, as vendors print it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from creative_services.cli.console import console, on_terminal, remark, say_json
from creative_services.cli.options import AsJson
from creative_services.cli.surroundings import today
from creative_services.cli.tables import airy_table, say_columns
from creative_services.cli.words import per_million
from creative_services.core.pricing import Pricing, Rates

if TYPE_CHECKING:
    from rich.table import Table

Provider = Annotated[
    str | None, typer.Option("--provider", metavar="NAME", help="Only this vendor's.", show_default=False)
]

_COLUMNS: Final = ("PROVIDER", "MODEL", "PROMPT", "IN/1M", "CACHED/1M", "OUT/1M", "RETIRES")


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A model's rates, for prompts of one range of lengths."""

    provider: str
    model: str
    above: int
    rates: Rates
    retires_on: str


def prices(provider: Provider = None, as_json: AsJson = False) -> None:
    """List what the known models cost per million tokens, long-prompt rates included."""
    found = list(_lines(provider))
    if not found:
        remark(f"No model of {provider!r} is described here.")
    elif as_json:
        say_json([_record(line) for line in found])
    elif on_terminal():
        console().print(_table(found))
    else:
        say_columns(_COLUMNS, map(_cells, found))
    if not found:
        raise typer.Exit(1)


def _lines(provider: str | None) -> Iterator[Line]:
    from creative_services.catalog.defaults import defaults
    from creative_services.catalog.prices import price_of

    for known in defaults().models.values():
        card = price_of(known.provider, known.model, today()) if known.name else None
        if card is not None and provider in (None, known.provider):
            retires = known.retires_on.isoformat() if known.retires_on else ""
            for above, rates in _bands(card):
                yield Line(provider=known.provider, model=known.model, above=above, rates=rates, retires_on=retires)


def _bands(card: Pricing) -> Iterator[tuple[int, Rates]]:
    yield 0, card.rates
    for band in card.bands:
        yield band.above, band.rates


def _record(line: Line) -> dict[str, Any]:
    rates = line.rates
    return {
        "provider": line.provider,
        "model": line.model,
        "prompts_above": line.above,
        "usd_per_1m": {
            "input": _amount(rates.input),
            "cached_input": _amount(rates.cached_input),
            "output": _amount(rates.output),
        },
        "retires_on": line.retires_on or None,
    }


def _amount(price: Any) -> str | None:
    return None if price is None else per_million(price)


def _cells(line: Line) -> tuple[str, ...]:
    rates = line.rates
    return (
        line.provider,
        line.model,
        f"> {line.above // 1000}k" if line.above else "",
        per_million(rates.input),
        "" if rates.cached_input is None else per_million(rates.cached_input),
        per_million(rates.output),
        line.retires_on,
    )


def _table(found: list[Line]) -> "Table":
    table = airy_table()
    table.caption, table.caption_justify = "USD per 1M tokens", "left"
    for heading in ("Vendor", "Model", "Prompt"):
        table.add_column(heading, overflow="fold")
    for heading in ("In", "Cached", "Out"):
        table.add_column(heading, justify="right")
    table.add_column("Retires", no_wrap=True)
    for line in found:
        table.add_row(*_cells(line), style="dim" if line.above else "")
    return table
