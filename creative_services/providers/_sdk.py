"""The way through a vendor's own SDK: its authentication, headers, URLs, transport and errors, without its models.

The SDKs (openai, anthropic, groq) share one design. ``client.post(..., cast_to=Response)`` is its documented call for
an endpoint without a method of its own; it gives the raw answer, which we read ourselves. That is what makes a call
through us cheaper than the plain ``create()``.
"""

import json
from collections.abc import AsyncIterable, Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any, Final

from creative_services.core.llm_registry import LLMEntry
from creative_services.providers._importing import import_module
from creative_services.providers._keys import CONNECT_SECONDS, checked_url, key_of, stays_here
from creative_services.providers._legs import Answer, Flow
from creative_services.providers._pool import Pool, Pooled
from creative_services.providers._tls import context_for
from creative_services.providers._translate import translated

_CONNECTIONS: Final = 1000  # the SDKs' own number
_KEPT_ALIVE: Final = 100
_UNSET: Final = "unset"  # for an endpoint of one's own without a key: the SDKs refuse to start with none


class SDKLeg:
    """Calls through one SDK."""

    __slots__ = ("_base", "_client", "_home", "_http", "_pool", "_response", "_sdk")

    def __init__(self, sdk: str, client: str, *, home: str, base: Callable[[str], str]) -> None:
        self._sdk = import_module(sdk)
        self._client = getattr(self._sdk, client)
        self._home = home
        self._base = base
        self._http, self._response = _http_library(self._sdk)
        self._pool = Pool(self._key, self._make)

    def _key(self, entry: LLMEntry) -> tuple[Any, ...]:
        return (entry.api_endpoint, entry.api_key, stays_here(entry), json.dumps(self._settings(entry), default=repr))

    def _settings(self, entry: LLMEntry) -> dict[str, Any]:
        given = {name: entry.options[name] for name in ("organization", "project") if name in entry.options}
        return {**given, "default_headers": dict(entry.options.get("headers") or {}) or None}

    def _make(self, entry: LLMEntry) -> tuple[Any, Callable[[], Awaitable[None]]]:
        given = checked_url(self._base(entry.api_endpoint.strip()), entry) if entry.api_endpoint else None
        timeout = self._http.Timeout(None, connect=CONNECT_SECONDS)
        try:
            client = self._client(
                # A key of the environment must never reach an endpoint it was not meant for: we always name one.
                api_key=key_of(entry, needed=given is None) or _UNSET,
                base_url=given,
                max_retries=0,
                timeout=timeout,
                http_client=self._http_client(given or self._home, direct=stays_here(entry), timeout=timeout),
                **self._settings(entry),
            )
        except Exception as error:  # noqa: BLE001 - as in post
            failure = translated(error, entry)
        else:
            return client, client.close
        raise failure

    def _http_client(self, url: str, *, direct: bool, timeout: Any) -> Any:
        limits = self._http.Limits(max_connections=_CONNECTIONS, max_keepalive_connections=_KEPT_ALIVE)
        settings = {
            "verify": context_for(url),
            # Redirects are off: a key must never follow one to another host.
            "follow_redirects": False,
            "trust_env": not direct,
            "limits": limits,
            "timeout": timeout,
        }
        try:
            return self._sdk.DefaultAioHttpClient(**settings)
        except (AttributeError, RuntimeError):  # an older SDK, or aiohttp is not installed
            return self._sdk.DefaultAsyncHttpxClient(**settings)

    async def post(self, entry: LLMEntry, path: str, body: Mapping[str, Any]) -> Answer:
        """Send ``body``, bring the whole answer."""
        pooled = await self._pool.take(entry)
        try:
            response = await pooled.client.post(path, cast_to=self._response, body=body)
            return Answer(response.headers, response.content)
        except Exception as error:  # noqa: BLE001 - the one place where the SDK's errors become ours
            failure = translated(error, entry)
        finally:
            await self._pool.give(pooled)
        # Raised out here, so that the foreign error is not its context a second time.
        raise failure

    async def get(self, entry: LLMEntry, path: str) -> Answer:
        """Bring what is there."""
        pooled = await self._pool.take(entry)
        try:
            response = await pooled.client.get(path, cast_to=self._response)
            return Answer(response.headers, response.content)
        except Exception as error:  # noqa: BLE001 - as above
            failure = translated(error, entry)
        finally:
            await self._pool.give(pooled)
        raise failure

    async def open(self, entry: LLMEntry, path: str, body: Mapping[str, Any]) -> Flow:
        """Send ``body``, bring the answer while it is coming."""
        pooled = await self._pool.take(entry)
        try:
            response = await pooled.client.post(
                path, cast_to=self._response, body=body, stream=True, stream_cls=self._sdk.AsyncStream
            )
        except BaseException as error:
            await self._pool.give(pooled)
            if not isinstance(error, Exception):
                raise
            failure = translated(error, entry)
        else:
            return Flow(response.headers, _data_of(response), self._closing(response, pooled))
        raise failure

    def _closing(self, response: Any, pooled: Pooled) -> Callable[[], Awaitable[None]]:
        async def close() -> None:
            try:
                with suppress(Exception):  # how an answer we are done with breaks concerns nobody
                    await response.aclose()
            finally:
                await self._pool.give(pooled)

        return close

    async def aclose(self) -> None:
        """Close the running loop's clients."""
        await self._pool.aclose()


def _data_of(response: Any) -> AsyncIterable[bytes]:
    # Without compression the stream itself is the data; the response's own iterators cost as much as our decoding.
    source: AsyncIterable[bytes] = response.stream
    return response.aiter_bytes() if "content-encoding" in response.headers else source


def _http_library(sdk: Any) -> tuple[Any, Any]:
    """The HTTP library under this SDK: httpx for the older majors, httpx2 for the newer."""
    for base in sdk.DefaultAsyncHttpxClient.__mro__:
        root = base.__module__.partition(".")[0]
        if root in ("httpx", "httpx2"):
            library = import_module(root)
            return library, library.Response
    raise ImportError(f"{sdk.__name__} {sdk.__version__} stands on an HTTP library that is neither httpx nor httpx2.")
