"""Making a connection: straight to the origin, or through a proxy."""

import asyncio
from typing import Final

from creative_services.server.upstream.connection import Connection
from creative_services.server.upstream.origins import Origin, Proxy

CONNECT_SECONDS: Final = 10.0  # generous for a handshake; the call's own deadline is what ends it
_LARGEST_HEAD: Final = 16 * 1024


class TunnelRefusedError(ConnectionError):
    """The proxy said no."""


async def dial(origin: Origin, connection: Connection) -> None:
    """Connect ``connection`` to its origin."""
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            await _reach(origin, connection)
    except TimeoutError:
        raise ConnectionError(f"no connection to {origin.authority} within {CONNECT_SECONDS:g} s") from None


async def _reach(origin: Origin, connection: Connection) -> None:
    loop = asyncio.get_running_loop()
    if origin.proxy is None:
        name = origin.host if origin.tls else None
        await loop.create_connection(lambda: connection, origin.host, origin.port, ssl=origin.tls, server_hostname=name)
    elif origin.tls is None:
        # Plain requests are handed to the proxy itself, with the whole address in their first line.
        await loop.create_connection(lambda: connection, origin.proxy.host, origin.proxy.port)
    else:
        await _through_tunnel(origin, origin.proxy, connection)


async def _through_tunnel(origin: Origin, proxy: Proxy, connection: Connection) -> None:
    loop = asyncio.get_running_loop()
    transport, tunnel = await loop.create_connection(_Tunnel, proxy.host, proxy.port)
    try:
        transport.write(_wish(origin, proxy))
        await tunnel.opened
        assert origin.tls is not None
        inside = await loop.start_tls(transport, connection, origin.tls, server_hostname=origin.host)
    except BaseException:
        transport.abort()
        raise
    assert inside is not None
    connection.connection_made(inside)


def _wish(origin: Origin, proxy: Proxy) -> bytes:
    host = f"[{origin.host}]" if ":" in origin.host else origin.host
    credentials = f"proxy-authorization: {proxy.authorization}\r\n" if proxy.authorization else ""
    there = f"{host}:{origin.port}"
    return f"CONNECT {there} HTTP/1.1\r\nhost: {there}\r\n{credentials}\r\n".encode("latin-1")


class _Tunnel(asyncio.Protocol):
    """Waits for the proxy's word; after it the bytes belong to the origin."""

    def __init__(self) -> None:
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._head = b""

    def data_received(self, data: bytes) -> None:
        self._head += data
        if self.opened.done() or (b"\r\n\r\n" not in self._head and len(self._head) < _LARGEST_HEAD):
            return
        first = self._head.partition(b"\r\n")[0].decode("latin-1")
        if first.split(" ")[1:2] == ["200"]:
            self.opened.set_result(None)
        else:
            self.opened.set_exception(TunnelRefusedError(f"the proxy answered {first[:80]!r} to CONNECT"))

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.opened.done():
            self.opened.set_exception(exc or TunnelRefusedError("the proxy closed the connection"))
