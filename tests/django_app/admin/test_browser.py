"""What people do in the admin, done in a real browser: add, test, preview, edit, pin, explain, ask, export, restore."""

import csv
import os
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User

from creative_services.testing.vendors import VendorServer
from django_app.llms.models import AuditEvent, Llms, Trial, Usage
from tests.django_app.admin.conftest import Visit
from tests.django_app.admin.demo import seed

pytestmark = pytest.mark.thorough

SCREENS = (
    "overview", "board", "playground", "providers", "costs", "llms_changelist", "llms_add", "usage_changelist",
    "budgetlimit_changelist", "auditevent_changelist",
)  # fmt: skip
PICTURED = ("overview", "costs", "providers", "budgetlimit_changelist")
KEY = "sk-typed-in-the-browser-0123456789"


@pytest.fixture
def rows(boss: User) -> list[Llms]:
    # The pictures of the documentation show a month.
    return seed(boss, days=30 if "ADMIN_SCREENSHOTS" in os.environ else 3)


@pytest.fixture
def at_vendor(vendor: VendorServer, rows: list[Llms], settings: Any) -> list[Llms]:
    """The same entries, served by the vendors' double."""
    settings.CREATIVE_SERVICES = {**settings.CREATIVE_SERVICES, "ENDPOINT_ALLOW": ["127.0.0.1"]}
    for row in rows:
        if row.provider == "openai":
            row.api_endpoint = vendor.openai_url
            row.save()
    return rows


def test_adding_an_entry_that_was_tested_and_previewed_first(
    visit: Visit, at_vendor: list[Llms], vendor: VendorServer
) -> None:
    page = visit.page
    visit.go("llms_add", query="?tier=economy")
    for name, value in {
        "name": "GPT-5 pico", "provider": "openai", "model_name": "gpt-5-nano", "cost_per_1k_input": "0.00001",
        "cost_per_1k_output": "0.0001", "api_endpoint": vendor.openai_url,
    }.items():  # fmt: skip
        page.fill(f"#id_{name}", value)
    assert not page.is_visible("#id_key_typed")
    page.select_option("#id_api_key", "typed")
    page.fill("#id_key_typed", KEY)
    page.click("text=Test connection")
    page.wait_for_selector("text=It works. The model cannot do what is marked amber.")
    steps = page.locator(".cs-step strong").all_inner_texts()
    assert steps == [
        "Endpoint allowed", "Driver", "DNS", "TCP / TLS", "Key", "Model exists", "Short call", "Stream", "Tools",
        "JSON",
    ]  # fmt: skip
    page.locator(".cs-tools").scroll_into_view_if_needed()
    visit.picture("test_connection", whole=False)
    page.click("text=Preview impact")
    page.wait_for_selector(".cs-impact")
    assert "GPT-5 pico" in page.inner_text(".cs-impact .cs-changed")
    visit.picture("impact_preview", whole=False)
    assert not Llms.objects.filter(name="GPT-5 pico").exists()
    page.click("input[name=_save]")
    page.wait_for_selector(".messagelist .success")
    made = Llms.objects.get(name="GPT-5 pico")
    assert made.key_hint == "****6789"
    assert KEY not in page.content()
    event = AuditEvent.objects.latest("id")
    assert (event.action, event.actor_name, event.llm_id) == ("created", "ann", made.pk)
    assert KEY not in str(event.after)
    crowned = page.locator("tr:has(.cs-crown)").all_inner_texts()
    assert any("GPT-5 pico" in text for text in crowned)
    visit.picture("entries")


