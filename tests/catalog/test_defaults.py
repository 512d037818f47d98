"""The table of defaults is the documented one, and sound as data."""

from datetime import date
from itertools import pairwise

import pytest

from creative_services.catalog.defaults import defaults
from creative_services.core.llm_registry import LLMTier

TABLE = defaults()

# As printed in the documentation: id, provider, tier, model, name.
PRINTED = [
    (1, "openai", "economy", "gpt-3.5-turbo", "GPT-3.5 Turbo"),
    (2, "openai", "standard", "gpt-4o-mini", "GPT-4o-mini"),
    (3, "openai", "premium", "gpt-4o", "GPT-4o"),
    (10, "anthropic", "economy", "claude-3-haiku-20240307", "Claude 3 Haiku"),
    (11, "anthropic", "standard", "claude-3-5-sonnet-20241022", "Claude 3.5 Sonnet"),
    (12, "anthropic", "premium", "claude-3-opus-20240229", "Claude 3 Opus"),
    (20, "groq", "economy", "llama-3.3-70b-versatile", "Llama 3.3 70B"),
    (30, "ollama", "local", "llama3.2", "Ollama"),
]


def test_the_places_are_the_documented_ones() -> None:
    found = [
        (place.id, place.provider, place.tier, place.model, place.name or TABLE.known(place.provider, place.model).name)
        for place in TABLE.places
        if place.model
    ]
    assert found == PRINTED


def test_ids_and_seats_are_taken_once() -> None:
    assert len({place.id for place in TABLE.places}) == len(TABLE.places)
    assert len({(place.provider, place.tier) for place in TABLE.places}) == len(TABLE.places)


@pytest.mark.parametrize("place", [place for place in TABLE.places if place.model], ids=lambda place: place.variable)
def test_a_line_ends_and_each_successor_outlives_the_one_before(place) -> None:
    line = []
    for known in TABLE.line(place.provider, place.model):
        assert known not in line, "the line of successors runs in a circle"
        line.append(known)
    for before, after in pairwise(line):
        assert before.retires_on is not None, "what never retires needs no successor"
        assert after.retires_on is None or after.retires_on > before.retires_on
    assert not line[-1].retired(TABLE.checked_on), "the last of the line was served when the table was checked"
    for known in line:
        assert known.name
        assert "chat" in known.capabilities
        assert known.context_window or known.provider == "ollama"


def test_what_the_successor_can_do_the_printed_model_could() -> None:
    for place in TABLE.places:
        if place.model:
            printed, *later = TABLE.line(place.provider, place.model)
            for known in later:
                assert printed.capabilities <= known.capabilities


def test_a_stranger_is_known_by_name_only() -> None:
    known = TABLE.known("openai", "gpt-99")
    assert (known.model, known.name, known.capabilities, known.retires_on) == ("gpt-99", "", frozenset(), None)
    assert not known.retired(date.max)


def test_announced_retirements_of_other_models_are_known() -> None:
    assert TABLE.known("openai", "gpt-5").retires_on == date(2026, 12, 11)
    assert TABLE.known("anthropic", "claude-sonnet-4-5").retires_on == date(2026, 11, 30)


def test_a_place_names_its_variable() -> None:
    place = TABLE.place(2)
    assert place is not None
    assert place.variable == "CREATIVE_SERVICES_OPENAI_STANDARD_MODEL"
    assert TABLE.place(99) is None
    assert all(isinstance(place.tier, LLMTier) for place in TABLE.places)
