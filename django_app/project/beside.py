"""The gateway in front of a Django project of yours: one ASGI application, one port.

::

    application = gateway(get_wsgi_application())
"""

import asyncio
from dataclasses import replace
from typing import Any

from django.apps import apps

from creative_services.adapters import DjangoLLMRegistry
from creative_services.adapters.django_keys import DjangoKeys
from creative_services.config import environment
from creative_services.core.errors import ConfigurationError
from creative_services.server.access.keys import keys_from
from creative_services.server.app import App, DataPlane
from creative_services.server.build import Parts, build
from creative_services.server.callers.incoming import Message, Receive, Scope, Send
from creative_services.server.control.bridge import THREADS, Bridge
from creative_services.server.control.forwarded import Proxies
from creative_services.server.control.performing import Application
from creative_services.server.ledger.lines import record_in
from creative_services.server.settings import Settings
from creative_services.telemetry.spool.handing_over import HandingOver
from creative_services.telemetry.spool.shipper import Shipper
from django_app.project.site import TRUSTED_PROXIES


def gateway(pages: Application, *, workers: int = 1, threads: int = THREADS) -> App:
    """The gateway over the entries of this project; every path that is none of its own is answered by ``pages``.

    ``pages`` is what ``get_wsgi_application()`` gives. ``workers`` says how many processes the server runs, so that
    each keeps its share of every limit. Calls need a key: of ``django_app.access``, or of the environment.
    """
    settings = Settings.from_env(environment())
    settings = replace(settings, ledger=settings.ledger and settings.state, workers=workers)
    proxies = Proxies.parse(environment().get(TRUSTED_PROXIES), variable=TRUSTED_PROXIES)
    registry = DjangoLLMRegistry()
    parts = Parts(
        registry=registry,
        settings=settings,
        keys=keys_from(environment()),
        feed=_feed(has_keys=settings.has_keys),
        beside=Bridge(pages, threads=threads, proxies=proxies, largest_body=settings.largest_body),
    )
    return _Whole(parts, registry)


def _feed(*, has_keys: bool) -> Any:
    if apps.is_installed("django_app.access"):
        from django_app.project.keys import SiteKeys

        return SiteKeys(keys_from(environment()), DjangoKeys())
    if not has_keys:
        raise ConfigurationError(
            "The gateway has no keys to ask for. Add 'django_app.access' to INSTALLED_APPS, or set "
            "CREATIVE_SERVICES_GATEWAY_KEYS."
        )
    return None


class _Whole:
    """The data plane, and the thread that hands usage over to the table; both live from startup to shutdown."""

    def __init__(self, parts: Parts, registry: DjangoLLMRegistry) -> None:
        self._parts, self._registry = parts, registry
        self._plane: DataPlane | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] == "lifespan":
            await self._live(scope, receive, send)
        elif self._plane is not None:
            await self._plane(scope, receive, send)
        else:
            raise ConfigurationError("The gateway was never started: its server must speak ASGI's lifespan.")

    async def _live(self, scope: Scope, receive: Receive, send: Send) -> None:
        # In the process that serves, and not where the module is imported: a spool belongs to one process.
        await self._registry.aload()
        self._plane = build(self._parts)
        handing_over = self._handing_over()
        if handing_over is None:
            await self._plane(scope, receive, send)
            return
        handing_over.start()
        await self._plane(scope, receive, _after(handing_over, send))

    def _handing_over(self) -> HandingOver | None:
        from django_app.project.ledger import SiteLedger, Sums, own_connection

        settings = self._parts.settings
        if settings.ledger is None:
            return None
        spools = settings.state / "spool"
        return HandingOver(
            lambda: Shipper(spools, SiteLedger(spools), record_in), around=own_connection, afterwards=Sums()
        )


def _after(handing_over: HandingOver, send: Send) -> Send:
    """The server ends as soon as it hears that we have: what the last calls left must be handed over before."""

    async def sending(message: Message) -> None:
        if message["type"] == "lifespan.shutdown.complete":
            await asyncio.to_thread(handing_over.stop)
        await send(message)

    return sending
