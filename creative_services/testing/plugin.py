"""A pytest plugin, active wherever creative_services is installed; its fixtures do nothing until they are asked for."""

import socket
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from creative_services.testing.clocks import SteppingClock
    from creative_services.testing.vendors import VendorServer


class RealNetworkCall(AssertionError):
    """A test tried to reach something that is not this machine."""


def _is_loopback(address: object) -> bool:
    if not isinstance(address, tuple):
        return True  # the path of a Unix socket
    host = str(address[0])
    return host in ("localhost", "::1", "") or host.startswith("127.")


def _guarded(connect: Callable[..., Any]) -> Callable[..., Any]:
    def checked(self: socket.socket, address: object) -> Any:
        if not _is_loopback(address):
            raise RealNetworkCall(f"A test tried to reach {address!r}; with no_network it may talk to loopback only.")
        return connect(self, address)

    return checked


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every connection that leaves this machine fails the test, so that no test spends a real key."""
    monkeypatch.setattr(socket.socket, "connect", _guarded(socket.socket.connect))
    monkeypatch.setattr(socket.socket, "connect_ex", _guarded(socket.socket.connect_ex))


@pytest.fixture
def stepping_clock() -> "SteppingClock":
    """Time that passes only when the test says so."""
    from creative_services.testing.clocks import SteppingClock

    return SteppingClock()


@pytest.fixture
def vendor_server() -> "Iterator[VendorServer]":
    """A local server that speaks the wire formats of OpenAI, Anthropic, Groq and Ollama."""
    from creative_services.testing.vendors import VendorServer

    with VendorServer() as server:
        yield server
