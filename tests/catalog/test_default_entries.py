"""What an environment gets without any file: keys, places, successors, overrides."""

import logging
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal

import pytest

from creative_services import DictRegistry, LLMEntry, LLMTier
from creative_services.catalog.announcements import say_once
from creative_services.core.errors import ConfigurationError
from creative_services.testing import SteppingClock

ALL_KEYS = {"OPENAI_API_KEY": "sk-o", "ANTHROPIC_API_KEY": "sk-a", "GROQ_API_KEY": "gsk"}
PINNED = {"CREATIVE_SERVICES_PIN_DEFAULTS": "1"}
LONG_AGO, CHECKED, LATER = date(2025, 1, 1), date(2026, 11, 21), date(2027, 2, 1)


@pytest.fixture(autouse=True)
def _nothing_said_before() -> Iterator[None]:
    say_once.cache_clear()
    yield
    say_once.cache_clear()


def registry(environ: dict[str, str], today: date = CHECKED) -> DictRegistry:
    return DictRegistry.from_env(environ, clock=SteppingClock(today))


def models(environ: dict[str, str], today: date = CHECKED) -> dict[int, str]:
    return {entry.id: entry.model for entry in registry(environ, today)}


def by_id(found: DictRegistry, llm_id: int) -> LLMEntry:
    entry = found.get_by_id(llm_id)
    assert entry is not None
    return entry


PRINTED = {
    1: "gpt-3.5-turbo",
    2: "gpt-4o-mini",
    3: "gpt-4o",
    10: "claude-3-haiku-20240307",
    11: "claude-3-5-sonnet-20241022",
    12: "claude-3-opus-20240229",
    20: "llama-3.3-70b-versatile",
    30: "llama3.2",
}
PRINTED_PRICES = {
    1: (".0005", ".0015"),
    2: (".00015", ".0006"),
    3: (".0025", ".01"),
    10: (".00025", ".00125"),
    11: (".003", ".015"),
    12: (".015", ".075"),
    20: (".00059", ".00079"),
    30: ("0", "0"),
}


def test_before_any_retirement_the_table_is_the_printed_one() -> None:
    found = registry(ALL_KEYS, LONG_AGO)
    assert {entry.id: entry.model for entry in found} == PRINTED
    prices = {entry.id: (entry.cost_per_1k_input, entry.cost_per_1k_output) for entry in found}
    assert prices == {llm_id: (Decimal(a), Decimal(b)) for llm_id, (a, b) in PRINTED_PRICES.items()}


def test_retired_models_have_given_way_on_the_day_the_table_was_checked() -> None:
    assert models(ALL_KEYS) == {
        **PRINTED,
        1: "gpt-6-luna",
        10: "claude-haiku-5-5",
        11: "claude-sonnet-5-5",
        12: "claude-opus-5-5",
        20: "openai/gpt-oss-20b",
    }


@pytest.mark.parametrize(
    ("day", "model", "name"), [(13, "gpt-4o-mini", "GPT-4o-mini"), (14, "gpt-6.1-terra", "GPT-6.1 Terra")]
)
def test_the_successor_takes_over_on_the_day_itself(day: int, model: str, name: str) -> None:
    entry = by_id(registry(ALL_KEYS, date(2027, 1, day)), 2)
    assert (entry.model, entry.name) == (model, name)
    assert (entry.provider, entry.tier) == ("openai", LLMTier.STANDARD)


def test_the_day_is_the_clocks_in_utc() -> None:
    evening = SteppingClock(datetime.fromisoformat("2027-01-13T23:59:59+00:00"))
    assert by_id(DictRegistry.from_env(ALL_KEYS, clock=evening), 2).model == "gpt-4o-mini"
    evening.advance(1)
    assert by_id(DictRegistry.from_env(ALL_KEYS, clock=evening), 2).model == "gpt-6.1-terra"


def test_nothing_in_the_table_is_retired_when_all_successors_stand() -> None:
    for entry in registry(ALL_KEYS, LATER):
        assert not entry.retired(LATER)


