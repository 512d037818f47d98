"""etcd's own JSON gateway: the v3 API over HTTP, so that no gRPC stack is needed."""

import json
from base64 import b64decode, b64encode
from collections.abc import AsyncGenerator, Mapping
from typing import Any, Final
from urllib.parse import unquote, urlsplit

import aiohttp

from creative_services.core.errors import (
    ConfigurationError,
    StoreError,
    StoreRefusedError,
    StoreTimedOutError,
    StoreUnreachableError,
)
from creative_services.core.secrets import Secret
from creative_services.stores._http import as_body
from creative_services.stores._per_loop import PerLoop

Json = dict[str, Any]

# gRPC's status codes, as the gateway hands them on.
_KINDS: Final[Mapping[int, type[StoreError]]] = {
    3: StoreRefusedError,  # invalid argument: too large, above all
    4: StoreTimedOutError,  # deadline exceeded
    8: StoreError,  # resource exhausted: the database is full
    14: StoreUnreachableError,  # no leader
}
_UNAUTHENTICATED: Final = 16


class Gateway:
    """The members of a cluster; one that refuses connections is passed over."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("etcd", "etcds"):
            raise ConfigurationError(
                f"{parts.scheme}:// is no etcd address. Write etcd://host:2379, or etcds:// for TLS."
            )
        scheme = "https" if parts.scheme == "etcds" else "http"
        account, _, hosts = parts.netloc.rpartition("@")
        user, _, password = account.partition(":")
        self._members = [f"{scheme}://{host if ':' in host else host + ':2379'}" for host in hosts.split(",")]
        self._user, self._password = unquote(user), Secret(unquote(password))
        self._token = ""
        self._sessions: PerLoop[aiohttp.ClientSession] = PerLoop(aiohttp.ClientSession, lambda session: session.close())

    async def ask(self, path: str, question: Json) -> Json:
        """One call; signs in first, and again when etcd has forgotten us."""
        if self._user and not self._token:
            await self._sign_in()
        try:
            return await self._post(path, question)
        except PermissionError:
            await self._sign_in()
            return await self._post(path, question)

    async def follow(self, path: str, question: Json, *, silence: float) -> AsyncGenerator[Json]:
        """A call whose answers keep coming; ends when the connection does, or after ``silence`` seconds without any."""
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=silence, sock_read=silence)
        async with await self._send(path, question, timeout=timeout) as response:
            rest = b""
            async for part in response.content.iter_any():
                *lines, rest = (rest + part).split(b"\n")
                for line in lines:
                    yield _result(json.loads(line))

    async def aclose(self) -> None:
        """Close the connections of the running loop."""
        await self._sessions.aclose()

    async def _sign_in(self) -> None:
        self._token = ""
        answer = await self._post("/v3/auth/authenticate", {"name": self._user, "password": self._password.reveal()})
        self._token = answer["token"]

    async def _post(self, path: str, question: Json) -> Json:
        try:
            response = await self._send(path, question)
        except aiohttp.ServerDisconnectedError:
            # A kept connection that a restart had ended. Only what changes nothing may be asked twice.
            if path != "/v3/kv/range":
                raise
            response = await self._send(path, question)
        async with response:
            return _result(json.loads(await response.read()))

    async def _send(self, path: str, question: Json, **options: Any) -> aiohttp.ClientResponse:
        session = await self._sessions.here()
        headers = {"Content-Type": "application/json", **({"Authorization": self._token} if self._token else {})}
        asked = json.dumps(question).encode()
        for _ in self._members[1:]:
            try:
                return await session.post(self._members[0] + path, data=as_body(asked), headers=headers, **options)
            except aiohttp.ClientConnectorError:  # nothing was sent, so another member may be asked
                self._members = [*self._members[1:], self._members[0]]
        return await session.post(self._members[0] + path, data=as_body(asked), headers=headers, **options)


def _result(answer: Json) -> Json:
    error: Any = answer.get("error")
    if error is None:
        result: Json = answer.get("result", answer)
        return result
    # A stream's errors are an object, a call's are text with its code beside it.
    told, code = (error["message"], error["grpc_code"]) if isinstance(error, dict) else (error, answer["code"])
    if code == _UNAUTHENTICATED:
        raise PermissionError(told)
    kind = _KINDS.get(code, StoreError)
    raise kind(
        f"etcd said: {told}. Look at its log and at `etcdctl endpoint status`.", may_have_happened=code in (4, 14)
    )


def text(raw: bytes) -> str:
    """Bytes as JSON carries them."""
    return b64encode(raw).decode()


def raw(carried: str | None) -> bytes:
    """The bytes again; etcd leaves empty ones out."""
    return b64decode(carried or "")
