"""What every test stands on: no real keys, no real network, and no service missing where CI insists.

Tests marked ``thorough`` run with ``--thorough`` or REQUIRE_SERVICES=1. They take long although they are well made:
back-ends that are servers, faults of servers, browsers, processes that are killed. The same contracts run over the
embedded back-ends in every run.
"""

import gc
import os
import re
from collections.abc import Generator

import pytest
from hypothesis import settings

# Imported by name: a source tree that is not installed has no entry points, so the plugin is not found by itself.
from creative_services.testing.plugin import no_network as no_network
from creative_services.testing.plugin import stepping_clock as stepping_clock
from creative_services.testing.plugin import vendor_server as vendor_server

# A busy machine is no counter-example.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")

# A developer's own keys must never be spent by a test, nor change what one sees.
VENDOR_VARIABLES = ("OPENAI_", "ANTHROPIC_", "GROQ_", "OLLAMA_", "CREATIVE_SERVICES_")


@pytest.fixture(autouse=True)
def _nobodys_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(VENDOR_VARIABLES):
            monkeypatch.delenv(name)


@pytest.fixture(autouse=True)
def _loopback_only(no_network: None) -> None:
    """Every test, without asking for it."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--thorough", action="store_true", help="run the tests marked thorough as well")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "thorough: takes long; runs with --thorough or REQUIRE_SERVICES=1")


@pytest.hookimpl(optionalhook=True)  # of pytest-xdist
def pytest_xdist_auto_num_workers() -> int:
    """``-n auto``: two for each core, since the tests wait for servers and processes as long as they compute."""
    return 2 * (os.cpu_count() or 1)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection() -> Generator[None, object, object]:
    """Thousands of tests are made and none is garbage: not to look for any saves a quarter of it, in each worker."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.freeze()


def _thorough(config: pytest.Config) -> bool:
    return bool(config.getoption("--thorough")) or os.environ.get("REQUIRE_SERVICES") == "1"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if _thorough(config):
        return
    left_out = [item for item in items if item.get_closest_marker("thorough")]
    items[:] = [item for item in items if not item.get_closest_marker("thorough")]
    config.hook.pytest_deselected(items=left_out)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    # At the end, since the quiet mode has no header.
    if not _thorough(config):
        terminalreporter.write_line("Tests marked thorough were left out: --thorough or REQUIRE_SERVICES=1 runs them.")


# What a machine lacks, as opposed to what a back-end does not offer, is said in one of these ways.
LACKING = re.compile(r"not (?:installed|running|reachable)|could not import")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A laptop without a service skips with the reason; CI sets REQUIRE_SERVICES=1, and then that is a failure."""
    report = yield
    if report.skipped and os.environ.get("REQUIRE_SERVICES") == "1" and LACKING.search(str(report.longrepr)):
        report.outcome = "failed"
        report.longrepr = f"REQUIRE_SERVICES=1, but {report.longrepr}"
    return report
