"""Rewriting ``prices.json`` from the installed genai-prices package, and saying what changed."""

import json
from collections.abc import Iterator, Mapping
from datetime import date
from difflib import unified_diff
from pathlib import Path
from typing import Any, Final

from creative_services.catalog import genai
from creative_services.catalog.cards import data_of
from creative_services.catalog.defaults import defaults
from creative_services.core.errors import ConfigurationError, MissingDependencyError

PRICES_FILE: Final = Path(__file__).with_name("prices.json")


def taken_on(day: date) -> dict[str, Any]:
    """The snapshot of ``day``: the prices of every model that ``defaults.toml`` describes."""
    source = _source()
    models: dict[str, dict[str, Any]] = {}
    for provider, model in sorted(_wanted()):
        models.setdefault(provider, {})[model] = list(_rows(provider, model, day))
    return {"source": source, "taken_on": day.isoformat(), "unit": "USD per 1,000 tokens", "models": models}


def rewrite(day: date, path: Path = PRICES_FILE) -> str:
    """Write the snapshot of ``day``; returns the difference to what was there, empty when only the day moved on."""
    before = path.read_text(encoding="utf-8") if path.exists() else ""
    after = json.dumps(taken_on(day), indent=1) + "\n"
    path.write_text(after, encoding="utf-8")
    return difference(before, after)


def difference(before: str, after: str) -> str:
    """The changed lines with their surroundings."""
    return "\n".join(unified_diff(before.splitlines(), after.splitlines(), "before", "after", n=8, lineterm=""))


def _wanted() -> Iterator[tuple[str, str]]:
    """Named models of vendors who bill; rows that only announce a retirement have no name."""
    for (provider, model), known in defaults().models.items():
        if known.name and provider != "ollama":
            yield provider, model


def _rows(provider: str, model: str, day: date) -> Iterator[Mapping[str, Any]]:
    cards = genai.cards_from(provider, model, day)
    if not cards:
        raise ConfigurationError(f"{_source()} knows no price of {provider} {model}. Correct its row in defaults.toml.")
    for start, card in cards.items():
        yield {"from": start.isoformat(), "card": data_of(card)}


def _source() -> str:
    try:
        return genai.version()
    except ImportError:
        raise MissingDependencyError("Taking new prices", extra="prices", missing="genai-prices") from None
