"""A roster to look at, be it in a store or at a routing service."""

import asyncio
import json
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import typer

from creative_services.core.replicas import MODEL_FIELD
from creative_services.replicas.doorway import Doorway
from creative_services.replicas.registration import Registration
from creative_services.replicas.registry import ServerRegistry
from creative_services.stores import open_store

_POLL_SECONDS = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One replica as it is shown."""

    id: str
    model: str
    endpoint: str
    document: Mapping[str, Any]

    @property
    def cells(self) -> Sequence[str]:
        """Its line in a table."""
        told = self.document
        stats = (told.get("data") or {}).get("request_stats") or {}
        seconds = stats.get("last_15_minutes_latency", 0.0)
        busy = f"{stats['last_15_minutes']} x {seconds:.3f} s" if "last_15_minutes" in stats else ""
        age = f"{max(0.0, time.time() - told['last_heartbeat']):.0f} s" if "last_heartbeat" in told else ""
        abilities = [told["metadata"]] if "metadata" in told else told["capabilities"]
        words = " | ".join(" ".join(f"{name}={value}" for name, value in each.items()) for each in abilities)
        return (self.model, self.endpoint, self._state, age, busy, words)

    @property
    def _state(self) -> str:
        return "draining" if self.document.get("draining") else str(self.document.get("status", "active"))


class Source:
    """A store's URL or path, or the address of a routing service."""

    def __init__(self, where: str, token: str | None = None) -> None:
        self._where, self._token = where, token
        self._is_service = where.startswith(("http://", "https://"))

    def rows(self) -> list[Row]:
        """Every replica, by model and endpoint."""
        found = self._of_service() if self._is_service else asyncio.run(self._of_store())
        return sorted(found, key=lambda row: (row.model, row.endpoint))

    def counts(self) -> dict[str, int]:
        """Replicas by model."""
        return dict(Counter(row.model for row in self.rows()))

    def changes(self) -> Iterator[tuple[str, Row]]:
        """What comes and goes, beginning with who is there."""
        known: dict[str, Row] = {}
        while True:
            present = {row.id: row for row in self.rows()}
            yield from (("registered", row) for key, row in present.items() if key not in known)
            yield from (("gone", row) for key, row in known.items() if key not in present)
            known = present
            time.sleep(_POLL_SECONDS)

    @contextmanager
    def registered(self, endpoint: str, capability: Mapping[str, Any], replica_id: str | None) -> Iterator[str]:
        """A replica of ours on the roster while the block runs."""
        if self._is_service:
            with Registration(
                self._where, endpoint, [capability], replica_id=replica_id, token=self._token
            ) as registration:
                yield registration.replica_id
        else:
            with _beating(self._where, endpoint, capability) as server_id:
                yield server_id

    def _of_service(self) -> list[Row]:
        door = Doorway(self._where, self._token)
        status, answer = door.ask("GET", "/registry")
        if status != 200:
            raise door.refusal(status, answer)
        return [
            Row(id=one["replica_id"], model=_models(one["capabilities"]), endpoint=one["endpoint"], document=one)
            for one in answer["replicas"]
        ]

    async def _of_store(self) -> list[Row]:
        async with ServerRegistry(open_store(self._where)) as registry:
            servers = (await registry.roster())["servers"]
        return [
            Row(id=one["server_id"], model=_models([one["metadata"]]), endpoint=one["uri"], document=one)
            for one in servers
        ]


def _models(capabilities: Sequence[Mapping[str, Any]]) -> str:
    named = [str(each.get("model", each.get(MODEL_FIELD, ""))) for each in capabilities]
    return ",".join(dict.fromkeys(filter(None, named))) or "default"


@contextmanager
def _beating(where: str, endpoint: str, capability: Mapping[str, Any]) -> Iterator[str]:
    """Registered in a store, with heartbeats from a loop on a thread of its own."""
    with asyncio.Runner() as runner:
        registry = ServerRegistry(open_store(where))
        server_id = runner.run(registry.register_server(endpoint, None, capability))
        leaving = asyncio.Event()
        loop = runner.get_loop()

        async def live() -> None:
            async with registry.keeping_alive():
                await leaving.wait()
            await registry.deregister()
            await registry.aclose()

        thread = threading.Thread(target=runner.run, args=(live(),), name="heartbeats")
        thread.start()
        try:
            yield server_id
        finally:
            loop.call_soon_threadsafe(leaving.set)
            thread.join()


def pairs_of(words: Sequence[str]) -> dict[str, Any]:
    """``model=qwen2 gpus=2`` as a capability: what reads as a number or a truth is one."""
    pairs = [word.partition("=") for word in words]
    for name, sign, _ in pairs:
        if not name or not sign:
            raise typer.BadParameter(f"{name!r} is no capability. Write name=value.")
    return {name: _value(text) for name, _, text in pairs}


def _value(text: str) -> Any:
    try:
        value = json.loads(text)
    except ValueError:
        return text
    # A version such as 1.10 is a text: as a number it would be 1.1.
    return value if isinstance(value, bool | int) else text


def until_interrupted() -> None:
    """Wait for Ctrl-C, or for a supervisor's SIGTERM."""
    over = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: over.set())
    over.wait()