def test_a_refused_key_is_told_and_nothing_after_it_is_tried(
    visit: Visit, at_vendor: list[Llms], settings: Any
) -> None:
    page = visit.page
    visit.go("llms_change", at_vendor[0].pk)
    page.fill("#id_api_endpoint", "http://localhost:9/v1")
    page.click("text=Test connection")
    page.wait_for_selector("text=It does not work yet.")
    assert "enter the API key again" in page.inner_text(".cs-steps")
    page.select_option("#id_api_key", "typed")
    page.fill("#id_key_typed", KEY)
    page.click("text=Test connection")
    page.wait_for_selector(".cs-step.cs-bad >> text=TCP / TLS")
    assert page.locator(".cs-step").count() == 4
    visit.go("llms_change", at_vendor[0].pk)
    page.click("text=Test connection")
    page.wait_for_selector("text=It works. The model cannot do what is marked amber.")
    assert Trial.objects.get(pk=at_vendor[0].pk).state == "ok"


def test_a_dearer_winner_shows_who_comes_instead_and_what_it_costs(visit: Visit, rows: list[Llms]) -> None:
    page = visit.page
    visit.go("llms_change", rows[0].pk)
    page.fill("#id_cost_per_1k_input", "0.02")
    page.click("text=Preview impact")
    page.wait_for_selector(".cs-impact")
    changed = page.inner_text(".cs-impact .cs-changed")
    assert "GPT-5 nano" in changed
    assert "Llama 3.3 70B" in changed
    assert "+$" in page.inner_text(".cs-impact tfoot")
    visit.picture("edit")
    page.click("input[name=_save]")
    page.wait_for_selector(".messagelist .success")
    rows[0].refresh_from_db()
    assert rows[0].cost_per_1k_input == Decimal("0.02")


def test_a_pin_has_an_end_a_reason_and_a_place_in_the_history(visit: Visit, rows: list[Llms]) -> None:
    page = visit.page
    visit.go("board")
    visit.picture("board")
    card = page.locator("article", has_text="Claude Opus 4.1")
    card.locator("summary").click()
    card.locator("select").select_option("4")
    card.locator("input[name=reason]").fill("the launch")
    card.locator("button", has_text="Pin").click()
    page.wait_for_selector(".messagelist .success")
    first = page.locator(".cs-edge-premium article").first
    assert "Claude Opus 4.1" in first.inner_text()
    assert "the launch" in first.inner_text()
    visit.picture("pinned", whole=False)
    assert AuditEvent.objects.latest("id").reason == "the launch"
    first.locator("text=Unpin").click()
    page.wait_for_selector(".messagelist .success")
    assert "GPT-5" in page.locator(".cs-edge-premium article").first.inner_text()


def test_the_playground_explains_for_nothing_and_asks_for_real(visit: Visit, at_vendor: list[Llms]) -> None:
    page = visit.page
    visit.go("playground")
    page.check("text=vision")
    page.select_option("#id_other", "standard")
    page.click("text=Only explain")
    page.wait_for_selector(".cs-verdicts")
    assert "lacks vision" in page.inner_text(".cs-sides")
    assert "Claude Haiku 4.5" in page.locator(".cs-verdicts .cs-first").first.inner_text()
    visit.picture("explain")
    before = Usage.objects.count()
    page.uncheck("text=vision")
    page.select_option("#id_other", "premium")
    page.fill("#id_prompt", "Write one line about tiers.")
    page.click("text=Ask both")
    page.wait_for_selector(".cs-answer")
    assert page.locator(".cs-answer").count() == 2
    visit.picture("playground")
    assert Usage.objects.count() == before, "in tests rows wait for flush()"
    from django_app.llms.usage import DjangoUsage

    DjangoUsage().flush()
    last = Usage.objects.order_by("-id")[:2]
    assert {(row.user, row.metadata["from"]) for row in last} == {("ann", "playground")}


def test_the_code_is_copied(visit: Visit, rows: list[Llms]) -> None:
    page = visit.page
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    visit.go("playground", query="?tier=premium&prompt=Say+it%27s+fine")
    page.locator("summary", has_text="Python").first.click()
    page.locator("button", has_text="Copy").first.click()
    page.wait_for_selector("text=Copied")
    code = page.evaluate("navigator.clipboard.readText()")
    compile(code, "copied", "exec")
    assert "LLMTier.PREMIUM" in code
    assert "Say it's fine" in code


