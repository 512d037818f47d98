"""Where code-managed entries come from: the environment, or a TOML file of ``[[entries]]``."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final

from creative_services.catalog.entry_file import entries_in
from creative_services.catalog.environment import entries_of
from creative_services.catalog.prices import snapshot
from creative_services.config import environment, read_toml
from creative_services.core.llm_registry import LLMEntry
from django_app.llms.managed import Wanted, wanted_of
from django_app.llms.references import References

ENVIRONMENT: Final = "environment"


def today() -> date:
    """The date in UTC, as retirement dates are meant."""
    return datetime.now(UTC).date()


def from_environment(environ: Mapping[str, str] | None = None) -> list[Wanted]:
    """The entries of ``DictRegistry.from_env()``, with their keys by reference."""
    found = entries_of(References(environment() if environ is None else environ), today())
    return [wanted_of(entry, ENVIRONMENT, **_checked(entry)) for entry in found]


def from_file(path: Path) -> list[Wanted]:
    """The entries of a file. A key the file does not name is left as the row has it."""
    found = entries_in(path, References(environment(), suppose_set=True), today())
    written = {row["id"]: row for row in read_toml(path).get("entries", [])}
    return [_from_row(each.entry, written[each.entry.id], path) for each in found]


def _from_row(entry: LLMEntry, row: Mapping[str, Any], path: Path) -> Wanted:
    fields = dict(wanted_of(entry, "").fields) | {"is_active": entry.is_active, "options": dict(entry.options)}
    key = row.get("api_key")
    if key is None:
        del fields["api_key"]
    elif key.startswith("file:"):
        fields["api_key"] = f"file:{path.parent / Path(key.removeprefix('file:').strip()).expanduser()}"
    return Wanted(id=entry.id, source=str(path), fields={**fields, **_checked(entry)})


def _checked(entry: LLMEntry) -> dict[str, Any]:
    # Prices from the catalogue are as old as the catalogue; prices that somebody wrote have no date.
    source = entry.pricing.source
    known = bool(source) and source == snapshot()["source"]
    return {"price_checked_on": date.fromisoformat(snapshot()["taken_on"])} if known else {}
