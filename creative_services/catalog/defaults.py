"""The table of default models, read from ``defaults.toml``."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any

from creative_services.core.llm_registry import LLMTier


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownModel:
    """One model of one vendor: what it can do, when it retires, and what comes after it."""

    provider: str
    model: str
    name: str = ""
    capabilities: frozenset[str] = frozenset()
    context_window: int | None = None
    retires_on: date | None = None
    successor: str | None = None
    sampling: bool = True  # False: refuses a temperature of the caller's choosing

    def retired(self, today: date) -> bool:
        """Whether the vendor has switched it off by ``today``."""
        return self.retires_on is not None and self.retires_on <= today


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A stable seat in the table; ``model`` is the one documented for it, None for a seat empty by default."""

    id: int
    provider: str
    tier: LLMTier
    model: str | None = None
    name: str | None = None  # for a place that is called the same whichever model stands in it

    @property
    def variable(self) -> str:
        """The environment variable that puts another model here."""
        return f"CREATIVE_SERVICES_{self.provider}_{self.tier}_MODEL".upper()


@dataclass(frozen=True, slots=True, kw_only=True)
class Defaults:
    """The whole table."""

    checked_on: date
    places: tuple[Place, ...]
    models: Mapping[tuple[str, str], KnownModel]

    def known(self, provider: str, model: str) -> KnownModel:
        """What is known of a model; of a stranger only its name is."""
        return self.models.get((provider, model)) or KnownModel(provider=provider, model=model)

    def line(self, provider: str, model: str) -> Iterator[KnownModel]:
        """A model and its successors, in the order they take over."""
        following: str | None = model
        while following is not None:
            known = self.known(provider, following)
            yield known
            following = known.successor

    def place(self, llm_id: int) -> Place | None:
        """The place with this id."""
        return next((place for place in self.places if place.id == llm_id), None)


@cache
def defaults() -> Defaults:
    """The table that ships with this version."""
    import tomllib

    data = tomllib.loads(files(__package__).joinpath("defaults.toml").read_text(encoding="utf-8"))
    models = (*_announced(data["retirements"]), *(_model(row) for row in data["models"]))
    return Defaults(
        checked_on=data["checked_on"],
        places=tuple(Place(**{**row, "tier": LLMTier(row["tier"])}) for row in data["places"]),
        models={(known.provider, known.model): known for known in models},
    )


def _model(row: Mapping[str, Any]) -> KnownModel:
    return KnownModel(**{**row, "capabilities": frozenset(row.get("capabilities", ()))})


def _announced(rows: list[dict[str, Any]]) -> Iterator[KnownModel]:
    for row in rows:
        for model in row["models"]:
            yield KnownModel(provider=row["provider"], model=model, retires_on=row["on"])
