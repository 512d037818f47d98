"""``creative-services explain``: who would be asked, and why the others would not."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from creative_services.cli.console import console, on_terminal, say_json
from creative_services.cli.options import AsJson, Config, Demo, LLMId, Tier, one_of
from creative_services.cli.records import entry_record
from creative_services.cli.surroundings import only_said, open_client, run
from creative_services.cli.tables import airy_table, say_columns, who
from creative_services.core.errors import NoEntryError
from creative_services.core.needs import Needs

if TYPE_CHECKING:
    from rich.table import Table

    from creative_services.core.wishes import Explanation


def explain(
    tier: Tier = None,
    llm_id: LLMId = None,
    tools: Annotated[bool, typer.Option("--tools", help="It must be able to call tools.")] = False,
    vision: Annotated[bool, typer.Option("--vision", help="It must understand images.")] = False,
    json_mode: Annotated[bool, typer.Option("--json-mode", help="It must hold to a JSON schema.")] = False,
    context: Annotated[int, typer.Option("--context", metavar="N", min=0, help="It must hold this many tokens.")] = 0,
    config: Config = None,
    demo: Demo = False,
    as_json: AsJson = False,
) -> None:
    """Show every candidate of a tier with the reason it wins or loses.

    Exit code 1 when none of them fits.
    """
    one_of(tier, llm_id)
    client = open_client(config, demo=demo)
    needs = Needs(tools=tools, vision=vision, json=json_mode, context=context)
    found = run(client.aexplain(**only_said(tier=tier, llm_id=llm_id), needs=needs))
    if as_json:
        say_json(_record(found))
    elif on_terminal():
        console().print(_table(found))
    else:
        say_columns(("PLACE", "ID", "NAME", "MODEL", "WHY"), map(_cells, found.verdicts))
    if found.winner is None:
        raise NoEntryError(f"No entry answers {found.wish} with these needs.")


def _record(found: "Explanation") -> dict[str, Any]:
    return {
        "wish": str(found.wish),
        "winner": entry_record(found.winner) if found.winner else None,
        "candidates": [
            {**entry_record(verdict.llm), "place": verdict.place, "reason": verdict.reason}
            for verdict in found.verdicts
        ],
    }


def _cells(verdict: Any) -> tuple[str, ...]:
    llm = verdict.llm
    return (str(verdict.place or ""), str(llm.id), llm.name, f"{llm.provider}/{llm.model}", verdict.reason)


def _table(found: "Explanation") -> "Table":
    from rich.text import Text

    table = airy_table()
    table.add_column("", justify="right")
    table.add_column("ID", justify="right")
    table.add_column("Entry", overflow="fold")
    table.add_column("Why", overflow="fold")
    for verdict in found.verdicts:
        llm = verdict.llm
        style = "green" if verdict.wins else "" if verdict.place else "dim"
        table.add_row(str(verdict.place or "-"), str(llm.id), who(llm, wins=verdict.wins), Text(verdict.reason, style))
    return table
