"""A key's whole life in a real browser: made, shown once, used, rotated, revoked."""

import asyncio
import re
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from django.contrib.auth.models import User
from django.db import connections
from django.urls import reverse
from django.utils import timezone

from creative_services.adapters import DjangoKeys
from creative_services.core.llm_registry import LLMEntry
from creative_services.llms.dict_registry import DictRegistry
from django_app.access import issuing
from django_app.access.models import AccessKey, KeyUse
from django_app.llms.audit import acting
from django_app.llms.models import AuditEvent, UsageTotal
from tests.django_app.admin.conftest import Visit
from tests.server.house import CHAT, House

pytestmark = pytest.mark.thorough

BODY = b'{"model": "economy", "messages": [{"role": "user", "content": "hi"}]}'


class Gateway:
    """One on a port of this machine, on a thread with a loop of its own, so that the browser's goes on."""

    def __init__(self, state: Path) -> None:
        price = {"cost_per_1k_input": "0.001", "cost_per_1k_output": "0.002"}
        entry = LLMEntry(id=1, name="Demo", provider="offline", model="offline", tier="economy", **price)
        feed = DjangoKeys()
        self._house = House(None, state, registry=DictRegistry([entry]), keys=None, feed=feed)  # type: ignore[arg-type]  # no vendor is asked
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever)
        self._thread.start()
        self._run(self._house.open())

    def _run(self, work: Any) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    def status(self, key: str) -> int:
        headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
        try:
            with urlopen(Request(self._house.url + CHAT, data=BODY, headers=headers), timeout=30) as answer:
                return int(answer.status)
        except HTTPError as refused:
            with refused:
                return refused.code

    def close(self) -> None:
        self._run(self._house.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(30)
        self._loop.close()


@pytest.fixture
def gateway(tmp_path: Path, transactional_db: None) -> Iterator[Gateway]:
    # SQLite in memory has one connection for everybody, which this thread lends.
    connections["default"].inc_thread_sharing()
    gateway = Gateway(tmp_path / "state")
    yield gateway
    gateway.close()
    connections["default"].dec_thread_sharing()


def go(visit: Visit, name: str, *args: Any, query: str = "") -> None:
    visit.page.goto(f"{visit.address}{reverse(f'admin:creative_services_access_{name}', args=args)}{query}")


def become(gateway: Gateway, key: str, status: int) -> None:
    """Ask until the gateway answers so; it looks two times a second."""
    for _ in range(600):
        if (found := gateway.status(key)) == status:
            return
    raise AssertionError(f"still {found}")


def shown_key(visit: Visit) -> str:
    return str(visit.page.inner_text("#cs-key"))


def test_a_keys_whole_life(visit: Visit, gateway: Gateway) -> None:
    page = visit.page
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    go(visit, "accesskey_changelist")
    assert "manage.py access create" in page.inner_text("#changelist")
    page.click("text=Add API key")
    page.fill("#id_owner", "checkout")
    page.check("text=economy")
    page.fill("#id_requests_per_minute", "60000")
    page.fill("#id_budget_per_day", "25")
    visit.picture("key_add")
    page.click("input[name=_save]")
    page.wait_for_selector("#cs-key")
    key = shown_key(visit)
    visit.picture("key_once", whole=False)
    page.click("text=Copy >> nth=-1")
    page.wait_for_selector("text=Copied")
    assert page.evaluate("navigator.clipboard.readText()") == key
    become(gateway, key, 200)
    # Reloading sends the form again, as a browser offers to do.
    page.reload()
    page.wait_for_selector("text=This form was sent already")
    assert key not in page.content()
    page.go_back()
    assert key not in page.content()
    row = AccessKey.objects.get()
    for name, args in (("accesskey_changelist", ()), ("accesskey_change", (row.pk,)), ("accesskey_history", (row.pk,))):
        go(visit, name, *args)
        assert row.key_id in page.content()
        assert key.rpartition("-")[2] not in page.content()

    go(visit, "accesskey_change", row.pk)
    visit.picture("key_edit")
    page.click("text=Rotate…")
    page.check("text=7 days")
    visit.picture("key_rotate", whole=False)
    page.click("text=Make the new key")
    page.wait_for_selector("#cs-key")
    new = shown_key(visit)
    assert new != key
    become(gateway, new, 200)
    become(gateway, key, 200)

    go(visit, "accesskey_changelist")
    page.check("#action-toggle")
    page.select_option("select[name=action]", "revoke_selected")
    page.click("button[name=index]")
    page.wait_for_selector("text=nothing brings them back")
    page.fill("#id_reason", "the service is gone")
    visit.picture("key_revoke", whole=False)
    page.click("button:has-text('Revoke')")
    page.wait_for_selector(".messagelist .success")
    become(gateway, new, 401)
    become(gateway, key, 401)
    assert AuditEvent.objects.latest("id").reason == "revoked: the service is gone"
    stored = str([page.evaluate(f"JSON.stringify({each})") for each in ("localStorage", "sessionStorage")])
    assert not re.search(r"cs-[a-z]{7}\d-\w{38}", stored + str(page.context.cookies()))


def seed(boss: User) -> None:
    """A small company's keys."""
    now = timezone.now()
    day = now.replace(hour=0, minute=0, second=0, microsecond=0)
    plans: tuple[tuple[str, dict[str, Any], str, str, timedelta | None], ...] = (
        ("checkout", {"tiers": ["economy", "standard"], "requests_per_minute": 600, "tokens_per_minute": 250_000,
                      "budget_per_day": Decimal(25), "budget_per_month": Decimal(500)}, "9.80", "214.60",
         timedelta(seconds=40)),
        ("support-bot", {"tiers": ["premium"], "requests_per_minute": 60, "budget_per_day": Decimal(20)}, "18.90",
         "301.15", timedelta(minutes=3)),
        ("nightly-report", {"budget_per_month": Decimal(40), "expires_at": now + timedelta(days=9)}, "0", "40.02",
         timedelta(hours=11)),
        ("laptop of ann", {"tiers": ["local"], "scopes": ["chat", "models"], "note": "only from home"}, "0", "0", None),
        ("old crawler", {"tiers": ["economy"]}, "0", "3.40", timedelta(days=63)),
    )  # fmt: skip
    for owner, fields, today, month, ago in plans:
        row = issuing.issue(
            "default", by=boss, owner=owner, user=boss if owner.startswith("laptop") else None, **fields
        ).row
        UsageTotal.objects.create(per="day", start=day, client=row.key_id, cost=Decimal(today), calls=9)
        UsageTotal.objects.create(per="hour", start=now - timedelta(hours=2), client=row.key_id, cost=0, calls=913)
        # On the first of a month the whole month is today.
        if day.day > 1:
            rest = Decimal(month) - Decimal(today)
            UsageTotal.objects.create(per="day", start=day.replace(day=1), client=row.key_id, cost=rest, calls=9)
        if ago:
            KeyUse.objects.create(key=row, at=now - ago)
    issuing.rotate(AccessKey.objects.get(owner="checkout").pk, timedelta(days=1), using="default", by=boss)
    issuing.revoke(AccessKey.objects.filter(owner="old crawler"), using="default", by=boss, reason="switched off")


@pytest.mark.parametrize("colours", ["light", "dark"])
def test_every_screen_fits_a_phone_and_a_strict_content_policy(visit: Visit, boss: User, colours: str) -> None:
    page = visit.page
    with acting(boss):
        seed(boss)

    def strictly(route: Any) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, headers={**answer.headers, "content-security-policy": "default-src 'self'"})

    page.route("**/*", strictly)
    page.emulate_media(color_scheme=colours)
    pk = AccessKey.objects.get(owner="support-bot").pk
    for name, args, query in (
        ("accesskey_changelist", (), ""), ("accesskey_add", (), ""), ("accesskey_change", (pk,), ""),
        ("rotate", (pk,), ""), ("revoke", (), f"?key={pk}"),
    ):  # fmt: skip
        page.set_viewport_size({"width": 1360, "height": 850})
        go(visit, name, *args, query=query)
        if name == "accesskey_changelist":
            visit.picture("keys_dark" if colours == "dark" else "keys")
        page.set_viewport_size({"width": 390, "height": 800})
        wider = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        assert wider <= 0, f"{name} is {wider} px wider than the phone"


def test_by_keyboard_and_without_scripts(browser: Any, live_server: Any, visit: Visit) -> None:
    context = browser.new_context(java_script_enabled=False, storage_state=visit.page.context.storage_state())
    page = context.new_page()
    page.goto(live_server.url + reverse("admin:creative_services_access_accesskey_add"))
    page.locator("#id_owner").focus()
    page.keyboard.type("typed")
    page.keyboard.press("Enter")
    page.wait_for_selector("#cs-key")
    assert "cs-" in page.inner_text("#cs-key")
    row = AccessKey.objects.get()
    page.goto(live_server.url + reverse("admin:creative_services_access_rotate", args=[row.pk]))
    page.locator("input[name=overlap]").first.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_selector("#cs-key")
    assert "works until" in page.inner_text(".cs-panel")
    context.close()
