"""What a caller may put where the model's name goes, listed in its own dialect."""

from collections.abc import Iterable
from typing import Any, Final

from creative_services.core.access import KeyRecord
from creative_services.core.llm_registry import LLMEntry, LLMTier

# The dialects want to know when a model was made; a tier was made when the first of ours was.
_CREATED: Final = 1704067200
_CREATED_AT: Final = "2024-01-01T00:00:00Z"


def names_for(key: KeyRecord, entries: Iterable[LLMEntry]) -> dict[str, str]:
    """Every name this key may ask for, with whose it is: tiers first, then entries by id, by name and by model."""
    allowed = [entry for entry in entries if key.allows(entry.tier)]
    tiers = {entry.tier for entry in allowed}
    names = {tier.value: "creative_services" for tier in LLMTier if tier in tiers}
    for entry in allowed:
        names.setdefault(f"llm:{entry.id}", entry.provider)
    for entry in allowed:
        names.setdefault(entry.name, entry.provider)
        names.setdefault(entry.model, entry.provider)
    return names


def listed(names: dict[str, str], dialect: str) -> dict[str, Any]:
    """The list of models."""
    rows = [one(name, owner, dialect) for name, owner in names.items()]
    if dialect == "anthropic":
        ends = {"first_id": rows[0]["id"], "last_id": rows[-1]["id"]} if rows else {"first_id": None, "last_id": None}
        return {"data": rows, "has_more": False, **ends}
    return {"object": "list", "data": rows}


def one(name: str, owner: str, dialect: str) -> dict[str, Any]:
    """One model."""
    if dialect == "anthropic":
        return {"type": "model", "id": name, "display_name": name, "created_at": _CREATED_AT}
    return {"id": name, "object": "model", "created": _CREATED, "owned_by": owner}
