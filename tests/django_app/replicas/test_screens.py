"""The screens of the replicas without a browser: what they show, to whom, and what they do."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client, override_settings
from django.urls import reverse

from creative_services.adapters.django_wakeups import close_for_good
from creative_services.replicas import ServerRegistry, open_store
from creative_services.server.replicas import routing_service
from django_app.llms.models import AuditEvent
from django_app.replicas.checks import entries_app
from tests.django_app.replicas.conftest import LLAMA, QWEN, Fleet
from tests.replicas.service import RoutingServer
from tests.server.replicas.test_service import register

LIST = "replica_changelist"


def at(name: str) -> str:
    return reverse(f"admin:creative_services_replicas_{name}")


@pytest.fixture
def client(boss: User) -> Client:
    client = Client()
    client.force_login(boss)
    return client


def looking(*permissions: str) -> Client:
    user = User.objects.create_user("eve", password="pw", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client = Client()
    client.force_login(user)
    return client


def page(client: Client, name: str = LIST, **query: str) -> str:
    answer = client.get(at(name), query)
    assert answer.status_code == 200
    return answer.content.decode()


def rows(client: Client, **query: str) -> list[str]:
    return [row["id"] for row in client.get(at("live"), query).json()["rows"]]


@pytest.mark.django_db
def test_nothing_said_shows_what_to_say(client: Client) -> None:
    shown = page(client)
    assert "{&quot;REPLICAS&quot;" in shown or '{"REPLICAS"' in shown
    assert "creative-services replicas serve" in shown


@pytest.mark.django_db
def test_nobody_there_shows_the_next_command(client: Client, fleet: Fleet, service: RoutingServer) -> None:
    assert f"creative-services replicas register {service.url} localhost:8000 model=qwen2" in page(client)


@pytest.mark.django_db
def test_a_service_that_is_away_is_told_and_nothing_breaks(client: Client, settings: Any) -> None:
    settings.CREATIVE_SERVICES = {**settings.CREATIVE_SERVICES, "REPLICAS": "http://127.0.0.1:9"}
    assert "could not be asked" in page(client)
    assert "could not be asked" in client.get(at("live")).json()["trouble"]


@pytest.mark.django_db
def test_a_row_says_what_is_known(client: Client, fleet: Fleet) -> None:
    fleet.add("a/b <i>", LLAMA)
    fleet.counts("a/b <i>", in_flight=3, last_15_minutes=40, last_15_minutes_latency=0.25)
    (row,) = client.get(at("live")).json()["rows"]
    assert "a/b &lt;i&gt;" in row["html"]
    assert "<i>" not in row["html"]
    assert "model=llama gpus=2 type=chat" in row["html"]
    assert "data-cs-since" in row["html"]
    assert ">3<" in row["html"]
    assert "250 ms" in row["html"]
    assert "id=a%2Fb%20%3Ci%3E" in row["html"]


@pytest.mark.django_db
def test_words_find_rows(client: Client, fleet: Fleet) -> None:
    fleet.add("one", QWEN)
    fleet.add("two", LLAMA)
    assert rows(client) == ["replica two", "replica one"]
    assert rows(client, q="qwen2 one") == ["replica one"]
    assert rows(client, q="qwen2 two") == []


@pytest.mark.django_db
def test_draining_asks_first_and_says_who_would_be_missed(client: Client, fleet: Fleet) -> None:
    fleet.add("one", QWEN, {"model": "qwen2", "gpus": 1})
    fleet.add("two", QWEN)
    asked = page(client, "drain", id="one")
    assert "gpus=1&amp;model=qwen2" in asked.replace("\n", "")
    assert "<code>gpus=1</code>" in asked
    assert "<code>model=qwen2</code>" not in asked
    assert "Others can do all that it does." in page(client, "drain", id="two")
    assert rows(client) == ["replica one", "replica two"]
    answer = client.post(at("drain"), {"id": "one", "reason": "a new driver"}, follow=True)
    assert "Drained: one." in answer.content.decode()
    assert "Ask again" in client.get(at("live")).json()["rows"][0]["html"]
    event = AuditEvent.objects.latest("id")
    assert (event.actor_name, event.entry, event.reason) == ("ann", "replica one", "a new driver")
    assert event.changes == {"draining": [False, True]}
    assert "one" in client.get(reverse("admin:creative_services_llms_auditevent_changelist")).content.decode()
    client.post(at("resume"), {"id": "one"})
    assert "Drain" in client.get(at("live")).json()["rows"][0]["html"]
    assert AuditEvent.objects.latest("id").changes == {"draining": [True, False]}


@pytest.mark.django_db
def test_evicting_takes_it_off_and_is_remembered(client: Client, fleet: Fleet) -> None:
    fleet.add("one", QWEN)
    assert "nobody at all has" in page(client, "evict", id="one")
    assert "Evicted: one." in client.post(at("evict"), {"id": "one"}, follow=True).content.decode()
    assert rows(client) == []
    assert AuditEvent.objects.latest("id").action == "deleted"
    gone = client.post(at("evict"), {"id": "one"}, follow=True).content.decode()
    assert "No replica one is connected any more." in gone
    assert AuditEvent.objects.count() == 1


@pytest.mark.django_db
def test_those_who_may_only_look_do_only_that(fleet: Fleet) -> None:
    fleet.add("one", QWEN)
    client = looking("view_replica")
    assert rows(client) == ["replica one"]
    assert "Drain" not in page(client)
    for name in ("drain", "resume", "evict"):
        assert client.get(at(name), {"id": "one"}).status_code == 403
        assert client.post(at(name), {"id": "one"}).status_code == 403
    assert rows(client) == ["replica one"]


@pytest.mark.django_db
def test_those_who_may_not_look_do_not(fleet: Fleet) -> None:
    client = looking("view_llms")
    assert client.get(at(LIST)).status_code == 403
    assert client.get(at("live")).status_code == 403
    assert Client().get(at("live")).status_code == 302


@pytest.mark.django_db
def test_the_route_tester_says_who_and_why_not(client: Client, fleet: Fleet) -> None:
    fleet.add("one", QWEN)
    fleet.add("two", LLAMA)
    fleet.add("three", QWEN)
    shown = page(client, route="model=qwen2&type=chat&exclude=three")
    assert "100 % of the answers" in shown
    assert "lacks model=qwen2" in shown
    assert "excluded" in shown
    assert "404" in page(client, route="model=qwen3")


@pytest.mark.django_db
def test_servers_of_a_store_show_what_they_count(client: Client, folder: Path) -> None:
    async def report() -> None:
        async with ServerRegistry(open_store(str(folder))) as registry:
            stats = {"last_15_minutes": 40, "last_15_minutes_latency": 0.25, "in_flight": 3}
            await registry.register_server(8000, {"model_path": "qwen2"}, data={"request_stats": stats})

    asyncio.run(report())
    (row,) = client.get(at("live")).json()["rows"]
    assert row["id"].startswith("server ")
    assert ">3<" in row["html"]
    assert "250 ms" in row["html"]
    assert "40 calls in 15 min" in row["html"]
    assert "Evict" not in row["html"]


@pytest.mark.django_db
def test_replicas_of_a_store_are_drained_through_it(client: Client, folder: Path) -> None:
    """The service hears of it from the store."""

    def drain() -> None:
        client.post(at("drain"), {"id": "one"})
        close_for_good(connection)  # this thread's own

    async def service() -> Any:
        app = routing_service(open_store(str(folder)))
        await app.start()
        held = await register(app, "one")
        await asyncio.to_thread(drain)
        async with asyncio.timeout(5):
            while not app.table.get("one").draining:  # type: ignore[union-attr]  # there while held is
                await asyncio.sleep(0.02)
        await held.leave()
        await app.aclose()

    asyncio.run(service())


def test_the_entries_app_is_asked_for() -> None:
    with override_settings(INSTALLED_APPS=["django.contrib.contenttypes", "django_app.replicas"]):
        assert [message.id for message in entries_app()] == ["creative_services.E009"]
    assert entries_app() == []


@pytest.mark.django_db
@pytest.mark.parametrize(("language", "shown"), [("de", "Austragen…"), ("zh-hans", "移除…"), ("en", "Evict…")])
def test_in_three_languages(client: Client, fleet: Fleet, language: str, shown: str) -> None:
    fleet.add("one", QWEN)
    answer = client.get(at(LIST), headers={"accept-language": language})
    assert shown in answer.content.decode()
