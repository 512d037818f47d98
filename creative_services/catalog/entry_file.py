"""The ``[[entries]]`` of a TOML file: whole entries of one's own, beside or in place of the default ones."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from creative_services.catalog.access import access_to
from creative_services.catalog.cards import card_of
from creative_services.catalog.defaults import defaults
from creative_services.catalog.prices import priced
from creative_services.config import only_known, read_toml, resolve_secret
from creative_services.core.errors import ConfigurationError
from creative_services.core.llm_registry import LLMEntry

# What may stand in a table, and of which kind it is.
FIELDS: Final[dict[str, tuple[type, ...]]] = {
    "id": (int,),
    "name": (str,),
    "provider": (str,),
    "model": (str,),
    "tier": (str,),
    "api_key": (str,),
    "api_endpoint": (str,),
    "max_tokens": (int,),
    "temperature": (int, Decimal),
    "cost_per_1k_input": (int, Decimal, str),
    "cost_per_1k_output": (int, Decimal, str),
    "is_active": (bool,),
    "capabilities": (list,),
    "context_window": (int,),
    "retires_on": (date,),
    "successor": (str,),
    "options": (dict,),
    "pricing": (dict,),
    "replaces": (bool,),
}
REQUIRED: Final = ("id", "provider", "model", "tier")
CAPABILITIES: Final = ("chat", "tools", "vision", "json", "embeddings")

_SECTIONS: Final = ("entries",)
_WORDS: Final = {
    int: "a whole number",
    Decimal: "a number",
    str: "text",
    bool: "true or false",
    list: "a list",
    dict: "a table",
    date: "a date such as 2027-01-14",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """An entry from a file, and whether it may take the place of a default one."""

    entry: LLMEntry
    replaces: bool


def entries_in(path: Path, environ: Mapping[str, str], today: date) -> tuple[Written, ...]:
    """The entries of the file, checked, with keys and prices resolved."""
    content = read_toml(path)
    only_known(content, _SECTIONS, str(path))
    rows = content.get("entries", [])
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise ConfigurationError(f"{path}: each entry is a table of its own, headed [[entries]].")
    return tuple(_written(row, number, path, environ, today) for number, row in enumerate(rows, 1))


def _written(row: dict[str, Any], number: int, path: Path, environ: Mapping[str, str], today: date) -> Written:
    owner = f"{path}, entry {row.get('id', f'number {number}')}"
    _check(row, owner)
    fields = {**_known_of(row), **row, **_access(row, owner, environ, path.parent), **_numbers(row, owner)}
    replaces = fields.pop("replaces", False)
    try:
        entry = LLMEntry(**fields)
    except ConfigurationError as error:
        raise ConfigurationError(f"{path}, {error}") from None
    return Written(entry=priced(entry, today), replaces=replaces)


def _check(row: Mapping[str, Any], owner: str) -> None:
    only_known(row, FIELDS, owner)
    missing = [name for name in REQUIRED if name not in row]
    if missing:
        raise ConfigurationError(f"{owner}: {', '.join(missing)} missing. An entry needs {', '.join(REQUIRED)}.")
    for name, value in row.items():
        if not _is_one_of(value, FIELDS[name]):
            kinds = " or ".join(_WORDS[kind] for kind in FIELDS[name])
            raise ConfigurationError(f"{owner}: {name} must be {kinds}, not {value!r}.")
    only_known(map(str, row.get("capabilities", ())), CAPABILITIES, f"{owner}: capabilities")


def _is_one_of(value: Any, kinds: tuple[type, ...]) -> bool:
    # Python's family ties are wider than a reader's: True is an int to it, and a moment is a date.
    if isinstance(value, bool | datetime):
        return type(value) in kinds
    return isinstance(value, kinds)


def _known_of(row: Mapping[str, Any]) -> dict[str, Any]:
    """What the catalogue knows of the model, for fields the file does not set."""
    known = defaults().known(row["provider"], row["model"])
    return {
        "name": known.name or known.model,
        "capabilities": known.capabilities,
        "context_window": known.context_window,
        "retires_on": known.retires_on,
        "successor": known.successor,
        **({} if known.sampling else {"temperature": None}),
    }


def _access(row: Mapping[str, Any], owner: str, environ: Mapping[str, str], beside: Path) -> dict[str, Any]:
    """The key as written; else, for the vendor's own address only, the vendor's key from the environment."""
    if "api_key" in row:
        return {"api_key": resolve_secret(row["api_key"], environ=environ, beside=beside, owner=owner)}
    if "api_endpoint" in row:
        return {}  # a vendor's key must not be sent to somebody else's address
    access = access_to(row["provider"], environ)
    return {"api_key": access.api_key, "api_endpoint": access.api_endpoint} if access else {}


def _numbers(row: Mapping[str, Any], owner: str) -> dict[str, Any]:
    """Decimals belong to money; whatever travels to a vendor is a float again."""
    given: dict[str, Any] = {name: _floats(row[name]) for name in ("temperature", "options") if name in row}
    if "pricing" in row:
        given["pricing"] = card_of(row["pricing"], source="", owner=f"{owner}: pricing")
    return given


def _floats(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _floats(held) for name, held in value.items()}
    if isinstance(value, list):
        return [_floats(held) for held in value]
    return float(value) if isinstance(value, Decimal) else value
