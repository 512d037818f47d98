"""What every test stands on: no real keys, no real network, and no service missing where CI insists."""

import os
import socket
from collections.abc import Generator

import pytest

# A developer's own keys must never be spent by a test, nor change what one sees.
VENDOR_VARIABLES = ("OPENAI_", "ANTHROPIC_", "GROQ_", "OLLAMA_", "CREATIVE_SERVICES_")


@pytest.fixture(autouse=True)
def _nobodys_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(VENDOR_VARIABLES):
            monkeypatch.delenv(name)


def _is_loopback(address: object) -> bool:
    if not isinstance(address, tuple):
        return True  # a path of a Unix socket
    host = str(address[0])
    return host in ("localhost", "::1", "") or host.startswith("127.")


@pytest.fixture(autouse=True)
def _loopback_only(monkeypatch: pytest.MonkeyPatch) -> None:
    connect, connect_ex = socket.socket.connect, socket.socket.connect_ex

    def checked_connect(self: socket.socket, address: object) -> None:
        if not _is_loopback(address):
            raise AssertionError(f"A test tried to reach {address!r}; tests talk to loopback only.")
        connect(self, address)  # type: ignore[arg-type]  # typeshed knows the address shapes, we pass on what came

    def checked_connect_ex(self: socket.socket, address: object) -> int:
        if not _is_loopback(address):
            raise AssertionError(f"A test tried to reach {address!r}; tests talk to loopback only.")
        return connect_ex(self, address)  # type: ignore[arg-type]  # as above

    monkeypatch.setattr(socket.socket, "connect", checked_connect)
    monkeypatch.setattr(socket.socket, "connect_ex", checked_connect_ex)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A laptop without a service skips with the reason; CI sets REQUIRE_SERVICES=1 and a skip is a failure."""
    report = yield
    if report.skipped and os.environ.get("REQUIRE_SERVICES") == "1" and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped although REQUIRE_SERVICES=1: {report.longrepr[-1]}"  # type: ignore[index]  # a skip's
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What a passing test had to leave out is said at the end of every run."""
    for report in terminalreporter.stats.get("passed", []):
        for name, value in report.user_properties:
            if name == "not run":
                terminalreporter.write_line(f"not run: {value}", yellow=True)
