"""The routing service on a port of its own, with uvicorn."""

import socket
from typing import Any, Final

from creative_services.core.errors import ConfigurationError, MissingDependencyError
from creative_services.server.replicas.service import RoutingService

BACKLOG: Final = 4096  # two thousand replicas that lost their service at once come back at once
# A replica whose computer lost its power or its network sends no farewell: after this long without an answer to what
# we sent, the kernel closes the connection for us.
_SILENT_MILLISECONDS: Final = 10_000
_FAREWELL_SECONDS: Final = 2


def listening(host: str, port: int, *, shared: bool = False) -> socket.socket:
    """A socket whose connections notice a peer that vanished. ``shared``: other processes listen on it too."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if shared:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    # Accepted connections inherit these on Linux; elsewhere those that exist are set all the same.
    for option, value in (("TCP_KEEPIDLE", 5), ("TCP_KEEPINTVL", 2), ("TCP_KEEPCNT", 3)):
        if hasattr(socket, option):
            listener.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _SILENT_MILLISECONDS)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise ConfigurationError(
            f"{host}:{port} cannot be listened on: {error.strerror}. Choose another --port."
        ) from error
    listener.listen(BACKLOG)
    return listener


def serve(app: RoutingService, listener: socket.socket, **options: Any) -> None:
    """Serve until interrupted."""
    try:
        import uvicorn
    except ModuleNotFoundError as error:
        raise MissingDependencyError("Serving", extra="server", missing="uvicorn") from error
    config = uvicorn.Config(
        app,
        access_log=False,
        log_level="warning",
        lifespan="on",
        # Registrations are open for ever: without a limit a restart would wait for them.
        timeout_graceful_shutdown=_FAREWELL_SECONDS,
        timeout_keep_alive=30,
        date_header=False,
        server_header=False,
        **options,
    )
    uvicorn.Server(config).run(sockets=[listener])
