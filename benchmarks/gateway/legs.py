"""Other ways to a vendor behind the gateway's seam: two well-kept libraries, as far as a measurement needs them.

They follow the happy way only; what the one in use does beyond it is in ``creative_services.server.upstream``.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Any

from creative_services.server.upstream.leg import Answer, Leg
from creative_services.server.upstream.origins import Target
from creative_services.server.upstream.pooled import PooledLeg


def _parsed(target: Target) -> tuple[str, dict[str, str]]:
    first, *lines = target.head.decode("latin-1").split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines if line)
    headers.pop("host")
    scheme = "https" if target.origin.tls else "http"
    return f"{scheme}://{target.origin.authority}{first.split(' ')[1]}", headers


class _Known:
    """URL and headers of a target, made once."""

    def __init__(self, url: Callable[[str], Any] = str) -> None:
        self._url = url
        self._known: dict[int, tuple[Target, Any, dict[str, str]]] = {}

    def of(self, target: Target) -> tuple[Any, dict[str, str]]:
        known = self._known.get(id(target))
        if known is None:
            url, headers = _parsed(target)
            known = self._known[id(target)] = (target, self._url(url), headers)
        return known[1], known[2]


class AiohttpAnswer:
    """A response of aiohttp."""

    def __init__(self, response: Any, body: bytes | None) -> None:
        self._response = response
        self._body = body
        self.status: int = response.status

    @property
    def headers(self) -> dict[str, str]:
        return {name.lower(): value for name, value in self._response.headers.items()}

    def taken(self) -> bytes:
        return self._body or b""

    async def whole(self) -> bytes:
        return self._body if self._body is not None else await self._response.read()

    async def piece(self) -> bytes:
        piece: bytes = await self._response.content.readany()
        return piece

    def interrupt(self, reason: Exception) -> None:
        self._response.close()

    def close(self) -> None:
        if self._body is None:
            self._response.close()
        else:
            self._response.release()


class AiohttpLeg:
    """aiohttp's client."""

    def __init__(self) -> None:
        from yarl import URL

        self._known = _Known(URL)
        self._session: Any = None

    async def ask(self, target: Target, body: bytes, *, more: bytes = b"", streamed: bool = False) -> Answer:
        url, headers = self._known.of(target)
        response = await self._session.post(url, data=body, headers=headers, allow_redirects=False)
        return AiohttpAnswer(response, None if streamed else await response.read())

    async def start(self) -> None:
        import aiohttp

        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0), cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False,
            skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding"),
        )  # fmt: skip

    async def stop(self) -> None:
        await self._session.close()


class PyreqwestAnswer:
    """A response of pyreqwest; a streamed one is a context to be left."""

    def __init__(self, response: Any, context: Any, body: bytes | None) -> None:
        self._response = response
        self._context = context
        self._body = body
        self.status: int = response.status

    @property
    def headers(self) -> dict[str, str]:
        return {name.lower(): value for name, value in self._response.headers.items()}

    def taken(self) -> bytes:
        return self._body or b""

    async def whole(self) -> bytes:
        return self._body if self._body is not None else bytes(await self._response.bytes())

    async def piece(self) -> bytes:
        return bytes(await self._response.body_reader.read_chunk() or b"")

    def interrupt(self, reason: Exception) -> None:
        self.close()

    def close(self) -> None:
        context, self._context = self._context, None
        if context is not None:
            self._leaving = asyncio.get_running_loop().create_task(context.__aexit__(None, None, None))


class PyreqwestLeg:
    """pyreqwest: Rust's reqwest for Python."""

    def __init__(self) -> None:
        self._known = _Known()
        self._client: Any = None

    async def ask(self, target: Target, body: bytes, *, more: bytes = b"", streamed: bool = False) -> Answer:
        url, headers = self._known.of(target)
        asked = self._client.post(url).headers(headers).body_bytes(body)
        if not streamed:
            response = await asked.build().send()
            return PyreqwestAnswer(response, None, bytes(await response.bytes()))
        context = asked.streamed_read_buffer_limit(0).build_streamed()
        return PyreqwestAnswer(await context.__aenter__(), context, None)

    async def start(self) -> None:
        from pyreqwest.client import ClientBuilder

        self._client = ClientBuilder().build()

    async def stop(self) -> None:
        await self._client.close()


LEGS: dict[str, Callable[[], Leg]] = {
    "ours": lambda: PooledLeg(now=time.monotonic),
    "aiohttp": AiohttpLeg,
    "pyreqwest": PyreqwestLeg,
}
