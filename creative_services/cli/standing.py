"""How an entry stands: whether it wins its tier, whether its model retires, and whose place it took."""

from dataclasses import dataclass
from datetime import date
from typing import Literal

from creative_services.catalog.defaults import KnownModel
from creative_services.catalog.lifecycle import notices, stands_in_for
from creative_services.core.llm_registry import LLMEntry, LLMTier, rank
from creative_services.llms.dict_registry import DictRegistry

Status = Literal["active", "retiring", "retired", "off"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """An entry with what the listing says of it."""

    llm: LLMEntry
    wins: bool
    status: Status
    replaces: KnownModel | None

    @property
    def says(self) -> str:
        """The status in words."""
        if self.status == "off":
            return "switched off"
        if self.llm.retires_on is None:
            return "active"
        return f"{'retired' if self.status == 'retired' else 'retires'} {self.llm.retires_on}"


def standings(registry: DictRegistry, today: date, tier: LLMTier | None = None) -> list[Standing]:
    """Every entry, or those of one tier: tier by tier, in the order in which they are asked."""
    tiers = list(LLMTier)
    entries = [llm for llm in registry if tier is None or llm.tier is tier]
    entries.sort(key=lambda llm: (tiers.index(llm.tier), not llm.is_active, rank(llm)))
    return [_standing(llm, registry, today) for llm in entries]


def _standing(llm: LLMEntry, registry: DictRegistry, today: date) -> Standing:
    return Standing(
        llm=llm,
        wins=registry.get_by_tier(llm.tier) is llm,
        status=_status(llm, today),
        replaces=stands_in_for(llm),
    )


def _status(llm: LLMEntry, today: date) -> Status:
    if not llm.is_active:
        return "off"
    if llm.retired(today):
        return "retired"
    return "retiring" if notices([llm], today) else "active"
