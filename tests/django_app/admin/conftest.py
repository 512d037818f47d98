"""A real Chromium for the screens: one browser, a fresh profile for each test, a page that may not complain."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from creative_services.testing.vendors import VendorServer

QUIET = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Debian's Chromium, without a window; one for all tests of the module."""
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        pytest.skip("chromium is not installed (Debian: apt-get install chromium)")
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    # Its own loop runs in this thread, and Django would take it for an async view. No longer than these tests: others
    # run loops themselves, or show that Django is never taken by surprise.
    with pytest.MonkeyPatch.context() as patch, sync_api.sync_playwright() as playwright:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        chromium = playwright.chromium.launch(executable_path=program, headless=True, args=list(QUIET))
        yield chromium
        chromium.close()


@pytest.fixture
def boss(transactional_db: None) -> User:
    """Who may do everything."""
    return User.objects.create_superuser("ann", "ann@example.com", "pw")


class Visit:
    """A page of the admin with its address, and the pictures taken of it."""

    def __init__(self, page: Any, address: str) -> None:
        self.page = page
        self.address = address
        self.complaints: list[str] = []
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _hear(self, said: Any) -> None:
        # The test site has no icon, which is none of our pages' business.
        if said.type == "error" and not said.location.get("url", "").endswith("/favicon.ico"):
            self.complaints.append(said.text)

    def go(self, name: str, *args: Any, query: str = "") -> None:
        """Open one of our screens."""
        from django.urls import reverse

        self.page.goto(f"{self.address}{reverse(f'admin:creative_services_llms_{name}', args=args)}{query}")

    def picture(self, name: str, *, whole: bool = True) -> None:
        """For the documentation, when ADMIN_SCREENSHOTS names a directory; else the tests leave no trace."""
        if directory := os.environ.get("ADMIN_SCREENSHOTS"):
            Path(directory).mkdir(parents=True, exist_ok=True)
            self.page.screenshot(path=str(Path(directory) / f"{name}.png"), full_page=whole)


@pytest.fixture
def visit(browser: Any, live_server: Any, boss: User) -> Iterator[Visit]:
    """Logged in, at the size of a laptop."""
    client = Client()
    client.force_login(boss)
    context = browser.new_context(viewport={"width": 1360, "height": 850}, locale="en-US", color_scheme="light")
    context.set_default_timeout(20_000)
    context.add_cookies([{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}])
    visit = Visit(context.new_page(), live_server.url)
    yield visit
    context.close()
    assert visit.complaints == []


@pytest.fixture
def vendor() -> Iterator[VendorServer]:
    """OpenAI, Anthropic, Groq and Ollama on this machine."""
    with VendorServer() as server:
        yield server
