"""Every endpoint, key and model is tried once, and what is broken is named."""

import asyncio
from typing import Any

import pytest

from creative_services import LLMEntry
from creative_services.cli.checks import check_all, serves
from creative_services.testing.vendors import Fault, VendorServer
from tests.cli.conftest import KEY, Cli

MODELS = {
    "openai": ("gpt-3.5-turbo", "gpt-4o-mini", "gpt-4o"),
    "anthropic": ("claude-3-haiku-20240307", "claude-3-5-sonnet-20241022", "claude-3-opus-20240229"),
    "groq": ("llama-3.3-70b-versatile",),
    "ollama": ("llama3.2",),
}


@pytest.fixture
def healthy(vendors: VendorServer) -> VendorServer:
    vendors.models.update(MODELS)
    return vendors


def by_id(told: Any) -> dict[int, Any]:
    return {row["id"]: row for row in told["entries"]}


def test_when_all_is_well_it_says_so(cli: Cli, healthy: VendorServer) -> None:
    ended = cli("doctor", "--json")
    told = ended.json
    assert ended.code == 0
    assert told["ok"] is True
    states = {(row["reachable"], row["authorised"], row["model_listed"]) for row in told["entries"]}
    assert states == {(True, True, True)}


def test_each_key_and_endpoint_is_asked_once_and_nothing_is_generated(cli: Cli, healthy: VendorServer) -> None:
    cli("doctor")
    assert sorted(seen.vendor for seen in healthy.requests) == ["anthropic", "groq", "ollama", "openai"]
    assert all(seen.body is None for seen in healthy.requests)


def test_retirements_are_told(cli: Cli, healthy: VendorServer) -> None:
    warnings = cli("doctor", "--json").json["warnings"]
    assert any("gpt-3.5-turbo" in text and "was retired on 2026-10-23" in text for text in warnings)


def test_a_wrong_key_is_told_apart_from_a_dead_endpoint(
    cli: Cli, healthy: VendorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    healthy.require_keys([KEY])
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-wrong-0123456789abcdef")
    with VendorServer() as gone:
        monkeypatch.setenv("GROQ_BASE_URL", gone.groq_url)
    ended = cli("doctor", "--json", "--timeout", "5")
    rows = by_id(ended.json)
    assert ended.code == 1
    assert (rows[2]["reachable"], rows[2]["authorised"]) == (True, True)
    assert (rows[10]["reachable"], rows[10]["authorised"], rows[10]["model_listed"]) == (True, False, None)
    assert "with the key ****cdef: answered 401" in rows[10]["problem"]
    assert (rows[20]["reachable"], rows[20]["authorised"]) == (False, None)


def test_no_whole_key_is_shown(cli: Cli, healthy: VendorServer) -> None:
    healthy.require_keys(["another"])
    for ended in (cli("doctor"), cli("doctor", "--json")):
        assert ended.code == 1
        assert KEY not in ended.out + ended.err


def test_a_model_nobody_serves_is_broken(cli: Cli, healthy: VendorServer) -> None:
    healthy.models["openai"] = ("gpt-4o",)
    ended = cli("doctor")
    assert ended.code == 1
    assert "Broken: entry 2 'GPT-4o-mini' (openai gpt-4o-mini): the endpoint does not list this model." in ended.err
    assert "Its successor is gpt-6.1-terra." in ended.err


def test_an_endpoint_that_says_nothing_is_given_up(cli: Cli, healthy: VendorServer) -> None:
    healthy.script(*[Fault.hang()] * 4)
    ended = cli("doctor", "--timeout", "0.3")
    assert ended.code == 1
    assert ended.err.count("no answer within 0.3 s") == 4


def test_a_key_that_cannot_travel_reaches_nobody(
    cli: Cli, healthy: VendorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-not copied whole")
    row = by_id(cli("doctor", "--json").json)[2]
    assert (row["reachable"], row["authorised"]) == (None, False)


def test_an_ollama_nobody_asked_for_may_be_absent(
    cli: Cli, healthy: VendorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Whatever listens at Ollama's own port on this machine, it does not have this model.
    monkeypatch.delenv("OLLAMA_HOST")
    monkeypatch.setenv("OLLAMA_MODEL", "a-model-nobody-has")
    ended = cli("doctor", "--timeout", "5")
    assert ended.code == 0
    assert "so this counts as no fault" in ended.err


def test_nothing_at_all_is_a_fault(cli: Cli, nobody: None) -> None:
    ended = cli("doctor")
    assert ended.code == 1
    assert "No entry can answer." in ended.err


def test_the_demo_is_always_well(cli: Cli, nobody: None) -> None:
    assert cli("doctor", "--demo").code == 0


def test_an_unknown_provider_is_a_problem_and_no_crash() -> None:
    llm = LLMEntry(id=1, name="x", provider="nobody-knows", model="x", tier="standard")
    (check,) = asyncio.run(check_all([llm], timeout=1))
    assert (check.reachable, check.authorised) == (None, None)
    assert "No provider is called 'nobody-knows'" in (check.problem or "")


@pytest.mark.parametrize(
    ("model", "listed", "expected"),
    [
        ("gpt-4o", "gpt-4o", True),
        ("llama3.2", "llama3.2:latest", True),
        ("claude-haiku-5-5", "claude-haiku-5-5-20260801", True),
        ("gpt-4o", "gpt-4o-2024-08-06", True),
        ("gpt-4o", "gpt-4o-mini", False),
        ("gpt-4o", "gpt-4o-mini-2024-07-18", False),
        ("gpt-4o-mini", "gpt-4o", False),
    ],
)
def test_a_snapshot_counts_as_its_model(model: str, listed: str, expected: bool) -> None:
    assert serves(model, frozenset([listed])) is expected
