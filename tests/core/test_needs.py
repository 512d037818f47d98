"""Needs narrow a choice and say why."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from creative_services.core.llm_registry import LLMEntry
from creative_services.core.needs import NO_NEEDS, Needs

ABILITIES = ["chat", "tools", "vision", "json", "embeddings"]
NEEDS = st.builds(Needs, tools=st.booleans(), vision=st.booleans(), json=st.booleans(), context=st.integers(0, 200))


def entry(*capabilities: str, context: int | None = None) -> LLMEntry:
    return LLMEntry(
        id=1, name="n", provider="p", model="m", tier="local", capabilities=capabilities, context_window=context
    )


@pytest.mark.parametrize(
    ("needs", "found", "reason"),
    [
        (NO_NEEDS, entry(), None),
        (Needs(tools=True), entry("tools"), None),
        (Needs(tools=True), entry(), "lacks tools"),
        (Needs(tools=True, json=True, vision=True), entry("json"), "lacks tools, vision"),
        (NO_NEEDS, entry("embeddings"), "only makes embeddings"),
        (NO_NEEDS, entry("embeddings", "chat"), None),
        (Needs(embeddings=True), entry("embeddings"), None),
        (Needs(embeddings=True), entry("chat"), "lacks embeddings"),
        (Needs(context=1000), entry(context=1000), None),
        (Needs(context=200_000), entry(context=128_000), "holds 128,000 tokens (200,000 wanted)"),
        (Needs(context=200_000), entry(), "has no known context window (200,000 tokens wanted)"),
    ],
)
def test_reasons(needs: Needs, found: LLMEntry, reason: str | None) -> None:
    assert needs.unmet_by(found) == reason


@given(NEEDS, st.sets(st.sampled_from(ABILITIES)), st.integers(0, 200), st.sampled_from(ABILITIES))
def test_a_model_that_can_more_is_never_ruled_out_by_it(needs, can, context, more) -> None:
    if needs.unmet_by(entry(*can, "chat", context=context)) is None:
        assert needs.unmet_by(entry(*can, "chat", more, context=context + 1)) is None
