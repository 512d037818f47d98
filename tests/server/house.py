"""The gateway the tests talk to."""

import asyncio
import io
import json
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
from uvicorn.config import Config

from creative_services.core.ledger import Batch, LedgerRecord
from creative_services.core.llm_registry import LLMEntry
from creative_services.llms.dict_registry import DictRegistry
from creative_services.server.access.keys import keys_from
from creative_services.server.app import DataPlane
from creative_services.server.build import Parts, build
from creative_services.server.http.protocol import GatewayProtocol
from creative_services.server.http.server import GatewayServer
from creative_services.server.ledger.lines import record_in
from creative_services.server.settings import Settings
from creative_services.telemetry.spool.shipper import Shipper
from creative_services.testing.vendors import VendorServer

KEY = "a-key-of-the-tests-0123456789"
VENDOR_KEY = "sk-upstream-0123456789abcdef"
MESSAGES = [{"role": "user", "content": "hi"}]
CHAT, RESPONSES, ANTHROPIC, EMBEDDINGS = "/v1/chat/completions", "/v1/responses", "/v1/messages", "/v1/embeddings"
CAN = frozenset({"chat", "tools", "vision", "json"})


def entries(vendor: VendorServer) -> list[LLMEntry]:
    """One of each way: OpenAI's shape, Anthropic's, a provider of ours without a network, Ollama."""
    prices = {"cost_per_1k_input": "0.001", "cost_per_1k_output": "0.002"}
    common: dict[str, Any] = {"api_key": VENDOR_KEY, "capabilities": CAN, **prices}
    return [
        LLMEntry(id=1, name="Small", provider="openai", model="gpt-small", tier="economy",
                 api_endpoint=vendor.openai_url, **common),
        LLMEntry(id=2, name="Claude", provider="anthropic", model="claude-mid", tier="standard",
                 api_endpoint=vendor.anthropic_url, **common),
        LLMEntry(id=3, name="Demo", provider="offline", model="offline", tier="premium", **common),
        LLMEntry(id=4, name="Llama", provider="ollama", model="llama3.2", tier="local",
                 api_endpoint=vendor.ollama_url, **common),
        LLMEntry(id=5, name="Vectors", provider="openai", model="text-small", tier="economy",
                 api_endpoint=vendor.openai_url, **{**common, "capabilities": {"embeddings"}}),
    ]  # fmt: skip


def more_entries(vendor: VendorServer) -> list[LLMEntry]:
    """Groq's shape, and an endpoint that speaks as OpenAI does. Without a price they are nobody's first choice."""
    common: dict[str, Any] = {"tier": "premium", "api_key": VENDOR_KEY, "capabilities": CAN | {"json_schema"}}
    return [
        LLMEntry(id=6, name="Fast", provider="groq", model="llama-groq", api_endpoint=vendor.groq_url, **common),
        LLMEntry(id=7, name="Other", provider="compatible", model="other", api_endpoint=vendor.openai_url, **common),
    ]


class MemoryLedger:
    """A sink that keeps its promise in memory."""

    def __init__(self) -> None:
        self.batches: list[Batch] = []
        self.marks: dict[str, int] = {}

    def last(self, spool: str) -> int:
        return self.marks.get(spool, 0)

    def store(self, batch: Batch[LedgerRecord]) -> None:
        assert batch.first == self.last(batch.spool) + 1
        self.batches.append(batch)
        self.marks[batch.spool] = batch.last

    @property
    def records(self) -> list[LedgerRecord]:
        return [record for batch in self.batches for record in batch.records]


@dataclass(frozen=True)
class Said:
    """An answer as it came."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def document(self) -> Any:
        return json.loads(self.body)

    @property
    def events(self) -> list[Any]:
        """The documents of a stream, without [DONE]."""
        lines = [line[6:] for line in self.body.split(b"\n") if line.startswith(b"data: ")]
        return [json.loads(line) for line in lines if line != b"[DONE]"]


class House:
    """A running gateway."""

    def __init__(
        self,
        vendor: VendorServer,
        state: Path,
        *,
        registry: Any = None,
        keys: str | None = KEY,
        settings: Mapping[str, Any] | None = None,
        extra: Sequence[LLMEntry] = (),
        **parts: Any,
    ) -> None:
        self.vendor = vendor
        self.registry = registry or DictRegistry([*entries(vendor), *extra])
        self.settings = Settings(**{"state": state, "ledger": state / "ledger", **(settings or {})})
        named = None if keys is None else keys_from({"CREATIVE_SERVICES_GATEWAY_KEYS": keys})
        self.parts = Parts(registry=self.registry, settings=self.settings, keys=named, **parts)
        self.app: DataPlane
        self.url = ""
        self._ledger = MemoryLedger()

    async def open(self) -> None:
        self.app = build(self.parts)
        listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self.port = listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        config = Config(self.app, http=GatewayProtocol, lifespan="on", log_config=None, server_header=False)
        self.server = GatewayServer(config, on_lame=self.app.drain, drain_seconds=0.0)
        self._listener = listener
        self._serving = asyncio.create_task(self.server._serve([listener]))
        while not self.server.started:
            await asyncio.sleep(0.005)
            if self._serving.done():
                self._serving.result()
        self.session = aiohttp.ClientSession(self.url)

    async def close(self) -> None:
        """End without the tenths of a second that a real stop waits (test_serving has those); for a thousand tests."""
        await self.session.close()
        self._serving.cancel()
        await asyncio.gather(self._serving, return_exceptions=True)
        for server in self.server.servers:
            server.close()
        self._listener.close()
        for connection in list(self.server.server_state.connections):
            connection.shutdown()
        await self.server.lifespan.shutdown()

    async def ask(self, path: str = CHAT, *, key: str | None = KEY, method: str = "POST", data: Any = None,
                  headers: Mapping[str, str] | None = None, **body: Any) -> Said:  # fmt: skip
        """One request; the body's members as keywords."""
        if path in (CHAT, ANTHROPIC):
            body = {
                "model": "economy",
                "messages": MESSAGES,
                **({"max_tokens": 50} if path == ANTHROPIC else {}),
                **body,
            }
        given = {"content-type": "application/json", **({"authorization": f"Bearer {key}"} if key else {})}
        sent = json.dumps(body).encode() if data is None and method == "POST" else data
        sent = io.BytesIO(sent) if isinstance(sent, bytes) and len(sent) > 1_000_000 else sent
        async with self.session.request(method, path, data=sent, headers={**given, **(headers or {})}) as response:
            names = {name.lower(): value for name, value in response.headers.items()}
            return Said(response.status, names, await response.read())

    def ledger(self) -> list[LedgerRecord]:
        """Every record so far."""
        shipper = Shipper(self.settings.state / "spool", self._ledger, record_in)
        shipper.ship()
        shipper.close()
        return self._ledger.records
