"""Every screen, for who may do everything and for who may only look; and no screen asks once per row."""

from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from django_app.llms.models import AuditEvent, Llms, Usage, Worker
from tests.django_app.admin.demo import seed

pytestmark = pytest.mark.django_db

SCREENS = (
    "overview", "board", "playground", "providers", "costs", "llms_changelist", "usage_changelist",
    "budgetlimit_changelist", "auditevent_changelist",
)  # fmt: skip


def url(name: str, *args: Any) -> str:
    return reverse(f"admin:creative_services_llms_{name}", args=args)


@pytest.fixture
def boss() -> User:
    return User.objects.create_superuser("ann", "ann@example.com", "pw")


@pytest.fixture
def viewer() -> User:
    user = User.objects.create_user("vic", password="pw", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__startswith="view_"))
    return user


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def seeded(boss: User) -> list[Llms]:
    return seed(boss, days=1)


@pytest.mark.parametrize("name", SCREENS)
def test_each_screen_with_and_without_data(name: str, boss: User) -> None:
    client = client_of(boss)
    assert client.get(url(name)).status_code == 200
    seed(boss, days=1)
    answer = client.get(url(name))
    assert answer.status_code == 200
    assert "cs-tabs" in answer.content.decode()


@pytest.mark.parametrize("name", SCREENS)
def test_who_may_only_look_sees_each_screen_and_no_button(name: str, viewer: User, seeded: list[Llms]) -> None:
    answer = client_of(viewer).get(url(name))
    page = answer.content.decode()
    assert answer.status_code == 200
    for button in ("Ask both", 'name="hours"', "data-cs=", "Add an entry", 'value="disable"'):
        assert button not in page


def test_who_may_only_look_sees_an_entry_and_an_event(viewer: User, seeded: list[Llms]) -> None:
    client = client_of(viewer)
    page = client.get(url("llms_change", seeded[0].pk)).content.decode()
    assert "GPT-5 nano" in page
    assert 'name="_save"' not in page
    page = client.get(url("auditevent_change", AuditEvent.objects.latest("id").pk)).content.decode()
    assert "Restore" not in page


@pytest.mark.parametrize("name", SCREENS)
def test_who_may_not_look_is_refused(name: str) -> None:
    user = User.objects.create_user("eve", password="pw", is_staff=True)
    assert client_of(user).get(url(name)).status_code == 403
    assert Client().get(url(name)).status_code == 302


@pytest.mark.parametrize(
    ("name", "args", "data"),
    [
        ("pin", True, {"hours": "1", "reason": "because"}),
        ("playground", False, {"ask": "1", "prompt": "Hi", "tier": "local"}),
        ("providers", False, {}),
        ("trial", True, {}),
        ("restore", True, {}),
    ],
)
def test_who_may_only_look_changes_and_spends_nothing(
    name: str, args: bool, data: dict[str, str], viewer: User, seeded: list[Llms]
) -> None:
    before = (Usage.objects.count(), AuditEvent.objects.count())
    answer = client_of(viewer).post(url(name, *([seeded[0].pk] if args else [])), data)
    assert answer.status_code == 403
    assert (Usage.objects.count(), AuditEvent.objects.count()) == before


@pytest.mark.parametrize("name", SCREENS)
def test_no_screen_asks_once_per_row(name: str, boss: User, seeded: list[Llms]) -> None:
    client = client_of(boss)
    client.get(url(name))
    few = queries(client, url(name))
    for number in range(20):
        row = seeded[number % 4]
        Llms.objects.create(
            name=f"more {number}", provider=f"p{number}", model_name="m", tier=row.tier, cost_per_1k_input=1 + number,
            cost_per_1k_output=1, api_key="env:OPENAI_API_KEY",
        )  # fmt: skip
    client.get(url(name))
    many = queries(client, url(name))
    assert len(many) <= len(few), "\n".join(many)
    assert len(many) <= 40


def queries(client: Client, address: str) -> list[str]:
    with CaptureQueriesContext(
        connection,
    ) as captured:
        assert client.get(address).status_code == 200
    return [each["sql"] for each in captured.captured_queries]


def test_no_page_has_script_or_style_of_its_own(boss: User, seeded: list[Llms]) -> None:
    """What a strict Content-Security-Policy allows: scripts and styles from files only."""
    client = client_of(boss)
    for name in SCREENS:
        page = client.get(url(name)).content.decode()
        ours = page[page.index('class="cs-tabs"') : page.index('id="footer"')]
        assert "<style" not in ours
        assert "style=" not in ours.replace('role="presentation"', "")
        assert " onclick=" not in ours
        assert "<script>" not in ours


@pytest.mark.parametrize(("language", "told"), [("de", "Sprachmodelle"), ("zh-hans", "语言模型")])
def test_the_screens_speak_german_and_chinese(language: str, told: str, boss: User, seeded: list[Llms]) -> None:
    client = client_of(boss)
    for name in SCREENS:
        answer = client.get(url(name), headers={"accept-language": language})
        assert answer.status_code == 200
        assert told in answer.content.decode()


def test_the_overview_tells_who_follows(boss: User, seeded: list[Llms]) -> None:
    page = client_of(boss).get(url("overview")).content.decode()
    assert "3 of 4 on v" in page
    Worker.objects.all().delete()
    assert "No worker reports" in client_of(boss).get(url("overview")).content.decode()
