"""The page of the replicas in a real browser: rows that come and go by themselves."""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.request import urlopen

import pytest
from django.urls import reverse

from tests.django_app.admin.conftest import Visit
from tests.django_app.replicas.conftest import LLAMA, QWEN, Fleet
from tests.replicas.service import RoutingServer

pytestmark = pytest.mark.thorough


def go(visit: Visit, query: str = "") -> Any:
    visit.page.goto(visit.address + reverse("admin:creative_services_replicas_replica_changelist") + query)
    return visit.page


def line(page: Any, name: str) -> Any:
    return page.locator(f'tr[data-cs-id="replica {name}"]')


def test_a_replica_appears_when_it_registers_and_goes_when_it_leaves(visit: Visit, fleet: Fleet) -> None:
    page = go(visit)
    page.wait_for_selector("text=No replica is here.")
    visit.picture("replicas_empty", whole=False)
    fleet.add("gpu-1", QWEN)
    line(page, "gpu-1").wait_for()
    fleet.add("gpu-2", LLAMA)
    line(page, "gpu-2").wait_for()
    page.wait_for_selector("text=2 replicas")
    assert not page.is_visible("text=No replica is here.")
    fleet.drop("gpu-1")
    line(page, "gpu-1").wait_for(state="detached")
    fleet.drop("gpu-2")
    page.wait_for_selector("text=No replica is here.")


def test_drain_and_evict_by_keyboard_while_the_page_lives(visit: Visit, fleet: Fleet) -> None:
    fleet.add("gpu-1", QWEN, {"model": "qwen2-vl", "type": "vision"})
    fleet.add("gpu-2", QWEN)
    fleet.add("gpu-3", LLAMA)
    # The browser's own loop runs in this thread.
    for number, busy in enumerate((4, 1, 2), start=1):
        figures = {"in_flight": busy, "last_15_minutes": 300 * busy, "last_15_minutes_latency": 0.1 + busy / 10}
        Thread(target=fleet.counts, args=(f"gpu-{number}",), kwargs=figures).start()
    page = go(visit, "?route=model%3Dqwen2%26type%3Dchat")
    page.wait_for_selector("text=1200 calls in 15 min")
    visit.picture("replicas")
    drain = line(page, "gpu-1").locator("text=Drain…")
    drain.focus()
    fleet.add("gpu-4", QWEN)
    line(page, "gpu-4").wait_for()
    # The line with the focus was left alone.
    assert page.evaluate("document.activeElement.textContent") == "Drain…"
    page.keyboard.press("Enter")
    page.wait_for_selector("text=Nobody else could answer:")
    visit.picture("replicas_drain", whole=False)
    page.fill("#id_reason", "a new driver")
    page.keyboard.press("Enter")
    page.wait_for_selector(".messagelist .success")
    assert "draining" in line(page, "gpu-1").inner_text()
    line(page, "gpu-4").locator("text=Evict…").click()
    page.click("button:has-text('Evict')")
    page.wait_for_selector(".messagelist .success")
    line(page, "gpu-4").wait_for(state="detached")


@pytest.mark.parametrize("colours", ["light", "dark"])
def test_it_fits_a_phone_and_a_strict_content_policy(visit: Visit, fleet: Fleet, colours: str) -> None:
    fleet.add("gpu-1", QWEN)
    fleet.add("gpu-2", LLAMA)
    page = visit.page

    def strictly(route: Any) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, headers={**answer.headers, "content-security-policy": "default-src 'self'"})

    page.route("**/*", strictly)
    page.emulate_media(color_scheme=colours)
    go(visit, "?route=model%3Dqwen2")
    page.wait_for_selector("time:not(:empty)")
    if colours == "dark":
        visit.picture("replicas_dark")
    page.set_viewport_size({"width": 390, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0
    if colours == "light":
        visit.picture("replicas_small")


def test_the_roster_is_there_without_scripts(browser: Any, visit: Visit, fleet: Fleet) -> None:
    fleet.add("gpu-1", QWEN)
    context = browser.new_context(java_script_enabled=False, storage_state=visit.page.context.storage_state())
    page = context.new_page()
    page.goto(visit.address + reverse("admin:creative_services_replicas_replica_changelist"))
    assert "gpu1.internal:8000" in line(page, "gpu-1").inner_text()
    context.close()


class _Front(BaseHTTPRequestHandler):
    """One origin for pages and feed, as a site's front has it; what is asked is counted."""

    pages, feed = "", ""
    asked: list[str] = []

    def do_GET(self) -> None:
        from urllib.request import Request

        type(self).asked.append(self.path)
        where = self.feed if self.path == "/changes" else self.pages
        headers = {name: self.headers[name] for name in ("Cookie", "Accept") if self.headers[name]}
        with urlopen(Request(where + self.path, headers=headers)) as answer:
            self.send_response(answer.status)
            self.send_header("Content-Type", answer.headers["Content-Type"])
            self.end_headers()
            while piece := answer.read1():
                self.wfile.write(piece)

    def log_message(self, *_: Any) -> None:
        """In silence."""


@pytest.fixture
def front(live_server: Any, service: RoutingServer) -> Iterator[str]:
    _Front.pages, _Front.feed, _Front.asked = live_server.url, service.url, []
    with ThreadingHTTPServer(("127.0.0.1", 0), _Front) as server:
        server.daemon_threads = True
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_with_the_feed_at_the_same_origin_changes_are_told_and_not_asked_for(
    visit: Visit, fleet: Fleet, front: str, settings: Any
) -> None:
    settings.CREATIVE_SERVICES = {**settings.CREATIVE_SERVICES, "REPLICAS_CHANGES": "/changes"}
    page = visit.page
    cookies = visit.page.context.cookies()
    page.context.add_cookies([{"name": one["name"], "value": one["value"], "url": front} for one in cookies])
    page.goto(front + reverse("admin:creative_services_replicas_replica_changelist"))
    page.wait_for_timeout(1500)
    before = sum("/live/" in path for path in _Front.asked)
    page.wait_for_timeout(4500)
    assert sum("/live/" in path for path in _Front.asked) == before, "a feed that is open needs no polling"
    fleet.add("gpu-1", QWEN)
    line(page, "gpu-1").wait_for(timeout=1500)
    fleet.drop("gpu-1")
    line(page, "gpu-1").wait_for(state="detached", timeout=1500)
    page.goto("about:blank")
