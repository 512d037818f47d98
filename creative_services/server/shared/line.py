"""The line to Redis: short deadlines, and one word in the log when it breaks and when it is mended."""

import asyncio
from collections.abc import Callable, Sequence
from logging import getLogger
from typing import Any, Final

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

# A call that waits longer for a counter than this would rather be counted here. On a busy machine a round trip
# takes a few milliseconds.
DEADLINE: Final = 0.25
# After a failure nobody asks for this long, or every call of an outage would wait for the deadline.
REST: Final = 1.0

_log = getLogger("creative_services.limits")


class AwayError(Exception):
    """Redis cannot be asked now."""


class Line:
    """Runs scripts. While Redis is away it says so at once."""

    __slots__ = ("_client", "_now", "_rests_until", "_scripts", "_url", "away")

    def __init__(self, url: str, *, now: Callable[[], float]) -> None:
        self._url = url
        self._now = now
        self._client: Redis | None = None
        self._scripts: dict[str, Any] = {}
        self._rests_until = 0.0
        self.away = False

    async def start(self) -> None:
        """Connections are made when they are needed; a Redis that is away keeps no server from starting."""
        self._client = Redis.from_url(
            self._url,
            socket_timeout=DEADLINE,
            socket_connect_timeout=DEADLINE,
            retry=Retry(NoBackoff(), 0),
            health_check_interval=0,
        )

    async def stop(self) -> None:
        """Hang up."""
        if self._client is not None:
            await self._client.aclose()

    async def run(self, script: str, key: str, *arguments: int) -> Sequence[Any]:
        """The script's answer."""
        if self._now() < self._rests_until:
            raise AwayError
        assert self._client is not None, "the line is used between start and stop"
        prepared = self._scripts.get(script)
        if prepared is None:
            prepared = self._scripts[script] = self._client.register_script(script)
        try:
            async with asyncio.timeout(DEADLINE):
                answer: Sequence[Any] = await prepared(keys=[key], args=arguments)
        except (RedisError, OSError, TimeoutError) as error:
            self._broke(error)
            raise AwayError from error
        self._mended()
        return answer

    def _broke(self, error: Exception) -> None:
        self._rests_until = self._now() + REST
        if not self.away:
            _log.error(
                "Redis is away: rates are counted in each worker, and budgets let nothing more through. %s", error
            )
        self.away = True

    def _mended(self) -> None:
        if self.away:
            _log.info("Redis is back: limits are shared again.")
        self.away = False
