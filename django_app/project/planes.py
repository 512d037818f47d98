"""The two planes of a site, each made in the process that runs it."""

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from logging import getLogger
from pathlib import Path
from typing import Final, TypeVar

import django
from django.db import DatabaseError, connection

from creative_services.config import environment, setting
from creative_services.core.errors import RegistryUnavailableError
from creative_services.server.app import App, DataPlane
from creative_services.server.callers.incoming import Receive, Scope, Send
from creative_services.server.control.away import Away
from creative_services.server.control.bridge import Bridge
from creative_services.server.settings import Settings
from creative_services.system_clock import SystemClock
from django_app.project.replicas import PATHS, NoRouting, Routing, first_of, routing
from django_app.project.site import ALLOWED_HOSTS, DATA_DIR, Site

_AGAIN_SECONDS: Final = 1.0
_EVERYWHERE: Final = ("0.0.0.0", "::")  # noqa: S104 - no name of a host

T = TypeVar("T")

_log = getLogger("creative_services.site")


def enter(data_dir: Path | None = None, *, host: str = "") -> Site:
    """Let Django know where it is; in every process of a site, first of all. At ``host`` pages may be asked for."""
    # Django and the processes we start read both from there. Ours, whatever project this shell is used for otherwise.
    os.environ["DJANGO_SETTINGS_MODULE"] = "django_app.project.settings"  # noqa: TID251
    if data_dir is not None:
        os.environ[DATA_DIR] = str(data_dir)  # noqa: TID251
    if host and host not in _EVERYWHERE:
        names = (setting(environment(), ALLOWED_HOSTS), f"[{host}]" if ":" in host else host)
        os.environ[ALLOWED_HOSTS] = ",".join(filter(None, names))  # noqa: TID251
    site = Site.from_env()
    django.setup()
    return site


def settings_of(site: Site, *, workers: int) -> Settings:
    """The gateway's: its files are in the data directory, its ledger is the usage table."""
    state = site.data_dir / "gateway"
    found = Settings.from_env({**environment(), "CREATIVE_SERVICES_STATE_DIR": str(state)})
    return replace(found, ledger=state, workers=workers)


def data_plane(workers: int, control: str, *, local: bool) -> DataPlane:
    """One worker's, of so many. ``control``: the socket of the pages; ``local``: only this machine reaches us."""
    site = enter()
    # Loaded here: they need Django set up, and the parent process makes no data plane.
    from creative_services.adapters import DjangoLLMRegistry
    from creative_services.server.build import Parts, budgets_for, build
    from django_app.project import keys
    from django_app.project.budgets import SiteBudgets

    registry = DjangoLLMRegistry()
    _patiently(registry.list_active)
    beside = Beside(routing(site, local=local), Away(control, proxies=site.proxies))
    settings = settings_of(site, workers=workers)
    plane = build(
        Parts(
            registry=registry,
            settings=settings,
            budget_store=SiteBudgets(budgets_for(settings, SystemClock()), spent=_spent_of(settings)),
            feed=_patiently(keys.feed),
            open_until_keys=local and not _patiently(keys.any_ever),
            beside=beside,
        )
    )
    plane.drain = _both(plane.drain, beside.drain)
    return plane


def _spent_of(settings: Settings) -> Mapping[str, Decimal]:
    """What this worker begins with: its part of what was spent before it, unless Redis remembers all of it."""
    if settings.redis_url is not None:
        return {}
    from django_app.project.spent import spent_before

    spent = _patiently(lambda: spent_before(datetime.now(UTC)))
    return {account: usd / settings.workers for account, usd in spent.items()}


def control_plane() -> App:
    """The pages, in the process that makes them."""
    enter()
    from django_app.project.wsgi import application

    # What proxies said was understood by the worker that a request came through.
    return Bridge(application)


class Beside:
    """All that is no call: routing of replicas, and pages."""

    __slots__ = ("_pages", "_routing")

    def __init__(self, routing: Routing | NoRouting, pages: App) -> None:
        self._routing, self._pages = routing, pages

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        answers: App = self._routing if first_of(scope["path"]) in PATHS else self._pages
        await answers(scope, receive, send)

    def drain(self) -> None:
        """This worker is about to end."""
        self._routing.drain()


def _patiently(read: Callable[[], T]) -> T:
    """What the database gives, as soon as it gives it. A worker that starts while it is away tries on."""
    told = False
    while True:
        try:
            found = read()
        except (RegistryUnavailableError, DatabaseError) as error:
            if not told:
                _log.error("This worker waits for its database: %s", error)
            told = True
            connection.close()
            time.sleep(_AGAIN_SECONDS)
        else:
            if told:
                _log.info("The database is there again.")
            return found


def _both(first: Callable[[], None], second: Callable[[], None]) -> Callable[[], None]:
    def both() -> None:
        first()
        second()

    return both
