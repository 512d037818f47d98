"""A LOCAL entry answered by three real llama.cpp servers, while each in turn is killed, frozen and started again."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from urllib.request import urlopen

import pytest

from creative_services import DictRegistry, DynamicLLMClient, LLMEntry, LLMTier
from creative_services.core.errors import ProviderError
from creative_services.replicas import ServerRegistry, open_store
from tests.servers import Server

pytestmark = pytest.mark.thorough

PROGRAM = Path(__file__).with_name("tiny_llm.py")


class LlamaServer(Server):
    """xllamacpp with the tiny model."""

    program, package, scheme = "llama.cpp", "PyPI: xllamacpp gguf", "http"
    model: Path

    def command(self) -> list[str]:
        return [sys.executable, str(PROGRAM), "serve", str(self.model), str(self.port)]

    def ready(self) -> bool:
        with suppress(OSError), urlopen(f"{self.url}/health", timeout=1) as answer:
            return bool(answer.status == 200)
        return False


@pytest.fixture
def llamas(tmp_path: Path) -> Iterator[list[LlamaServer]]:
    pytest.importorskip("xllamacpp", reason="xllamacpp is not installed (PyPI: xllamacpp)")
    pytest.importorskip("gguf", reason="gguf is not installed (PyPI: gguf)")
    model = tmp_path / "tiny.gguf"
    subprocess.run([sys.executable, str(PROGRAM), "write", str(model)], check=True)
    servers = [LlamaServer(tmp_path / name) for name in ("one", "two", "three")]
    for server in servers:
        server.model = model
        server.start()
    yield servers
    for server in servers:
        server.stop()


def local_entry(store: str) -> LLMEntry:
    endpoint = f"replicas://{store}?model=tiny&type=chat"
    return LLMEntry(
        id=30,
        name="Ours",
        provider="replicas",
        model="tiny",
        tier="local",
        api_endpoint=endpoint,
        cost_per_1k_input="0",
    )


async def test_no_call_fails_while_each_is_killed_frozen_and_started_again(
    llamas: list[LlamaServer], tmp_path: Path
) -> None:
    store = f"sqlite:///{tmp_path}/roster.db"
    async with AsyncExitStack() as stack, DynamicLLMClient(DictRegistry([local_entry(store)])) as client:
        for server in llamas:
            # On the roster for as long as the test runs: the client alone must find out who is dead.
            registry = ServerRegistry(open_store(store))
            stack.push_async_callback(registry.aclose)
            await registry.register_server(server.url, None, {"model_path": "tiny", "type": "chat"})
            await stack.enter_async_context(registry.keeping_alive())
        over, answered = asyncio.Event(), []

        async def keep_asking() -> None:
            while not over.is_set():
                response = await client.generate("Write a story", tier=LLMTier.LOCAL, max_tokens=16, timeout=20)
                assert response.llm.id == 30  # the text itself may be empty: its model is random
                answered.append(response.latency)

        asking = [asyncio.create_task(keep_asking()) for _ in range(4)]
        try:
            await asyncio.sleep(0.5)
            for server in llamas:
                await break_and_mend(server)
        finally:
            over.set()
            await asyncio.gather(*asking)
        seconds = sorted(answered)
        print(
            f"{len(answered)} calls, 0 failed; median {seconds[len(seconds) // 2]:.3f} s, longest {seconds[-1]:.2f} s"
        )
        assert len(answered) > 100


async def break_and_mend(server: LlamaServer) -> None:
    """Killed and started again; frozen and thawed."""
    server.kill()
    await asyncio.sleep(0.7)
    await asyncio.to_thread(server.start)
    await asyncio.sleep(0.3)
    server.freeze()
    await asyncio.sleep(1.5)
    server.thaw()
    await asyncio.sleep(0.3)


async def test_a_stream_comes_whole_from_who_is_left(llamas: list[LlamaServer], tmp_path: Path) -> None:
    store = f"file://{tmp_path}/roster"
    for server in llamas:
        await ServerRegistry(open_store(store)).register_server(server.url, None, {"model": "tiny", "type": "chat"})
    llamas[0].kill()
    llamas[1].freeze()
    async with DynamicLLMClient(DictRegistry([local_entry(store)])) as client:
        for _ in range(6):
            pieces = [piece async for piece in client.stream("Write a story", tier="local", max_tokens=8, timeout=30)]
            assert pieces
        llamas[1].thaw()


async def test_with_nobody_left_the_next_entry_of_the_tier_answers(tmp_path: Path) -> None:
    spare = LLMEntry(id=31, name="Spare", provider="offline", model="spare", tier="local", cost_per_1k_input="1")
    async with DynamicLLMClient(DictRegistry([local_entry(f"file://{tmp_path}/empty"), spare])) as client:
        response = await client.generate("Hello", tier="local")
        assert response.llm.id == 31
        assert "no replica on the roster" in str(response.attempts[0].error)
        with pytest.raises(ProviderError, match="no replica on the roster"):
            await client.generate("Hello", llm_id=30)
