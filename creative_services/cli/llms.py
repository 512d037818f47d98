"""``creative-services llms``: which entries there are, who wins each tier, what they cost, when they retire."""

from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from creative_services.cli.console import console, on_terminal, remark, say_json
from creative_services.cli.options import AsJson, Config, Demo
from creative_services.cli.records import amount, entry_record
from creative_services.cli.standing import Standing, standings
from creative_services.cli.surroundings import open_registry, today
from creative_services.cli.tables import airy_table, say_columns, who
from creative_services.cli.words import per_million, per_thousand
from creative_services.core.llm_registry import LLMTier

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

OnlyTier = Annotated[
    LLMTier | None,
    typer.Option("--tier", "-t", metavar="TIER", case_sensitive=False, help="Only this tier.", show_default=False),
]

_STYLES: Final = {"active": "green", "retiring": "yellow", "retired": "red", "off": "dim"}
_COLUMNS: Final = (
    "WINS", "ID", "TIER", "NAME", "MODEL", "IN/1K", "OUT/1K", "IN/1M", "OUT/1M", "STATUS", "RETIRES", "SUCCESSOR",
    "REPLACES",
)  # fmt: skip


def llms(tier: OnlyTier = None, config: Config = None, demo: Demo = False, as_json: AsJson = False) -> None:
    """List the entries: winner of each tier, price, status, retirement.

    The first of each tier, marked with a star, is the one that --tier asks.
    """
    found = standings(open_registry(config, demo=demo), today(), tier)
    if as_json:
        say_json([_record(each) for each in found])
    elif not found:
        remark(f"There is no entry{f' in tier {tier}' if tier else ''}.")
    elif on_terminal():
        console().print(_table(found))
    else:
        say_columns(_COLUMNS, (_cells(each) for each in found))


def _record(each: Standing) -> dict[str, Any]:
    llm = each.llm
    price_in, price_out = llm.cost_per_1k_input, llm.cost_per_1k_output
    return {
        **entry_record(llm),
        "wins": each.wins,
        "status": each.status,
        "usd_per_1k": {"input": amount(price_in), "output": amount(price_out)},
        "usd_per_1m": {
            "input": None if price_in is None else amount(price_in * 1000),
            "output": None if price_out is None else amount(price_out * 1000),
        },
        "price_source": llm.pricing.source or None,
        "retires_on": llm.retires_on.isoformat() if llm.retires_on else None,
        "successor": llm.successor,
        "replaces": each.replaces.model if each.replaces else None,
        "context_window": llm.context_window,
        "capabilities": sorted(llm.capabilities),
        "endpoint": llm.api_endpoint,
    }


def _cells(each: Standing) -> tuple[str, ...]:
    llm = each.llm
    return (
        "*" if each.wins else "",
        str(llm.id),
        llm.tier.value,
        llm.name,
        f"{llm.provider}/{llm.model}",
        per_thousand(llm.cost_per_1k_input),
        per_thousand(llm.cost_per_1k_output),
        per_million(llm.cost_per_1k_input),
        per_million(llm.cost_per_1k_output),
        each.status,
        llm.retires_on.isoformat() if llm.retires_on else "",
        llm.successor or "",
        each.replaces.model if each.replaces else "",
    )


def _table(found: list[Standing]) -> "Table":
    """Two or three lines per entry, so that everything fits into 80 columns."""
    table = airy_table()
    table.add_column("")
    table.add_column("ID", justify="right")
    table.add_column("Entry", overflow="fold")
    table.add_column("USD in / out\nper 1k, per 1M", justify="right", no_wrap=True)
    table.add_column("Status", overflow="fold")
    for place, each in enumerate(found):
        if place == 0 or found[place - 1].llm.tier is not each.llm.tier:
            if place:
                table.add_row()
            table.add_row("", "", f"[bold cyan]{each.llm.tier}[/]")
        table.add_row("[green]*[/]" if each.wins else "", str(each.llm.id), _who(each), _prices(each), _status(each))
    return table


def _who(each: Standing) -> "Text":
    text = who(each.llm, wins=each.wins)
    return text.append(f"\nfor {each.replaces.model}", "dim italic") if each.replaces else text


def _prices(each: Standing) -> "Text":
    from rich.text import Text

    price_in, price_out = each.llm.cost_per_1k_input, each.llm.cost_per_1k_output
    return Text.assemble(
        f"{per_thousand(price_in)} / {per_thousand(price_out)}\n",
        (f"{per_million(price_in)} / {per_million(price_out)}", "dim"),
    )


def _status(each: Standing) -> "Text":
    from rich.text import Text

    text = Text(each.says, _STYLES[each.status])
    if each.llm.successor and each.llm.retires_on:
        text.append(f"\nthen {each.llm.successor}", "dim")
    elif each.replaces and each.replaces.retires_on:
        text.append(f"\nsince {each.replaces.retires_on}", "dim")
    return text
