"""The routing service of a site, on the port of everything else."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final, cast

from creative_services.config import environment, setting
from creative_services.core.errors import ConfigurationError
from creative_services.server.callers.incoming import Receive, Scope, Send
from creative_services.server.control.bridge import refuse
from creative_services.server.replicas.service import RoutingService, routing_service
from creative_services.stores import open_store
from django_app.project.site import Site

PATHS: Final = frozenset({"register", "route", "registry", "changes", "drain"})
TOKEN: Final = "CREATIVE_SERVICES_REPLICAS_TOKEN"  # noqa: S105 - a variable's name
_ADDRESSES: Final = (("REDIS_URL", "redis_url", ("redis", "rediss")), ("NATS_URL", "nats_url", ("nats", "tls")))
_ENDLESS: Final = frozenset({"register", "changes"})
_FAREWELL_SECONDS: Final = 1.0


def has_token() -> bool:
    """Whether replicas have to show one."""
    return setting(environment(), TOKEN) is not None


class Routing:
    """The service, and how it ends: connections that never end by themselves must not hold up a worker's end."""

    def __init__(self, service: RoutingService, close_store: Callable[[], Awaitable[None]]) -> None:
        self._service, self._close_store = service, close_store
        self._endless: set[asyncio.Task[object]] = set()
        self._draining = self._closed = False
        self._ending: asyncio.Task[None] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        endless = first_of(scope["path"]) in _ENDLESS
        if self._closed or (self._draining and endless):
            await refuse(send, 503, "This worker ends. Please come again.", (b"retry-after", b"1"))
            return
        task = asyncio.current_task()
        if endless and task is not None:
            self._endless.add(task)
            task.add_done_callback(self._endless.discard)
        await self._service(scope, receive, cast("Any", send))

    def drain(self) -> None:
        """Say goodbye soon."""
        if self._ending is None:
            self._draining = True
            self._ending = asyncio.get_running_loop().create_task(self._end())

    async def _end(self) -> None:
        await asyncio.sleep(_FAREWELL_SECONDS / 2)
        self._closed = True
        await self._service.aclose()
        await self._close_store()
        await asyncio.sleep(_FAREWELL_SECONDS / 2)
        for task in list(self._endless):
            task.cancel()


class NoRouting:
    """Stands in its place where anybody could register, and so be sent other people's prompts."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        await refuse(send, 403, f"Replicas are routed beyond this machine once {TOKEN} is set.")

    def drain(self) -> None:
        """Nothing is open."""


def routing(site: Site, *, local: bool) -> Routing | NoRouting:
    """The service of one worker; all workers share a roster, and the admin shows it."""
    if not local and not has_token():
        return NoRouting()
    store: Any = open_store(site.roster_url)  # all of ours can be closed
    return Routing(routing_service(store, token=setting(environment(), TOKEN)), store.aclose)


def refuse_unreadable(site: Site) -> None:
    """A mistake in an address is told once, before anything is started."""
    for name, url, schemes in (
        ("REDIS_URL", site.redis_url, ("redis", "rediss")),
        ("NATS_URL", site.nats_url, ("nats", "tls")),
    ):
        if not url:
            continue
        if url.partition("://")[0] not in schemes:
            raise ConfigurationError(f"{name} begins with none of {', '.join(f'{scheme}://' for scheme in schemes)}.")
        open_store(url)


def first_of(path: str) -> str:
    """The first word of a path."""
    return path.lstrip("/").partition("/")[0]