def test_export_as_csv(visit: Visit, rows: list[Llms], tmp_path: Path) -> None:
    page = visit.page
    visit.go("llms_changelist")
    page.check("#action-toggle")
    page.select_option("select[name=action]", "export_csv")
    with page.expect_download() as download:
        page.click("button[name=index]")
    download.value.save_as(tmp_path / "llms.csv")
    found = list(csv.DictReader(StringIO((tmp_path / "llms.csv").read_text())))
    assert {row["name"] for row in found} == {row.name for row in rows}
    assert {row["api_key"] for row in found} == {"sealed", "none"}


def test_emptying_a_tier_is_asked_first(visit: Visit, rows: list[Llms]) -> None:
    page = visit.page
    visit.go("llms_changelist", query="?tier__exact=premium")
    page.check("#action-toggle")
    page.select_option("select[name=action]", "disable")
    page.click("button[name=index]")
    page.wait_for_selector("text=Nobody would answer these tiers any more: premium.")
    visit.picture("guard", whole=False)
    assert Llms.objects.active().filter(tier="premium").count() == 2
    page.click("text=Disable anyway")
    page.wait_for_selector(".messagelist .success")
    assert not Llms.objects.active().filter(tier="premium").exists()
    visit.go("overview")
    assert "nobody answers" in page.inner_text(".cs-edge-premium")


def test_back_to_a_former_state(visit: Visit, rows: list[Llms]) -> None:
    page = visit.page
    event = AuditEvent.objects.get(llm_id=rows[1].pk, action="created")
    visit.go("auditevent_change", AuditEvent.objects.get(llm_id=rows[1].pk, action="changed").pk)
    visit.picture("history")
    visit.go("auditevent_change", event.pk)
    page.click("text=Restore this state")
    page.wait_for_selector(".messagelist .success")
    rows[1].refresh_from_db()
    assert rows[1].cost_per_1k_input == Decimal(".001")
    assert rows[1].key_hint == "****1201"


@pytest.mark.parametrize("colours", ["light", "dark"])
def test_every_screen_fits_a_phone_and_a_strict_content_policy(visit: Visit, rows: list[Llms], colours: str) -> None:
    page = visit.page

    def strictly(route: Any) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, headers={**answer.headers, "content-security-policy": "default-src 'self'"})

    page.route("**/*", strictly)
    page.emulate_media(color_scheme=colours)
    for name in SCREENS:
        page.set_viewport_size({"width": 1360, "height": 850})
        visit.go(name)
        if name in PICTURED:
            visit.picture(f"{name.removesuffix('_changelist')}{'_dark' if colours == 'dark' else ''}")
        page.set_viewport_size({"width": 390, "height": 800})
        wider = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        assert wider <= 0, f"{name} is {wider} px wider than the phone"
        if name == "overview":
            visit.picture(f"small_{colours}")


def test_the_strip_is_walked_by_keyboard(visit: Visit, rows: list[Llms]) -> None:
    page = visit.page
    visit.go("overview")
    page.locator(".cs-tabs a").first.focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none"
    page.keyboard.press("Enter")
    page.wait_for_url("**/board/")


def test_testing_and_previewing_work_without_scripts(
    browser: Any, live_server: Any, visit: Visit, at_vendor: list[Llms]
) -> None:
    from django.urls import reverse

    context = browser.new_context(java_script_enabled=False, storage_state=visit.page.context.storage_state())
    page = context.new_page()
    address = live_server.url + reverse("admin:creative_services_llms_llms_change", args=[at_vendor[0].pk])
    page.goto(address)
    page.click("text=Test connection")
    assert "It works." in page.inner_text(".cs-screen")
    page.goto(address)
    page.fill("#id_cost_per_1k_input", "1")
    page.click("text=Preview impact")
    assert "Llama 3.3 70B" in page.inner_text(".cs-impact .cs-changed")
    context.close()
