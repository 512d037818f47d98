"""Which model is served on a day, and what is said about it beforehand."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from creative_services.catalog import notices, stands_in_for
from creative_services.catalog.defaults import KnownModel
from creative_services.catalog.lifecycle import served
from creative_services.core.llm_registry import LLMEntry

END = date(2027, 1, 14)


def entry(**fields) -> LLMEntry:
    given = {"id": 2, "name": "Mini", "provider": "openai", "model": "mini", "tier": "standard", "retires_on": END}
    return LLMEntry(**{**given, **fields})


@given(st.lists(st.dates(), min_size=1, max_size=5).map(sorted), st.dates())
def test_the_first_of_the_line_that_is_still_there(ends: list[date], today: date) -> None:
    line = [KnownModel(provider="p", model=str(i), retires_on=end) for i, end in enumerate(ends)]
    living = [known for known in line if known.retires_on > today]
    assert served(line, today) is (living[0] if living else line[-1])


def test_a_line_of_nobody_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="at least one"):
        served([], END)


@pytest.mark.parametrize(
    ("days_before", "said"),
    [
        (61, None),
        (60, "retires on 2027-01-14, in 60 days."),
        (1, "retires on 2027-01-14, in 1 day."),
        (0, "was retired on 2027-01-14."),
        (-400, "was retired on 2027-01-14."),
    ],
)
def test_sixty_days_ahead_people_are_told(days_before: int, said: str | None) -> None:
    told = notices([entry(successor="terra")], END - timedelta(days=days_before))
    if said is None:
        assert told == ()
    else:
        assert said in str(told[0])
        assert "entry 2 'Mini' (openai mini)" in told[0].text
        assert "successor is terra" in told[0].text
        assert told[0].entry.id == 2


def test_without_a_successor_one_is_asked_to_choose() -> None:
    assert "Choose another model" in notices([entry()], END)[0].text


def test_nothing_is_said_of_inactive_or_immortal_entries() -> None:
    assert notices([entry(is_active=False), entry(retires_on=None)], END) == ()


@pytest.mark.parametrize(
    ("fields", "printed"),
    [
        ({"id": 1, "model": "gpt-6-luna"}, "gpt-3.5-turbo"),
        ({"id": 1, "model": "gpt-3.5-turbo"}, None),
        ({"id": 1, "model": "gpt-6-astra"}, None),
        ({"id": 21, "provider": "groq", "model": "openai/gpt-oss-20b"}, None),
        ({"id": 1, "provider": "groq", "model": "gpt-6-luna"}, None),
        ({"id": 77, "model": "gpt-6-luna"}, None),
    ],
)
def test_a_successor_knows_whose_place_it_has(fields: dict[str, object], printed: str | None) -> None:
    known = stands_in_for(entry(**fields))
    assert (known.model if known else None) == printed
