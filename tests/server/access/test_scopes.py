"""Scopes: every path with every key, through a running gateway."""

import logging
from itertools import combinations
from typing import Any

import pytest

from creative_services.core.access import KeyRecord, KeyScope
from tests.server.house import ANTHROPIC, CHAT, EMBEDDINGS, RESPONSES, House, Said

MODELS = "/v1/models"
PATHS = {
    CHAT: KeyScope.CHAT, RESPONSES: KeyScope.CHAT, ANTHROPIC: KeyScope.CHAT, EMBEDDINGS: KeyScope.EMBEDDINGS,
    MODELS: KeyScope.MODELS, f"{MODELS}/economy": KeyScope.MODELS,
}  # fmt: skip
CHOICES = [chosen for size in (1, 2, 3) for chosen in combinations(KeyScope, size)]


def key_for(*scopes: KeyScope) -> str:
    return "a-long-key-for-" + "-".join(scopes)


def called(path: str) -> dict[str, Any]:
    """What asks this path well."""
    if path.startswith(MODELS):
        return {"method": "GET"}
    bodies = {EMBEDDINGS: {"model": "economy", "input": "hi"}, RESPONSES: {"model": "economy", "input": "hi"}}
    return bodies.get(path, {})


@pytest.fixture
async def house(open_house: Any) -> House:
    keys = (f"{key_for(*scopes)};scopes={'+'.join(scopes)}" for scopes in CHOICES)
    house: House = await open_house(keys=", ".join((*keys, "a-key-for-everything")))
    return house


@pytest.mark.parametrize("path", PATHS)
async def test_each_path_asks_for_its_scope(house: House, path: str) -> None:
    assert (await house.ask(path, key="a-key-for-everything", **called(path))).status == 200
    for scopes in CHOICES:
        said = await house.ask(path, key=key_for(*scopes), **called(path))
        assert said.status == (200 if PATHS[path] in scopes else 403), scopes


def told(said: Said) -> Any:
    return said.document["error"]


@pytest.mark.parametrize("path", PATHS)
async def test_a_refusal_in_the_callers_shape_says_what_is_missing(house: House, path: str) -> None:
    wrong = key_for(*(scope for scope in KeyScope if scope is not PATHS[path]))
    anthropic = {"anthropic-version": "2023-06-01"} if path in (ANTHROPIC, MODELS) else {}
    said = await house.ask(path, key=wrong, headers=anthropic, **called(path))
    assert said.status == 403
    error = told(said)
    assert f"lacks the scope '{PATHS[path]}'" in error["message"]
    assert "an administrator can add" in error["message"]
    assert wrong not in said.body.decode()
    if anthropic:
        assert (said.document["type"], error["type"]) == ("error", "permission_error")
    else:
        assert (error["type"], error["code"]) == ("permission_error", "scope_not_allowed")


async def test_it_is_counted_and_logged_under_its_key(open_house: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "creative_services.access")
    keys = f"bob={key_for(KeyScope.MODELS)};scopes=models"
    house: House = await open_house(keys=keys, settings={"access_log": True})
    await house.ask(CHAT, key=key_for(KeyScope.MODELS))
    metrics = (await house.ask("/metrics", key=None, method="GET")).body.decode()
    assert [line for line in metrics.splitlines() if "scope_not_allowed" in line and line.endswith(" 1")]
    assert house.ledger() == []
    (line,) = [vars(record)["members"] for record in caplog.records if record.name == "creative_services.access"]
    assert (line["key"], line["status"], line["attempts"]) == ("bob", 403, 0)


def test_a_key_for_nothing_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="no scope at all lets nothing through"):
        KeyRecord(id="bob", digest=bytes(32), scopes=frozenset())
