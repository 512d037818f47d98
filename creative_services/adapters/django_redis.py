"""Redis as the bell between processes: whoever commits a change publishes one word, every follower hears it."""

from functools import lru_cache
from logging import getLogger
from threading import Thread
from typing import TYPE_CHECKING, Final

from creative_services.core.errors import MissingDependencyError

if TYPE_CHECKING:
    from redis import Redis
    from redis.client import PubSub

    from creative_services.adapters.django_wakeups import Bell

CHANNEL: Final = "creative_services_llms"

# A commit must not hang on Redis: without it the poll follows within a second all the same.
_TELL_SECONDS: Final = 0.25
_RETRY_SECONDS: Final = 2.0

_log = getLogger("creative_services.registry")


def tell(url: str, alias: str) -> None:
    """Publish that entries of ``alias`` changed; a Redis that is away costs nothing but speed."""
    try:
        _writer(url).publish(CHANNEL, alias)
    except Exception as error:  # noqa: BLE001 - the change is committed: nothing about Redis may fail it any more
        _log.warning("Redis did not take the news of a change (%s); other processes notice it by polling.", error)


@lru_cache(maxsize=4)
def _writer(url: str) -> "Redis":
    return _connect(url, timeout=_TELL_SECONDS)


def _connect(url: str, *, timeout: float | None) -> "Redis":
    try:
        from redis import Redis
    except ImportError as error:
        raise MissingDependencyError("REDIS_URL", extra="redis", missing="redis") from error
    return Redis.from_url(url, socket_timeout=timeout, socket_connect_timeout=_RETRY_SECONDS)


class RedisEar:
    """Rings a bell for every message; a thread, because a subscription waits on a socket of its own."""

    def __init__(self, bell: "Bell") -> None:
        self._bell = bell
        self._url = ""
        self._client: Redis | None = None

    def listen(self, url: str) -> None:
        """Hear this Redis from now on; an empty address means none."""
        if url == self._url:
            return
        self.close()
        self._url = url
        if url:
            self._start(url)

    def _start(self, url: str) -> None:
        try:
            self._client = _connect(url, timeout=None)
        except MissingDependencyError as error:
            _log.warning("Changes of language models are polled: %s", error)
        else:
            Thread(target=self._run, args=(url, self._client), name="creative-services-redis", daemon=True).start()

    def close(self) -> None:
        """Hear no more."""
        self._url = ""
        if self._client is not None:
            self._client.close()
            self._client = None

    def _run(self, url: str, client: "Redis") -> None:
        from time import sleep

        from redis import RedisError
        from redis.client import PubSub

        told = False
        while self._url == url:
            try:
                with PubSub(client.connection_pool, ignore_subscribe_messages=True) as subscription:
                    subscription.subscribe(CHANNEL)
                    self._bell.ring()  # what was published while we were deaf
                    self._hear(subscription, url)
            except RedisError as error:
                if not told:
                    _log.warning("Redis is away (%s); changes of language models are polled.", error)
                told = True
                sleep(_RETRY_SECONDS)

    def _hear(self, subscription: "PubSub", url: str) -> None:
        while self._url == url:
            if subscription.get_message(timeout=1.0):
                self._bell.ring()
