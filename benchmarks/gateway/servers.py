"""What stands beside the gateway, each one process on one core: ``python -m benchmarks.gateway.servers NAME PORT URL``.

``static`` is our server with an answer from memory, ``relay`` passes bytes on and looks at nothing, and ``aiohttp``
and ``pyreqwest`` are the gateway with another way to the vendor.
"""

import shutil
import socket
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.gateway.legs import LEGS
from benchmarks.gateway.load import KEY
from creative_services.core.llm_registry import LLMEntry
from creative_services.llms.dict_registry import DictRegistry
from creative_services.server.access.keys import keys_from
from creative_services.server.build import Parts, build
from creative_services.server.serve import work
from creative_services.server.settings import Settings
from creative_services.server.upstream.origins import Origin, Target
from creative_services.server.upstream.pooled import PooledLeg

# Both limits are checked at every call and never reached.
KEYS = f"ada={KEY};rpm=100000000;tpm=1000000000000"


def gateway(leg: str, upstream: str, state: Path) -> Any:
    """Ours, with key check, limits, usage and ledger on, and some way to the vendor."""
    entry = LLMEntry(
        id=1, name="Economy", provider="openai", model="gpt-x", tier="economy", api_key="sk-upstream-0123456789",
        api_endpoint=f"{upstream}/v1", cost_per_1k_input="0.0005", cost_per_1k_output="0.0015",
    )  # fmt: skip
    keys = keys_from({"CREATIVE_SERVICES_GATEWAY_KEYS": KEYS})
    return build(Parts(registry=DictRegistry([entry]), settings=_settings(state), keys=keys, leg=LEGS[leg]()))


def _settings(state: Path) -> Settings:
    return Settings(state=state, ledger=state / "ledger", drain_seconds=0.1)


class Plain:
    """An ASGI application without anything around it."""

    def __init__(self, answer: Any) -> None:
        self._answer = answer

    def drain(self) -> None:
        """Nothing to say."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            for word in ("startup", "shutdown"):
                await receive()
                await send({"type": f"lifespan.{word}.complete"})
            return
        body = await self._answer((await receive())["body"])
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})


def static(upstream: str, state: Path) -> Any:
    """The same answer from memory: what the server alone costs."""
    from benchmarks.gateway.upstream import WHOLE

    async def answer(_: bytes) -> bytes:
        return WHOLE

    return Plain(answer)


def relay(upstream: str, state: Path) -> Any:
    """The request passed on as it is: what the way to the vendor costs."""
    leg = PooledLeg(now=time.monotonic)
    host, _, port = upstream.rpartition("/")[2].partition(":")
    head = b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
    target = Target(origin=Origin(host=host, port=int(port)), head=head)

    async def answer(body: bytes) -> bytes:
        given = await leg.ask(target, body)
        content = given.taken()
        given.close()
        return content

    return Plain(answer)


MADE: dict[str, Callable[[str, Path], Any]] = {
    "static": static,
    "relay": relay,
    **{name: partial(gateway, name) for name in LEGS},
}


def main(name: str, port: int, upstream: str) -> None:
    """Serve until told to stop."""
    state = Path(tempfile.mkdtemp(prefix="gateway-benchmark-"))
    try:
        with socket.create_server(("127.0.0.1", port), backlog=4096) as listener:
            work(partial(MADE[name], upstream, state), _settings(state), listener)
    finally:
        shutil.rmtree(state, ignore_errors=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3])
