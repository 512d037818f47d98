"""``creative-services doctor``: does every key, endpoint and model work?"""

from typing import TYPE_CHECKING, Annotated, Any, Final
from urllib.parse import urlsplit

import typer

from creative_services.catalog.lifecycle import notices
from creative_services.cli.console import console, on_terminal, remark, say, say_json
from creative_services.cli.options import AsJson, Config, Demo
from creative_services.cli.records import entry_record
from creative_services.cli.surroundings import environment_with, open_registry, run, today
from creative_services.cli.tables import airy_table, say_columns, who
from creative_services.core.llm_registry import LLMEntry

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

    from creative_services.cli.checks import Check

Patience = Annotated[float, typer.Option("--timeout", metavar="SECONDS", min=0.001, help="Time for each endpoint.")]

_WORDS: Final = {True: "yes", False: "no", None: "?"}
_STYLES: Final = {True: "green", False: "red", None: "dim"}


def doctor(timeout: Patience = 10.0, config: Config = None, demo: Demo = False, as_json: AsJson = False) -> None:
    """Try every endpoint and key, and look for every model.

    Nothing is generated, so it costs nothing. Exit code 1 when something is broken or nothing works at all.
    """
    from creative_services.cli.checks import check_all

    entries = sorted(open_registry(config, demo=demo).list_active(), key=lambda llm: llm.id)
    optional = () if "OLLAMA_HOST" in environment_with(config) else ("ollama",)
    checks = run(check_all(entries, timeout=timeout, optional=optional))
    warnings = [str(notice) for notice in notices(entries, today())]
    if as_json:
        say_json({"ok": _well(checks), "entries": [_record(check) for check in checks], "warnings": warnings})
    else:
        _show(checks, warnings)
    if not _well(checks):
        raise typer.Exit(1)


def _well(checks: "list[Check]") -> bool:
    return any(check.ok for check in checks) and all(check.ok or check.optional for check in checks)


def _show(checks: "list[Check]", warnings: list[str]) -> None:
    if on_terminal():
        console().print(_table(checks))
        say("")
    else:
        say_columns(
            ("ID", "NAME", "MODEL", "ENDPOINT", "KEY", "REACHABLE", "AUTHORISED", "LISTED"), map(_cells, checks)
        )
    for problem in dict.fromkeys(check.problem for check in checks if check.problem and not check.optional):
        remark(f"Broken: {problem}", "red")
    for problem in dict.fromkeys(check.problem for check in checks if check.problem and check.optional):
        remark(f"Not here: {problem} OLLAMA_HOST is not set, so this counts as no fault.")
    for warning in warnings:
        remark(f"Soon: {warning}", "yellow")
    if not any(check.ok for check in checks):
        remark("No entry can answer. Export a vendor's key, or start Ollama.", "red")


def _record(check: "Check") -> dict[str, Any]:
    return {
        **entry_record(check.llm),
        "endpoint": check.llm.api_endpoint,
        "key": _key(check.llm) or None,
        "reachable": check.reachable,
        "authorised": check.authorised,
        "model_listed": check.has_model,
        "problem": check.problem,
        "optional": check.optional,
    }


def _key(llm: LLMEntry) -> str:
    return llm.api_key.hint if llm.api_key else ""


def _endpoint(llm: LLMEntry) -> str:
    return urlsplit(llm.api_endpoint).netloc if llm.api_endpoint else "the vendor's own"


def _cells(check: "Check") -> tuple[str, ...]:
    llm = check.llm
    states = (check.reachable, check.authorised, check.has_model)
    return (
        str(llm.id),
        llm.name,
        f"{llm.provider}/{llm.model}",
        llm.api_endpoint or "",
        _key(llm),
        *(_WORDS[state] for state in states),
    )


def _table(checks: "list[Check]") -> "Table":
    from rich.text import Text

    table = airy_table()
    table.add_column("ID", justify="right")
    table.add_column("Entry", overflow="fold")
    table.add_column("Endpoint and key", overflow="fold")
    for heading in ("Answers", "Key", "Model"):
        table.add_column(heading)
    for check in checks:
        llm = check.llm
        table.add_row(
            str(llm.id),
            who(llm),
            Text.assemble(_endpoint(llm), "\n", (_key(llm) or "no key", "dim")),
            *(_state(state) for state in (check.reachable, check.authorised, check.has_model)),
        )
    return table


def _state(state: bool | None) -> "Text":
    from rich.text import Text

    return Text(_WORDS[state], _STYLES[state])
