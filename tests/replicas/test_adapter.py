"""The provider of ``replicas://`` entries: addresses, LOCAL's promise, who is asked, what is learned."""

import json
from pathlib import Path
from typing import Any

import pytest

from creative_services import DictRegistry, DynamicLLMClient, LLMEntry
from creative_services.core.errors import BadRequestError, ConfigurationError, UnreachableError
from creative_services.replicas import Registration, ServerRegistry, open_store
from creative_services.replicas.sources import ServiceSource, StoreSource, opened, parsed
from creative_services.system_clock import SystemClock
from tests.replicas.servers import model_servers
from tests.replicas.service import RoutingServer

ANSWER = {
    "model": "m",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hi"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 1, "completion_tokens": 1},
}


def entry(address: str, tier: str = "economy") -> LLMEntry:
    return LLMEntry(id=1, name="Ours", provider="replicas", model="m", tier=tier, api_endpoint=address)


@pytest.mark.parametrize(
    ("address", "where", "wish"),
    [
        ("replicas://redis://127.0.0.1:6379/0?model=qwen2&type=chat", "redis://127.0.0.1:6379/0", ("model", "type")),
        ("replicas:///var/lib/roster?model=qwen2", "/var/lib/roster", ("model",)),
        ("replicas://sqlite:///a.db?gpus=2", "sqlite:///a.db", ("gpus",)),
        ("replicas://localhost:8080", "localhost:8080", ("otherwise",)),
    ],
)
def test_an_address_is_a_place_and_a_wish(address: str, where: str, wish: tuple[str, ...]) -> None:
    place, conditions = parsed(address, {"otherwise": "m"})
    assert place == where
    assert tuple(name for name, _ in conditions) == wish


def test_a_place_is_a_store_or_a_service(tmp_path: Path) -> None:
    clock = SystemClock()
    assert isinstance(opened(str(tmp_path), clock), StoreSource)
    assert isinstance(opened(f"sqlite:///{tmp_path}/a.db", clock), StoreSource)
    assert isinstance(opened("localhost:8080", clock), ServiceSource)
    assert isinstance(opened("https://routing.example", clock), ServiceSource)
    for address in ("replicas://", "http://h", "replicas://?model=m"):
        with pytest.raises(ConfigurationError, match="names no replicas"):
            parsed(address, {})


async def ask(client: DynamicLLMClient, **options: Any) -> str:
    return (await client.generate("Hello", llm_id=1, **options)).content


async def test_servers_of_a_store_and_replicas_of_a_service_answer(tmp_path: Path, routing: RoutingServer) -> None:
    async with model_servers(1) as [server]:
        server.body = ANSWER
        store = f"file://{tmp_path}/roster"
        await ServerRegistry(open_store(store)).register_server(server.uri, None, {"model_path": "m"})
        with Registration(routing.url, f"127.0.0.1:{server.port}", [{"model": "m"}]):
            for place in (store, routing.url, routing.url.removeprefix("http://")):
                async with DynamicLLMClient(DictRegistry([entry(f"replicas://{place}?model=m")])) as client:
                    assert await ask(client) == "Hi"
        assert server.seen[0]["model"] == "m"


async def test_failures_teach_the_next_choice(tmp_path: Path) -> None:
    store = f"file://{tmp_path}/roster"
    async with model_servers(2) as [bad, good]:
        bad.status, good.body = 503, ANSWER
        for server in (bad, good):
            await ServerRegistry(open_store(store)).register_server(server.uri, None, {"model": "m"})
        async with DynamicLLMClient(DictRegistry([entry(f"replicas://{store}")])) as client:
            for _ in range(40):
                assert await ask(client) == "Hi"
        assert 1 <= len(bad.seen) <= 7


async def test_what_a_replica_refuses_is_not_asked_of_another(tmp_path: Path) -> None:
    store = f"file://{tmp_path}/roster"
    async with model_servers(2) as servers:
        for server in servers:
            server.status, server.body = 400, {"error": {"message": "no such thing"}}
            await ServerRegistry(open_store(store)).register_server(server.uri, None, {"model": "m"})
        async with DynamicLLMClient(DictRegistry([entry(f"replicas://{store}")])) as client:
            with pytest.raises(BadRequestError, match="no such thing"):
                await ask(client)
        assert sum(len(server.seen) for server in servers) == 1


async def test_a_local_request_stays_home_whatever_the_roster_says(tmp_path: Path) -> None:
    store = f"file://{tmp_path}/roster"
    await ServerRegistry(open_store(store)).register_server("https://api.openai.com", None, {"model": "m"})
    async with DynamicLLMClient(DictRegistry([entry(f"replicas://{store}", "local")])) as client:
        with pytest.raises(UnreachableError, match="public host"):
            await ask(client, timeout=2)


async def test_a_store_that_is_out_is_a_failure_that_moves_on() -> None:
    registry = DictRegistry(
        [
            entry("replicas://redis://127.0.0.1:9/0?model=m").using(cost_per_1k_input="0"),
            LLMEntry(id=2, name="Next", provider="offline", model="x", tier="economy", cost_per_1k_input="1"),
        ]
    )
    async with DynamicLLMClient(registry) as client:
        response = await client.generate("Hello", tier="economy", timeout=10)
        assert response.llm.id == 2
        assert isinstance(response.attempts[0].error, UnreachableError)


async def test_the_services_token_is_not_shown_to_replicas(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CREATIVE_SERVICES_REPLICAS_TOKEN", "token-of-the-service")
    server = RoutingServer(tmp_path / "routing")
    server.start()
    try:
        async with model_servers(1) as [replica]:
            replica.body = ANSWER
            uri = f"127.0.0.1:{replica.port}"
            with Registration(server.url, uri, [{"model": "m"}], token="token-of-the-service"):
                status, _ = server.ask("/registry")
                assert status == 401
                async with DynamicLLMClient(DictRegistry([entry(f"replicas://{server.url}")])) as client:
                    assert await ask(client) == "Hi"
            assert "token-of-the-service" not in json.dumps(replica.heads)
    finally:
        server.stop()
