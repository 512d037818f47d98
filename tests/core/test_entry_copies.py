"""An entry made like another one equals what the constructor makes of the same values."""

from dataclasses import asdict, fields
from datetime import date
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from creative_services.core.entry_copies import alike
from creative_services.core.llm_registry import LLMEntry
from creative_services.core.secrets import Secret
from tests.core.strategies import entries

OWN = st.fixed_dictionaries(
    {
        "id": st.integers(0, 2**63),
        "name": st.text(max_size=5),
        "api_key": st.none() | st.builds(Secret, st.text(min_size=1, max_size=5)),
        "api_endpoint": st.none() | st.just("https://example.com/v1"),
        "options": st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
    }
)


@given(entries(), OWN, st.integers(1, 9000), st.none() | st.dates(date(2025, 1, 1)), st.sampled_from([(), ("tools",)]))
def test_like_the_constructor(
    first: LLMEntry, own: dict[str, Any], tokens: int, retires: date | None, words: tuple[str, ...]
) -> None:
    first = first.using(
        max_tokens=tokens,
        retires_on=retires,
        capabilities=words,
        context_window=tokens,
        successor="s",
        temperature=None,
    )
    made = alike(first, own["id"], own["name"], own["api_key"], own["api_endpoint"], own["options"])
    built = first.using(**own)
    assert made == built
    assert {name: type(value) for name, value in asdict(made).items()} == {
        name: type(value) for name, value in asdict(built).items()
    }
    assert hash(made) == hash(built)
    # Equal prices may be of two cards; the copy has the very one.
    assert made.pricing is first.pricing


def test_no_field_is_forgotten() -> None:
    first = LLMEntry(id=1, name="n", provider="offline", model="m", tier="economy")
    made = alike(first, 2, "o", None, None, {})
    assert [each.name for each in fields(LLMEntry) if not hasattr(made, each.name)] == []