def test_pinning_keeps_the_printed_table() -> None:
    assert models(ALL_KEYS | PINNED, LATER) == PRINTED


@pytest.mark.parametrize(
    ("written", "pinned"), [("0", False), ("off", False), ("", False), (" TRUE ", True), ("yes", True)]
)
def test_the_switch_in_any_spelling(written: str, pinned: bool) -> None:
    found = models(ALL_KEYS | {"CREATIVE_SERVICES_PIN_DEFAULTS": written})
    assert (found == PRINTED) == pinned


def test_a_switch_that_is_neither_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"CREATIVE_SERVICES_PIN_DEFAULTS='maybe'.*1, true"):
        registry({"CREATIVE_SERVICES_PIN_DEFAULTS": "maybe"})


@pytest.mark.parametrize(
    ("environ", "ids"),
    [
        ({}, [30]),
        ({"OPENAI_API_KEY": "x"}, [1, 2, 3, 30]),
        ({"ANTHROPIC_API_KEY": "x"}, [10, 11, 12, 30]),
        ({"GROQ_API_KEY": "x", "OLLAMA_HOST": ""}, [20]),
        ({"OPENAI_API_KEY": "  ", "OLLAMA_HOST": " "}, []),
        (ALL_KEYS, [1, 2, 3, 10, 11, 12, 20, 30]),
    ],
)
def test_a_vendor_is_there_when_its_key_is(environ: dict[str, str], ids: list[int]) -> None:
    assert list(models(environ)) == ids


def test_keys_and_addresses_go_to_their_own_vendor() -> None:
    bases = {
        "OPENAI_BASE_URL": "http://127.0.0.1:1/v1",
        "GROQ_BASE_URL": " http://127.0.0.1:2 ",
        "ANTHROPIC_BASE_URL": "",
    }
    found = registry(ALL_KEYS | bases | {"OLLAMA_HOST": "0.0.0.0"})
    reached = {}
    for llm_id in (1, 10, 20, 30):
        entry = by_id(found, llm_id)
        reached[llm_id] = (entry.api_key.reveal() if entry.api_key else None, entry.api_endpoint)
    assert reached == {
        1: ("sk-o", "http://127.0.0.1:1/v1"),
        10: ("sk-a", None),
        20: ("gsk", "http://127.0.0.1:2"),
        30: (None, "http://127.0.0.1:11434"),
    }


def test_an_address_of_ollama_that_cannot_be_read_says_so() -> None:
    with pytest.raises(ConfigurationError, match="Ollama's address"):
        registry({"OLLAMA_HOST": "box:port"})


def test_entries_know_what_selection_needs() -> None:
    entry = by_id(registry(ALL_KEYS, LATER), 3)
    assert entry.capabilities == {"chat", "tools", "vision", "json"}
    assert entry.context_window == 1_050_000
    assert entry.temperature is None, "this model refuses a temperature"
    assert by_id(registry(ALL_KEYS), 3).temperature == 0.7
    mini = by_id(registry(ALL_KEYS), 2)
    assert (mini.retires_on, mini.successor) == (date(2027, 1, 14), "gpt-6.1-terra")


def test_any_place_takes_another_model() -> None:
    environ = ALL_KEYS | {
        "CREATIVE_SERVICES_OPENAI_STANDARD_MODEL": "gpt-6-astra",
        "CREATIVE_SERVICES_ANTHROPIC_ECONOMY_MODEL": "claude-next",
        "CREATIVE_SERVICES_GROQ_PREMIUM_MODEL": "openai/gpt-oss-120b",
    }
    found = registry(environ)
    known, strange, filled = by_id(found, 2), by_id(found, 10), by_id(found, 22)
    assert (known.name, known.model, known.cost_per_1k_input) == ("GPT-6 Astra", "gpt-6-astra", Decimal("0.01"))
    assert (strange.name, strange.model, strange.capabilities) == ("claude-next", "claude-next", frozenset())
    assert (filled.tier, filled.model, filled.cost_per_1k_input) == (
        "premium",
        "openai/gpt-oss-120b",
        Decimal("0.00015"),
    )
    assert found.get_by_id(21) is None


