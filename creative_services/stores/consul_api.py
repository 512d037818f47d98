"""The part of Consul's HTTP API that a store needs: https://developer.hashicorp.com/consul/api-docs/kv."""

import json
from base64 import b64decode
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import unquote, urlsplit

import aiohttp
from yarl import URL

from creative_services.config import environment, setting
from creative_services.core.errors import ConfigurationError, StoreError, StoreRefusedError, StoreUnreachableError
from creative_services.core.secrets import Secret
from creative_services.stores._http import as_body
from creative_services.stores._per_loop import PerLoop

_SCHEMES: Final = {"http": "http", "https": "https", "consul": "http", "consuls": "https"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A key as Consul keeps it; ``flags`` is a number of the client's own."""

    name: str
    value: bytes
    flags: int
    index: int


class Consul:
    """An agent, by default the one CONSUL_HTTP_ADDR names, else this computer's."""

    def __init__(self, address: str | None = None, *, token: str | None = None) -> None:
        address = address or setting(environment(), "CONSUL_HTTP_ADDR") or "127.0.0.1:8500"
        parts = urlsplit(address if "://" in address else f"http://{address}")
        if parts.scheme not in _SCHEMES:
            raise ConfigurationError(f"{parts.scheme}:// is no Consul address. Write http://host:8500 or https://.")
        self.address = f"{_SCHEMES[parts.scheme]}://{parts.hostname}:{parts.port or 8500}"
        self._token = Secret(
            token or unquote(parts.password or "") or setting(environment(), "CONSUL_HTTP_TOKEN") or ""
        )
        self._sessions: PerLoop[aiohttp.ClientSession] = PerLoop(aiohttp.ClientSession, lambda session: session.close())

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections of the running loop."""
        await self._sessions.aclose()

    async def get(self, name: str) -> Entry | None:
        """The entry of this name. From the leader, who made sure that it still is one."""
        _, body = await self._ask("GET", name, {"consistent": ""})
        return _entries(body)[0] if body else None

    async def recurse(self, prefix: str, *, index: int = 0, wait: float = 0.0) -> tuple[list[Entry], int]:
        """Every entry under a prefix, and the index of their state; with ``index``, as soon as it is another one."""
        # Without consistent= while waiting: a change is worth telling at once, and the next answer mends it.
        asked = {"index": str(index), "wait": f"{wait * 1000:.0f}ms"} if index else {"consistent": ""}
        headers, body = await self._ask("GET", prefix, {"recurse": "", **asked})
        return _entries(body), int(headers.get("X-Consul-Index", 0))

    async def put(self, name: str, value: bytes, *, flags: int = 0, cas: int | None = None) -> bool:
        """Write; with ``cas``, only if the entry's index is still that one, or with 0 if there is none."""
        guard = {} if cas is None else {"cas": str(cas)}
        return json.loads((await self._ask("PUT", name, {"flags": str(flags), **guard}, value))[1]) is True

    async def delete(self, name: str, *, cas: int) -> bool:
        """Delete, if the entry's index is still that one."""
        return json.loads((await self._ask("DELETE", name, {"cas": str(cas)}))[1]) is True

    async def _ask(self, method: str, name: str, query: dict[str, str], body: bytes | None = None) -> tuple[Any, bytes]:
        session = await self._sessions.here()
        headers = {"X-Consul-Token": self._token.reveal()} if self._token else {}
        url = URL(f"{self.address}/v1/kv/{name}", encoded=True).with_query(query)
        async with session.request(
            method,
            url,
            headers=headers,
            data=None if body is None else as_body(body),
            allow_redirects=False,
            timeout=aiohttp.ClientTimeout(total=None),
        ) as response:
            answer = await response.read()
            if response.status == 404 and not answer:
                return response.headers, b""
            if response.status != 200:
                raise _refusal(response.status, answer.decode(errors="replace")[:200].strip(), method)
            return response.headers, answer


def _refusal(status: int, told: str, method: str) -> StoreError:
    said = f"Consul answered {status}: {told or 'nothing'}."
    if status == 403:
        return StoreError(f"{said} Give the store a token whose policy allows key_prefix to be written.")
    if status == 413:
        return StoreRefusedError(f"{said} Its values have 512 KiB at most.")
    if status >= 500:  # no leader, above all
        in_doubt = method != "GET"
        return StoreUnreachableError(f"{said} Look at `consul operator raft list-peers`.", may_have_happened=in_doubt)
    return StoreError(f"{said} Check that this is the HTTP address of a Consul agent.")


def _entries(body: bytes) -> list[Entry]:
    if not body:
        return []
    return [
        Entry(name=e["Key"], value=b64decode(e["Value"] or ""), flags=e["Flags"], index=e["ModifyIndex"])
        for e in json.loads(body)
    ]
