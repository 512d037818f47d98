"""``creative-services serve``: the gateway from the environment, on as many workers as wanted."""

import ipaddress
import socket
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from logging import getLogger
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, Final

from creative_services.core.errors import ConfigurationError, MissingDependencyError
from creative_services.server.ledger.lines import record_in
from creative_services.server.logs import log_as_json
from creative_services.server.settings import LEDGER_VARIABLE, STATE_VARIABLE, Settings
from creative_services.server.workers import Workers, end_with_parent
from creative_services.telemetry.spool.handing_over import HandingOver
from creative_services.telemetry.spool.shipper import Shipper

# Connections that may wait while all workers are busy accepting others.
_BACKLOG: Final = 4096
# Longer than balancers keep theirs (a minute is usual): the one who closes first must be the one who asks.
_KEEP_ALIVE_SECONDS: Final = 75

_log = getLogger("creative_services.gateway")


def announce(url: str) -> None:
    """Where to ask, in the log."""
    _log.info("Listening on %s", url)


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving:
    """One server. ``make`` builds a worker's data plane, in the worker; it is sent there by its name.

    ``around`` and ``afterwards`` are for the thread that hands usage over to ``sink``. Each of ``beside`` is the main
    function of one more process, which begins before the workers and ends after them.
    """

    host: str
    port: int
    workers: int
    settings: Settings
    make: Callable[[], Any]
    sink: Callable[[Path], Any]
    around: Callable[[], AbstractContextManager[object]] = nullcontext
    afterwards: Callable[[], None] | None = None
    beside: tuple[Callable[[], None], ...] = ()
    listening: Callable[[str], None] = announce


def serve(serving: Serving) -> int:
    """Run until told to stop; the exit code."""
    _require_packages(serving.settings)
    refuse_open_door(serving.host, has_keys=serving.settings.has_keys)
    _make_room(serving.settings)
    log_as_json()
    listener = _listener(serving.host, serving.port)
    host, port = listener.getsockname()[:2]
    serving.listening(f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}")
    _forget_last_time(serving.settings)
    handing_over = _handing_over(serving)
    if handing_over:
        handing_over.start()
    workers = Workers()
    try:
        # Our copy of the listener goes first: kept open, it would take connections that nobody answers any more.
        mains = [partial(work, serving.make, serving.settings, listener)] * serving.workers
        workers.run(mains, beside=serving.beside, on_stop=listener.close)
    finally:
        listener.close()
        if handing_over:
            handing_over.stop()  # what the last calls left in the spools is handed over too
    return 1 if workers.failed else 0


def _require_packages(settings: Settings) -> None:
    needed = dict.fromkeys(("uvicorn", "httptools", "uvloop", "orjson"), "server")
    if settings.redis_url is not None:
        needed["redis"] = "redis"
    for package, extra in needed.items():
        try:
            __import__(package)
        except ImportError as error:
            raise MissingDependencyError("The server", extra=extra, missing=package) from error


def _make_room(settings: Settings) -> None:
    """What is to be written must have a place, or the first call would find out."""
    wanted = {STATE_VARIABLE: settings.state}
    if settings.ledger is not None:
        wanted[LEDGER_VARIABLE] = settings.ledger.parent
    for variable, directory in wanted.items():
        try:
            directory.mkdir(parents=True, exist_ok=True, mode=0o700)
            TemporaryFile(dir=directory).close()
        except OSError as error:
            raise ConfigurationError(
                f"Nothing can be written in {directory} ({error.strerror}). {variable} names another place."
            ) from error


def refuse_open_door(host: str, *, has_keys: bool) -> None:
    """Without keys whoever reaches the server spends its owner's money: then only this machine may."""
    if not has_keys and not is_loopback(host):
        raise ConfigurationError(
            f"Without keys the gateway listens on this machine only, and {host!r} is more than that. "
            "Set CREATIVE_SERVICES_GATEWAY_KEYS, or use --host 127.0.0.1."
        )


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches it."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _listener(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise ConfigurationError(
            f"Cannot listen on {host}:{port} ({error.strerror}). Choose another port, or 0 for any free one."
        ) from error
    listener.listen(_BACKLOG)
    listener.set_inheritable(True)
    return listener


def work(make: Callable[[], Any], settings: Settings, listener: socket.socket) -> None:
    """A worker's whole life. It is sent what it needs and no more: the parent knows secrets."""
    # In the worker only: the parent has no loop and needs none of it.
    import gc

    from uvicorn.config import Config

    from creative_services.server.http.protocol import GatewayProtocol
    from creative_services.server.http.server import GatewayServer

    log_as_json()
    end_with_parent()
    app = make()
    config = Config(
        app,
        http=GatewayProtocol,
        loop="uvloop",
        lifespan="on",
        interface="asgi3",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        backlog=_BACKLOG,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=int(settings.timeout) + 1,
    )
    server = GatewayServer(config, on_lame=app.drain, drain_seconds=settings.drain_seconds)
    # What was loaded stays for good: the collector need not look at it again and again.
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
    server.run(sockets=[listener])


def _handing_over(serving: Serving) -> HandingOver | None:
    ledger = serving.settings.ledger
    if ledger is None:
        return None
    spools = serving.settings.state / "spool"
    return HandingOver(
        lambda: Shipper(spools, serving.sink(ledger), record_in), around=serving.around, afterwards=serving.afterwards
    )


def _forget_last_time(settings: Settings) -> None:
    from creative_services.server.operations.shared_tallies import forget

    forget(settings.state / "tallies")
