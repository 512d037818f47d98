"""JSON over HTTP to whichever server of a model can answer."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import Any, Final, Self

import aiohttp

from creative_services.core.clock import Clock
from creative_services.core.errors import ReplicaError, ReplicasExhaustedError
from creative_services.core.hedging import Hedge, Hedging, HedgingRules
from creative_services.core.retries import full_jitter
from creative_services.replicas.answers import RotatingError, document, next_piece, refuse, translated
from creative_services.replicas.balancer import Balancer
from creative_services.replicas.models import ModelRegistry
from creative_services.replicas.racing import Racer
from creative_services.replicas.tries import CONNECT_SECONDS, FIRST_PAUSE, LONGEST_PAUSE
from creative_services.system_clock import SystemClock

_CONNECTIONS: Final = 512
# llama.cpp closes idle connections after 5 s, and holds a thread for each of them until then.
_KEPT_ALIVE_SECONDS: Final = 4.0

Progress = Callable[[int, int], None]


@dataclass(slots=True)
class _Round:
    """One request on its way: who was asked, until when, how often everybody was."""

    deadline: float
    tries_left: int
    tried: set[str]
    rounds: int = 0
    wait: float = 0.0
    failure: RotatingError | None = None


class RegistryHTTPClient:
    """Requests to the servers of ``model``. Another healthy server is asked at once; pauses come when all were.

    ``timeout`` is for the whole request, every try included. A server that is silent for much longer than servers of
    this model usually are is left for another one: after at least ``patience`` seconds, or never with None.

    ``hedging=HedgingRules()`` asks a second server when an answer is later than 95 of 100 are, for one call in twenty
    at most, and takes the first good answer. For requests that may run twice; streams never do. ``on_hedge`` hears of
    each.
    """

    def __init__(
        self,
        registry: ModelRegistry,
        model: str,
        *,
        timeout: float = 60.0,
        max_retries: int = 3,
        max_parallel_requests: int = 8,
        patience: float | None = 2.0,
        headers: Mapping[str, str] | None = None,
        hedging: HedgingRules | None = None,
        on_hedge: Callable[[Hedge], None] | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.registry, self.model = registry, model
        self.timeout, self.max_retries, self.max_parallel_requests = timeout, max_retries, max_parallel_requests
        self.patience = patience
        self._headers = dict(headers or {})
        self._clock = clock or SystemClock()
        self._racer = Racer(Hedging.by(hedging), self._clock.now, on_hedge) if hedging else None
        self._session: aiohttp.ClientSession | None = None
        # Numbers for servers, as `request_with_rotation` tells them: each keeps its own.
        self._numbers: dict[str, int] = {}

    async def request_with_rotation(
        self, path: str, payload: Any, timeout: float | None = None, max_retries: int | None = None
    ) -> tuple[Any, int]:
        """(answer, number of the server that gave it). ``max_retries`` tries follow the first one.

        ``ValueError`` when the server does not accept the request, ``RuntimeError`` when no server answers it.
        """
        body = json.dumps(payload).encode()

        async def ask(uri: str, seconds: float) -> Any:
            async with self._sent(uri, path, body, seconds) as response:
                return await document(response)

        answer, uri = await self._rotate(ask, timeout, max_retries, self._racer)
        return answer, self._numbers.setdefault(uri, len(self._numbers))

    async def parallel_requests(
        self,
        path: str,
        payloads: Sequence[Any],
        timeout: float | None = None,
        max_retries: int | None = None,
        max_parallel_requests: int | None = None,
        *,
        progress: Progress | None = None,
        return_exceptions: bool = False,
    ) -> list[Any]:
        """The answers in the order of ``payloads``; ``progress(done, of)`` hears of each.

        The first failure ends it, unless ``return_exceptions`` puts failures in their answers' places.
        """
        results: list[Any] = [None] * len(payloads)
        waiting = iter(enumerate(payloads))
        done = 0

        async def work() -> None:
            nonlocal done
            for place, payload in waiting:
                try:
                    results[place], _ = await self.request_with_rotation(path, payload, timeout, max_retries)
                except ReplicaError as error:
                    if not return_exceptions:
                        raise
                    results[place] = error
                done += 1
                if progress:
                    progress(done, len(payloads))

        # As many workers as requests at a time, however many payloads: a million of them need no million tasks.
        workers = min(max_parallel_requests or self.max_parallel_requests, len(payloads))
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(workers):
                    group.create_task(work())
        except ExceptionGroup as failures:
            raise failures.exceptions[0] from failures.exceptions[0].__cause__
        return results

    async def stream(
        self, path: str, payload: Any, timeout: float | None = None, max_retries: int | None = None
    ) -> AsyncIterator[bytes]:
        """The answer's bytes as they come. Another server is asked until the first byte is there, never after it."""
        body = json.dumps(payload).encode()
        opened: list[tuple[AsyncExitStack, aiohttp.ClientResponse]] = []

        async def ask(uri: str, seconds: float) -> bytes:
            async with AsyncExitStack() as stack, asyncio.timeout(seconds):
                response = await stack.enter_async_context(self._sent(uri, path, body, None))
                piece: bytes = await response.content.readany()
                opened.append((stack.pop_all(), response))
                return piece

        piece, uri = await self._rotate(ask, timeout, max_retries)
        stack, response = opened[0]
        async with stack:
            try:
                while piece:
                    yield piece
                    piece = await next_piece(response, uri, self.timeout if timeout is None else timeout)
            finally:
                # Read to its end it has given its connection back already; any other is cut, which stops the server.
                response.close()

    async def get(self, path: str, timeout: float | None = None, max_retries: int | None = None) -> Any:
        """The JSON at ``path`` of any server."""

        async def ask(uri: str, seconds: float) -> Any:
            async with self._sent(uri, path, None, seconds) as response:
                return await document(response)

        return (await self._rotate(ask, timeout, max_retries, self._racer))[0]

    async def aclose(self) -> None:
        """Close the connections."""
        session, self._session = self._session, None
        if session:
            await session.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    async def _rotate(
        self, ask: Callable[[str, float], Any], timeout: float | None, retries: int | None, racer: Racer | None = None
    ) -> tuple[Any, str]:
        deadline = self._clock.now() + (self.timeout if timeout is None else timeout)
        under_way = _Round(deadline, 1 + (self.max_retries if retries is None else retries), set())
        balancer = await self.registry.balancer(self.model)
        balancer.retries = balancer.retries.earned()
        while True:
            uri = await self._next(balancer, under_way)
            try:
                if racer is None:
                    return await self._asked(balancer, uri, ask, under_way), uri
                asked = partial(self._asked, balancer, ask=ask, under_way=under_way)
                return await racer.run(balancer, uri, asked, under_way.tried)
            except RotatingError as error:
                under_way.failure = error
                under_way.tried.add(uri)
                under_way.tries_left -= 1
                under_way.wait = max(under_way.wait, error.wait or 0.0)

    async def _next(self, balancer: Balancer, under_way: _Round) -> str:
        """Somebody who was not asked yet or, after a pause, anybody."""
        if under_way.tries_left <= 0:
            raise self._exhausted(under_way, "as often as max_retries allows")
        uri = balancer.choose(under_way.tried)
        if uri is not None:
            return uri
        if not balancer.pool:
            raise self._exhausted(under_way, f"the roster has no server for the model {self.model!r}")
        pause = max(
            under_way.wait,
            full_jitter(under_way.rounds, self.registry.chance(), base=FIRST_PAUSE, longest=LONGEST_PAUSE),
        )
        if self._clock.now() + pause >= under_way.deadline:
            raise self._exhausted(under_way, "the time is up")
        if not balancer.may_retry():
            raise self._exhausted(under_way, "too many requests are being repeated already")
        await self._clock.sleep(pause)
        under_way.tried.clear()
        under_way.rounds, under_way.wait = under_way.rounds + 1, 0.0
        return await self._next(await self.registry.balancer(self.model), under_way)

    async def _asked(self, balancer: Balancer, uri: str, ask: Callable[[str, float], Any], under_way: _Round) -> Any:
        left = under_way.deadline - self._clock.now()
        if left <= 0:
            raise self._exhausted(under_way, "the time is up")
        others = len(balancer.pool) > len(under_way.tried) + 1 and under_way.tries_left > 1
        limit = left
        if others and self.patience is not None:
            limit = min(left, balancer.patience.limit(least=self.patience, unknown=max(self.patience, left / 2)))
        started = self._clock.now()
        balancer.departs(uri)
        try:
            answer = await translated(ask(uri, limit), uri, limit)
        except RotatingError as error:
            balancer.failed(uri, self._clock.now() - started, refused=error.refused)
            raise
        else:
            balancer.succeeded(uri, self._clock.now() - started)
            return answer
        finally:
            balancer.returns(uri)

    @asynccontextmanager
    async def _sent(
        self, uri: str, path: str, body: bytes | None, seconds: float | None
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        if self._session is None:
            self._session = self._opened()
        url = f"{uri}/{path.lstrip('/')}"
        limits = aiohttp.ClientTimeout(total=seconds, sock_connect=CONNECT_SECONDS)
        method = "GET" if body is None else "POST"
        async with self._session.request(method, url, data=body, timeout=limits, allow_redirects=False) as response:
            if response.status >= 300:
                await refuse(response, url)
            yield response

    def _opened(self) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=_CONNECTIONS, keepalive_timeout=_KEPT_ALIVE_SECONDS),
            headers={"Content-Type": "application/json", **self._headers},
            cookie_jar=aiohttp.DummyCookieJar(),
        )

    def _exhausted(self, under_way: _Round, why: str) -> ReplicasExhaustedError:
        failure = under_way.failure
        last = f" The last failure: {failure}" if failure else ""
        error = ReplicasExhaustedError(f"No server for the model {self.model!r} answered: {why}.{last}")
        error.__cause__ = failure
        return error
