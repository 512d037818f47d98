"""Entries for whoever has no key yet: one per tier, answered by the offline provider and named as such."""

from collections.abc import Iterator

from creative_services.core.llm_registry import LLMEntry, LLMTier


def demo_entries() -> Iterator[LLMEntry]:
    """One entry per tier that costs nothing and reaches nobody."""
    for number, tier in enumerate(LLMTier, 1):
        yield LLMEntry(
            id=number,
            name=f"Offline demo ({tier})",
            provider="offline",
            model="echo",
            tier=tier,
            cost_per_1k_input=0,
            cost_per_1k_output=0,
            capabilities=("chat", "json"),
            context_window=100_000,
        )
