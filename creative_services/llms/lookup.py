"""Asking a registry, whatever it can do: three plain methods, async ones, or ranked candidates."""

from collections.abc import Iterable, Iterator
from inspect import isawaitable
from typing import Any

from creative_services.core.errors import ConfigurationError
from creative_services.core.llm_registry import LLMEntry, LLMRegistry, LLMTier, rank, ranked


def checked(registry: Any) -> LLMRegistry:
    """The registry, when it is one."""
    # A class has the methods too, but nobody to call them on.
    if isinstance(registry, type) or not isinstance(registry, LLMRegistry):
        what = f"the class {registry.__name__}" if isinstance(registry, type) else f"a {type(registry).__name__}"
        raise ConfigurationError(
            f"A client needs a registry; got {what}. Give DictRegistry.from_env(), DictRegistry([entries]), "
            "or an object with the methods get_by_id, get_by_tier and list_active."
        )
    return registry


async def _answer(registry: LLMRegistry, method: str, *args: Any) -> Any:
    """The method's answer, from its async twin (``aget_by_id``) when the registry has one."""
    found = getattr(registry, f"a{method}", None) or getattr(registry, method)
    answer = found(*args)
    return await answer if isawaitable(answer) else answer


async def entry_by_id(registry: LLMRegistry, llm_id: int) -> LLMEntry | None:
    """The entry with this id, active or not."""
    entry: LLMEntry | None = await _answer(registry, "get_by_id", llm_id)
    return entry


async def active_entries(registry: LLMRegistry) -> list[LLMEntry]:
    """Every active entry."""
    return list(await _answer(registry, "list_active"))


async def candidates(registry: LLMRegistry, tier: LLMTier) -> tuple[LLMEntry, ...]:
    """The active entries of a tier, the registry's own choice first."""
    # RanksCandidates, asked for by its method: isinstance() with a protocol costs more than the whole look-up.
    ranks = getattr(registry, "candidates", None)
    if ranks is not None:
        found: tuple[LLMEntry, ...] = ranks(tier)
        return found
    chosen: LLMEntry | None = await _answer(registry, "get_by_tier", tier)
    return tuple(_chosen_first(chosen, ranked(await active_entries(registry), tier)))


async def entries_named(registry: LLMRegistry, name: str) -> tuple[LLMEntry, ...]:
    """The active entries called ``name``, or, when none is, those with a model of this name; cheapest first."""
    known = sorted(await active_entries(registry), key=rank)
    called = tuple(entry for entry in known if entry.name == name)
    return called or tuple(entry for entry in known if entry.model == name)


def switched_off(registry: LLMRegistry, tiers: tuple[LLMTier, ...]) -> tuple[LLMEntry, ...]:
    """The inactive entries of the tiers, from a registry that can be gone through."""
    if not isinstance(registry, Iterable):
        return ()
    return tuple(entry for entry in registry if entry.tier in tiers and not entry.is_active)


def _chosen_first(chosen: LLMEntry | None, others: tuple[LLMEntry, ...]) -> Iterator[LLMEntry]:
    # A registry's get_by_tier may prefer another entry than we would; its word decides who is asked first.
    if chosen is not None:
        yield chosen
        yield from (entry for entry in others if entry.id != chosen.id)
