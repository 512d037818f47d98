"""The way over plain HTTP, for vendors without an SDK of their own."""

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp

from creative_services.core.llm_registry import LLMEntry
from creative_services.providers._keys import CONNECT_SECONDS, checked_url, key_of, stays_here
from creative_services.providers._legs import Answer, Flow
from creative_services.providers._pool import Pool, Pooled
from creative_services.providers._tls import context_for
from creative_services.providers._translate import refusal, translated

_CONNECTIONS: Final = 1000  # as many as the SDKs
_KEPT_ALIVE_SECONDS: Final = 15.0  # shorter than the vendors' own patience, so that a kept connection is alive
_AGENT: Final = "creative-services"


class HTTPLeg:
    """Calls over aiohttp, with the key as a bearer token."""

    __slots__ = ("_base", "_key_needed", "_pool")

    def __init__(self, base: Callable[[LLMEntry], str], *, key_needed: Callable[[LLMEntry], bool]) -> None:
        self._base = base
        self._key_needed = key_needed
        self._pool = Pool(self._key, self._make)

    def _key(self, entry: LLMEntry) -> tuple[Any, ...]:
        headers = tuple(sorted((entry.options.get("headers") or {}).items()))
        return (entry.api_endpoint, entry.api_key, stays_here(entry), headers)

    def _make(self, entry: LLMEntry) -> tuple[Any, Callable[[], Awaitable[None]]]:
        base = checked_url(self._base(entry), entry)
        session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                ssl=context_for(base), limit=_CONNECTIONS, keepalive_timeout=_KEPT_ALIVE_SECONDS
            ),
            headers=_headers(key_of(entry, needed=self._key_needed(entry)), entry),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS),
            # A cookie of one caller's answer has no business in another's request.
            cookie_jar=aiohttp.DummyCookieJar(),
        )
        return _Door(base, session, _proxy(base, entry)), session.close

    async def post(self, entry: LLMEntry, path: str, body: Mapping[str, Any]) -> Answer:
        """Send ``body``, bring the whole answer."""
        return await self._whole(entry, "POST", path, body)

    async def get(self, entry: LLMEntry, path: str) -> Answer:
        """Bring what is there."""
        return await self._whole(entry, "GET", path, None)

    async def _whole(self, entry: LLMEntry, method: str, path: str, body: Mapping[str, Any] | None) -> Answer:
        pooled = await self._pool.take(entry)
        try:
            outcome = await _exchanged(pooled.client, entry, method, path, body)
        finally:
            await self._pool.give(pooled)
        # Raised out here, where no local value and no context leads back to the vendor's words.
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    async def open(self, entry: LLMEntry, path: str, body: Mapping[str, Any]) -> Flow:
        """Send ``body``, bring the answer while it is coming."""
        pooled = await self._pool.take(entry)
        try:
            outcome = await _opened(pooled.client, entry, path, body)
        except BaseException:
            await self._pool.give(pooled)
            raise
        if isinstance(outcome, Exception):
            await self._pool.give(pooled)
            raise outcome
        return Flow(outcome.headers, outcome.content.iter_any(), self._closing(outcome, pooled))

    def _closing(self, response: aiohttp.ClientResponse, pooled: Pooled) -> Callable[[], Awaitable[None]]:
        async def close() -> None:
            try:
                # An answer read to its end has given its connection back already; any other must not be reused.
                response.close()
            finally:
                await self._pool.give(pooled)

        return close

    async def aclose(self) -> None:
        """Close the running loop's sessions."""
        await self._pool.aclose()


class _Door:
    """A session and the address it is for."""

    __slots__ = ("_base", "_proxy", "_session")

    def __init__(self, base: str, session: aiohttp.ClientSession, proxy: str | None) -> None:
        self._base = base
        self._session = session
        self._proxy = proxy

    async def request(self, method: str, path: str, body: Mapping[str, Any] | None) -> aiohttp.ClientResponse:
        """Send; redirects are off, because a key must never follow one."""
        data = None if body is None else json.dumps(body).encode()
        return await self._session.request(
            method, self._base + path, data=data, proxy=self._proxy, allow_redirects=False
        )


def _proxy(url: str, entry: LLMEntry) -> str | None:
    """The environment's proxy for ``url``. aiohttp's own ``trust_env`` asks a thread for it at every request."""
    parts = urlsplit(url)
    if stays_here(entry) or proxy_bypass(parts.hostname or ""):
        return None
    proxies = getproxies()
    return proxies.get(parts.scheme) or proxies.get("all")


def _headers(key: str, entry: LLMEntry) -> dict[str, str]:
    headers = {"Content-Type": "application/json", "User-Agent": _AGENT}
    if key:
        headers["Authorization"] = f"Bearer {key}"
    return {**headers, **(entry.options.get("headers") or {})}


async def _exchanged(
    door: _Door, entry: LLMEntry, method: str, path: str, body: Mapping[str, Any] | None
) -> Answer | Exception:
    try:
        async with await door.request(method, path, body) as response:
            return await _read(response, entry)
    except Exception as error:  # noqa: BLE001 - one of the two places where aiohttp's errors become ours
        return translated(error, entry)


async def _opened(
    door: _Door, entry: LLMEntry, path: str, body: Mapping[str, Any]
) -> aiohttp.ClientResponse | Exception:
    try:
        response = await door.request("POST", path, body)
        if response.status < 300:
            return response
        async with response:
            refused = await _read(response, entry)
        assert isinstance(refused, Exception)
        return refused
    except Exception as error:  # noqa: BLE001 - the other
        return translated(error, entry)


async def _read(response: aiohttp.ClientResponse, entry: LLMEntry) -> Answer | Exception:
    content = await response.read()
    if response.status < 300:
        return Answer(response.headers, content)
    return refusal(response.status, response.headers, content, entry)