def test_a_chosen_model_is_never_replaced_behind_ones_back() -> None:
    chosen = {"CREATIVE_SERVICES_GROQ_ECONOMY_MODEL": "llama-3.3-70b-versatile"}
    assert models(ALL_KEYS | chosen, LATER)[20] == "llama-3.3-70b-versatile"


@pytest.mark.parametrize("variable", ["OLLAMA_MODEL", "CREATIVE_SERVICES_OLLAMA_LOCAL_MODEL"])
def test_ollamas_model(variable: str) -> None:
    entry = by_id(registry({variable: "mistral"}), 30)
    assert (entry.name, entry.model, entry.tier, entry.cost_per_1k_input) == ("Ollama", "mistral", LLMTier.LOCAL, 0)
    both = {"OLLAMA_MODEL": "mistral", "CREATIVE_SERVICES_OLLAMA_LOCAL_MODEL": "qwen3"}
    assert by_id(registry(both), 30).model == "qwen3", "our own variable is the more exact wish"


def test_a_misspelt_place_is_refused_with_the_right_spelling() -> None:
    with pytest.raises(ConfigurationError, match="Did you mean 'CREATIVE_SERVICES_OPENAI_STANDARD_MODEL'"):
        registry({"CREATIVE_SERVICES_OPENAI_STANDART_MODEL": "x"})
    with pytest.raises(ConfigurationError, match="Did you mean 'CREATIVE_SERVICES_OPENAI_STANDARD_MODEL'"):
        registry({"CREATIVE_SERVICES_OPNAI_STANDARD_MODEL": "x"})
    with pytest.raises(ConfigurationError, match="no place"):
        registry({"CREATIVE_SERVICES_OPENAI_LOCAL_MODEL": "x"})


def test_other_peoples_variables_are_left_alone() -> None:
    assert list(models({"CREATIVE_SERVICES_JUDGE_MODEL": "x", "MY_OPENAI_MODEL": "y"})) == [30]


def test_the_log_says_once_what_changed_and_what_will(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "creative_services.catalog")
    for _ in range(3):
        registry({"OPENAI_API_KEY": "sk-secret-12345678"})
    told = [(record.levelname, record.getMessage()) for record in caplog.records]
    assert [level for level, _ in told] == ["INFO", "WARNING", "WARNING"]
    assert "Entry 1 (openai economy) now uses gpt-6-luna: gpt-3.5-turbo was retired on 2026-10-23" in told[0][1]
    assert "gpt-4o-mini" in told[1][1]
    assert "in 54 days" in told[1][1]
    assert "12345678" not in caplog.text


def test_a_pinned_table_is_told_what_is_gone(caplog: pytest.LogCaptureFixture) -> None:
    registry({"OPENAI_API_KEY": "x"} | PINNED, LATER)
    told = [record.getMessage() for record in caplog.records]
    assert len(told) == 3
    assert all("was retired" in text and "Its successor is" in text for text in told)


def test_in_quiet_times_nothing_is_said(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    registry(ALL_KEYS, LONG_AGO)
    assert not caplog.records


def test_the_process_environment_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GROQ_API_KEY", "gsk-from-the-process")
    monkeypatch.setenv("OLLAMA_HOST", "")
    assert [entry.provider for entry in DictRegistry.from_env()] == ["groq"]


def test_the_winners_of_today() -> None:
    found = registry(ALL_KEYS)
    winners = {tier.value: entry.id for tier in LLMTier if (entry := found.get_by_tier(tier))}
    assert winners == {"economy": 20, "standard": 2, "premium": 3, "local": 30}
    assert [entry.id for entry in found.candidates(LLMTier.ECONOMY)] == [20, 1, 10], "equal prices: the lower id"
