"""Endpoints: never a private address, unless LOCAL or allowed; after DNS, at save and at call time."""

import socket
import time
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.test import override_settings

from creative_services import DynamicLLMClient, LLMEntry
from creative_services.adapters import DjangoLLMRegistry
from creative_services.core.errors import ConfigurationError
from django_app.llms import endpoints
from django_app.llms.endpoints import arefusal, goal_of, host_of, literal_refusal, refusal
from django_app.llms.models import Llms


@pytest.fixture
def dns(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """A phone book of the test's own; every other name is unknown."""
    known: dict[str, list[str]] = {}

    def resolve(host: str, *_: Any, **__: Any) -> list[tuple[Any, ...]]:
        if host not in known:
            raise socket.gaierror(f"unknown {host}")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 0)) for address in known[host]]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    endpoints._allowed_until.clear()
    return known


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://127.0.0.1:8000/v1",
        "http://localhost:8000",
        "localhost:11434",
        "http://10.1.2.3",
        "https://192.168.0.1/v1",
        "http://172.16.0.1",
        "http://169.254.169.254/latest/meta-data",
        "http://100.64.0.1",
        "http://0.0.0.0",
        "http://[::1]:80",
        "http://[fe80::1]",
        "http://[fd00::1]",
        "http://[::ffff:10.0.0.1]",
        "http://224.0.0.1",
    ],
)
def test_private_addresses(endpoint: str) -> None:
    assert "private address" in (refusal(endpoint, "standard") or "")
    assert "private address" in (literal_refusal(endpoint, "standard") or "")
    assert refusal(endpoint, "local") is None


@pytest.mark.parametrize("endpoint", ["", None, "https://8.8.8.8/v1", "http://[2606:4700::1111]", "replicas://chat"])
def test_addresses_that_may_be_called(endpoint: str | None) -> None:
    assert refusal(endpoint, "standard") is None


def test_an_endpoint_without_a_host_is_none() -> None:
    assert "without a host" in (refusal("http://", "standard") or "")


def test_names_are_resolved_and_one_private_address_is_enough(dns: dict[str, list[str]]) -> None:
    dns["llm.example.com"] = ["8.8.8.8"]
    dns["inside.example.com"] = ["8.8.8.8", "10.0.0.5"]
    assert refusal("https://llm.example.com/v1", "standard") is None
    assert "inside.example.com (10.0.0.5)" in (refusal("https://inside.example.com/v1", "standard") or "")
    assert refusal("https://unknown.example.com/v1", "standard") is None  # no call can reach it either


def test_the_allow_list_takes_hosts_addresses_and_networks(dns: dict[str, list[str]]) -> None:
    dns["gpu.internal"] = ["10.0.0.5"]
    for allowed in ("gpu.internal", "10.0.0.5", "10.0.0.0/24"):
        with override_settings(CREATIVE_SERVICES={"ENDPOINT_ALLOW": [allowed]}):
            assert refusal("http://gpu.internal:8000", "standard") is None
    with override_settings(CREATIVE_SERVICES={"ENDPOINT_ALLOW": ["10.0.1.0/24", "other.internal"]}):
        assert refusal("http://gpu.internal:8000", "standard") is not None


@pytest.mark.parametrize(
    ("endpoint", "host"),
    [("https://API.Example.com./v1", "api.example.com"), ("gpu:8000", "gpu"), ("http://[::1]:1", "::1"), ("", "")],
)
def test_the_host_of_an_endpoint(endpoint: str, host: str) -> None:
    assert host_of(endpoint) == host


SAME_GOAL = [
    ("https://api.example.com", "https://API.example.com.:443/v1"),
    ("gpu:8000", "http://gpu:8000/v1"),
    ("http://gpu", "http://user:word@gpu:80"),
    ("", None),
]
OTHER_GOALS = [
    "", "https://gpu", "http://gpu", "http://gpu:8000", "https://gpu:8000", "https://gpu:nonsense",
    "replicas://http://a:1?model=m", "replicas://http://b:1?model=m",
]  # fmt: skip


@pytest.mark.parametrize(("one", "other"), SAME_GOAL)
def test_one_goal_is_written_in_several_ways(one: str, other: str | None) -> None:
    assert goal_of("openai", one) == goal_of("openai", other)


def test_goals_differ() -> None:
    assert len({goal_of("openai", each) for each in OTHER_GOALS}) == len(OTHER_GOALS)
    assert goal_of("openai", "") != goal_of("groq", "")
    assert goal_of("openai", "https://gpu") == goal_of("groq", "https://gpu")


def test_saving_in_a_form_is_refused(dns: dict[str, list[str]]) -> None:
    dns["inside.example.com"] = ["10.0.0.5"]
    row = Llms(name="n", provider="openai", model_name="m", tier="standard", api_endpoint="http://inside.example.com")
    with pytest.raises(ValidationError, match=r"10\.0\.0\.5"):
        row.clean()
    row.tier = "local"
    row.clean()


async def test_a_good_answer_holds_for_a_while_and_a_bad_one_does_not(
    dns: dict[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    dns["llm.example.com"] = ["10.0.0.5"]
    assert await arefusal("http://llm.example.com", "standard") is not None
    dns["llm.example.com"] = ["8.8.8.8"]
    assert await arefusal("http://llm.example.com", "standard") is None
    dns["llm.example.com"] = ["10.0.0.5"]
    assert await arefusal("http://llm.example.com", "standard") is None
    later = time.monotonic() + 31
    monkeypatch.setattr(time, "monotonic", lambda: later)
    assert await arefusal("http://llm.example.com", "standard") is not None


@pytest.mark.django_db
async def test_a_name_that_turns_private_after_saving_is_refused_at_the_call(dns: dict[str, list[str]]) -> None:
    dns["turning.example.com"] = ["10.0.0.5"]
    entry = LLMEntry(
        id=1, name="n", provider="offline", model="m", tier="standard", api_endpoint="http://turning.example.com"
    )
    registry = DjangoLLMRegistry()
    with pytest.raises(ConfigurationError, match=r"10\.0\.0\.5"):
        await registry.before_call(entry)
    await registry.before_call(entry.using(tier="local"))
    await registry.before_call(entry.using(api_endpoint=None))
    from django_app.llms.testing import override_llms

    with override_llms(entry):
        async with DynamicLLMClient(registry) as client:
            with pytest.raises(ConfigurationError, match=r"10\.0\.0\.5"):
                await client.generate("hello", tier="standard")
