"""The screens of the keys: what they let through, what they never show again, what they cost."""

import csv
import re
from datetime import timedelta
from decimal import Decimal
from io import StringIO
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone, translation

from django_app.access import issuing, key_text
from django_app.access.models import AccessKey, KeyUse
from django_app.llms.models import AuditEvent, UsageTotal

pytestmark = pytest.mark.django_db

FORM = {
    "new_id": "abcdefg7", "owner": "checkout", "user": "", "note": "", "requests_per_minute": "60",
    "tokens_per_minute": "", "budget_per_day": "2.5", "budget_per_month": "", "expires_at_0": "", "expires_at_1": "",
    "is_active": "on", "tiers": ["economy", "local"], "scopes": ["chat", "models"],
}  # fmt: skip
SHAPE = re.compile(r"cs-[a-z]{7}\d-[0-9A-Za-z]{38}")


def url(name: str, *args: Any) -> str:
    return reverse(f"admin:creative_services_access_{name}", args=args)


@pytest.fixture
def boss() -> User:
    return User.objects.create_superuser("ann", "ann@example.com", "pw")


@pytest.fixture
def client(boss: User) -> Client:
    client = Client()
    client.force_login(boss)
    return client


def someone(*permissions: str) -> Client:
    user = User.objects.create_user(f"user-{User.objects.count()}", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client = Client()
    client.force_login(user)
    return client


def make(owner: str = "checkout", **fields: Any) -> AccessKey:
    return issuing.issue("default", owner=owner, **fields).row


def spend(row: AccessKey, cost: str, *, days: int = 0, per: str = "day") -> None:
    start = timezone.now().replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=days)
    UsageTotal.objects.create(per=per, start=start, client=row.key_id, cost=Decimal(cost), calls=7, user=row.owner)


class TestShownOnce:
    def test_the_answer_to_the_form_is_the_only_page_with_the_key(self, client: Client) -> None:
        answer = client.post(url("accesskey_add"), FORM)
        (key,) = SHAPE.findall(answer.content.decode())
        row = AccessKey.objects.get()
        assert key_text.is_key(key)
        assert (row.key_id, row.created_by, row.tiers) == ("abcdefg7", "ann", ["economy", "local"])
        assert row.scopes == ["chat", "models"]
        assert (row.requests_per_minute, row.budget_per_day) == (60, Decimal("2.5"))
        assert "no-store" in answer["Cache-Control"]
        assert answer.cookies.get("messages") is None
        secret = key.rpartition("-")[2]
        pages = [url("accesskey_changelist"), url("accesskey_change", row.pk), url("accesskey_history", row.pk)]
        pages += [reverse("admin:index"), reverse("admin:creative_services_llms_auditevent_changelist")]
        pages += [reverse("admin:creative_services_llms_auditevent_change", args=[AuditEvent.objects.get().pk])]
        for page in pages:
            text = client.get(page, follow=True).content.decode()
            assert secret not in text
            assert row.digest not in text
        assert secret not in str(list(LogEntry.objects.values()))
        assert not {secret, row.digest} & set(str(list(AuditEvent.objects.values())).split("'"))

    def test_the_form_sent_twice_makes_one_key(self, client: Client) -> None:
        client.post(url("accesskey_add"), FORM)
        again = client.post(url("accesskey_add"), FORM)
        assert AccessKey.objects.count() == 1
        assert "was sent already" in again.content.decode()
        assert not SHAPE.search(again.content.decode())

    def test_each_form_has_an_id_of_its_own(self, client: Client) -> None:
        ids = {
            re.search(r'name="new_id" value="([^"]+)"', client.get(url("accesskey_add")).content.decode())[1]
            for _ in "ab"
        }  # type: ignore[index]  # or the test fails
        assert len(ids) == 2

    def test_nothing_of_it_is_in_the_database(self, client: Client) -> None:
        key = SHAPE.findall(client.post(url("accesskey_add"), FORM).content.decode())[0]
        dump = StringIO()
        call_command("dumpdata", "creative_services_access", "creative_services_llms", "auth", "admin", stdout=dump)
        assert key.rpartition("-")[2] not in dump.getvalue()
        assert "abcdefg7" in dump.getvalue()

    def test_what_the_form_refuses(self, client: Client) -> None:
        for wrong, told in (
            ({"owner": ""}, "This field is required"),
            ({"requests_per_minute": "0"}, "greater than or equal to 1"),
            ({"budget_per_month": "-1"}, "greater than or equal to 0"),
            ({"expires_at_0": "2020-01-01", "expires_at_1": "00:00"}, "This moment is over"),
            ({"tiers": ["gold"]}, "not one of the available choices"),
            ({"scopes": ["all"]}, "not one of the available choices"),
            ({"new_id": "x"}, "Enter a valid value"),
        ):
            answer = client.post(url("accesskey_add"), {**FORM, **wrong})
            assert told in str(answer.context["adminform"].form.errors), wrong
        assert not AccessKey.objects.exists()


class TestList:
    def test_bars_uses_and_states(self, client: Client) -> None:
        row = make(budget_per_day=Decimal(10), budget_per_month=Decimal(100), tokens_per_minute=90_000)
        spend(row, "8.5"), spend(row, "0.25", days=timezone.now().day)
        KeyUse.objects.create(key=row, at=timezone.now() - timedelta(hours=3))
        text = client.get(url("accesskey_changelist")).content.decode()
        assert "$8.50 / $10.00 today" in text
        assert "$8.50 / $100.00 this month" in text
        assert 'value="85"' in text
        assert ">3 h<" in text
        assert row.shown in text

    def test_the_number_of_queries_does_not_grow_with_the_keys(self, client: Client) -> None:
        def queries() -> int:
            with CaptureQueriesContext(
                connection,
            ) as found:
                assert client.get(url("accesskey_changelist")).status_code == 200
            return len(found)

        spend(make(budget_per_day=Decimal(1)), "1")
        before = queries()
        for number in range(20):
            row = make(f"owner {number}", user=User.objects.get(), budget_per_day=Decimal(1))
            spend(row, "1"), KeyUse.objects.create(key=row, at=timezone.now())
        assert queries() == before
        assert before <= 9

    @pytest.mark.parametrize(
        ("query", "owners"),
        [
            ("", "works soon off expired revoked"), ("?state=works", "works soon"), ("?state=soon", "soon"),
            ("?state=off", "off"), ("?state=expired", "expired"), ("?state=revoked", "revoked"),
            ("?used=lately", "works"), ("?used=idle", "soon"), ("?used=never", "off expired revoked"),
            ("?q=works", "works"),
        ],
    )  # fmt: skip
    def test_filters(self, client: Client, query: str, owners: str) -> None:
        now = timezone.now()
        works, soon = make("works"), make("soon", expires_at=now + timedelta(days=3))
        make("off", is_active=False)
        AccessKey.objects.filter(pk=make("expired").pk).update(expires_at=now)
        issuing.revoke([make("revoked")], using="default")
        KeyUse.objects.create(key=works, at=now), KeyUse.objects.create(key=soon, at=now - timedelta(days=40))
        rows = client.get(url("accesskey_changelist") + query).context["cl"].result_list
        assert {row.owner for row in rows} == set(owners.split())

    def test_csv_has_neither_keys_nor_digests(self, client: Client) -> None:
        row = make("=cmd()", tiers=["premium"], scopes=["chat", "models"])
        answer = client.post(url("accesskey_changelist"), {"action": "export_keys", "_selected_action": [row.pk]})
        (line,) = csv.DictReader(StringIO(answer.content.decode()))
        assert (line["key_id"], line["owner"], line["tiers"], line["state"]) == (
            row.key_id,
            "'=cmd()",
            "premium",
            "works",
        )
        assert line["scopes"] == "chat models"
        assert row.digest not in answer.content.decode()

    def test_a_key_that_is_not_for_everything_says_what_for(self, client: Client) -> None:
        make("both"), make("narrow", scopes=["embeddings", "models"])
        text = client.get(url("accesskey_changelist")).content.decode()
        assert text.count('<small class="cs-sub">only embeddings, models</small>') == text.count("only ") == 1

    def test_scopes_are_boxes_to_tick_and_their_edit_is_in_the_history(self, client: Client) -> None:
        row = make(scopes=["chat"])
        page = client.get(url("accesskey_change", row.pk)).content.decode()
        boxes = re.findall(r'<input type="checkbox" name="scopes" value="(\w+)"[^>]*?( checked)?>', page)
        assert boxes == [("chat", " checked"), ("embeddings", ""), ("models", "")]
        client.post(url("accesskey_change", row.pk), {**FORM, "scopes": ["embeddings"]})
        row.refresh_from_db()
        assert row.scopes == ["embeddings"]
        assert AuditEvent.objects.latest("id").changes["scopes"] == [["chat"], ["embeddings"]]

    def test_an_empty_list_says_what_to_do(self, client: Client) -> None:
        assert "manage.py access create" in client.get(url("accesskey_changelist")).content.decode()


class TestEnding:
    def test_revoking_asks_first_and_is_remembered(self, client: Client) -> None:
        row = make()
        spend(row, "1", per="hour")
        action = {"action": "revoke_selected", "_selected_action": [row.pk]}
        asked = client.post(url("accesskey_changelist"), action, follow=True)
        assert row.shown in asked.content.decode()
        assert AccessKey.objects.get().state == "works"
        done = client.post(url("revoke"), {"key": row.pk, "reason": "left the company"}, follow=True)
        assert "1 key revoked" in done.content.decode()
        row.refresh_from_db()
        assert (row.state, row.is_active, row.revoked_by) == ("revoked", False, "ann")
        event = AuditEvent.objects.latest("id")
        assert (event.actor_name, event.reason) == ("ann", "revoked: left the company")
        assert event.changes["is_active"] == [True, False]
        assert "None of these keys is left" in client.post(url("revoke"), {"key": row.pk}, follow=True).content.decode()

    def test_a_revoked_key_cannot_be_edited_back(self, client: Client) -> None:
        row = make()
        issuing.revoke([row], using="default")
        client.post(url("accesskey_change", row.pk), {**FORM, "is_active": "on"})
        row.refresh_from_db()
        assert row.state == "revoked"

    def test_only_an_ended_key_can_be_deleted(self, client: Client) -> None:
        row = make()
        assert client.post(url("accesskey_delete", row.pk), {"post": "yes"}).status_code == 403
        issuing.revoke([row], using="default")
        assert client.post(url("accesskey_delete", row.pk), {"post": "yes"}).status_code == 302
        assert not AccessKey.objects.exists()

    @pytest.mark.parametrize(("overlap", "hours"), [("1h", 1), ("1d", 24), ("7d", 168)])
    def test_rotating_gives_a_successor_and_an_end(self, client: Client, overlap: str, hours: int) -> None:
        old = make(budget_per_day=Decimal(4), tiers=["local"], scopes=["chat"], note="blue")
        assert not SHAPE.search(client.get(url("rotate", old.pk)).content.decode())
        answer = client.post(url("rotate", old.pk), {"overlap": overlap})
        (key,) = SHAPE.findall(answer.content.decode())
        assert "no-store" in answer["Cache-Control"]
        old.refresh_from_db()
        new = old.successor
        assert new is not None
        assert new.digest == key_text.digest_of(issuing.Secret(key))
        assert (new.account, new.budget_per_day, new.tiers, new.note) == (old.account, Decimal(4), ["local"], "blue")
        assert new.scopes == ["chat"]
        assert old.expires_at is not None
        assert abs(old.expires_at - timezone.now() - timedelta(hours=hours)) < timedelta(minutes=5)
        assert old.state == new.state == "works"
        again = client.post(url("rotate", old.pk), {"overlap": overlap}, follow=True).content.decode()
        assert "was rotated already" in again
        assert not SHAPE.search(again)
        assert AccessKey.objects.count() == 2

    def test_rotating_never_lengthens_a_life(self, client: Client) -> None:
        end = timezone.now() + timedelta(minutes=10)
        old = make(expires_at=end)
        client.post(url("rotate", old.pk), {"overlap": "7d"})
        old.refresh_from_db()
        assert old.expires_at == end

    def test_both_keys_of_an_account_have_one_budget(self, client: Client) -> None:
        old = make(budget_per_day=Decimal(10))
        new = issuing.rotate(old.pk, timedelta(days=1), using="default").row
        spend(old, "2"), spend(new, "3")
        assert client.get(url("accesskey_changelist")).content.decode().count("$5.00 / $10.00 today") == 2
        client.post(url("accesskey_change", new.pk), {**FORM, "budget_per_day": "20"})
        old.refresh_from_db()
        assert (old.budget_per_day, old.owner, old.key_id == new.key_id) == (Decimal(20), "checkout", False)


class TestPermissions:
    def test_who_may_look_sees_everything_and_changes_nothing(self) -> None:
        viewer, row = someone("view_accesskey"), make()
        page = viewer.get(url("accesskey_changelist")).content.decode()
        assert row.shown in page
        assert "Revoke" not in page
        form = viewer.get(url("accesskey_change", row.pk)).content.decode()
        assert row.shown in form
        assert "Rotate" not in form
        for address in (url("accesskey_add"), url("revoke") + f"?key={row.pk}", url("rotate", row.pk)):
            assert viewer.get(address).status_code == 403
            assert viewer.post(address, {"key": row.pk, "overlap": "1h"}).status_code == 403
        viewer.post(url("accesskey_change", row.pk), FORM)
        row.refresh_from_db()
        assert (row.state, row.requests_per_minute) == ("works", None)
        answer = viewer.post(url("accesskey_changelist"), {"action": "export_keys", "_selected_action": [row.pk]})
        assert answer["Content-Type"].startswith("text/csv")

    def test_each_power_is_its_own(self) -> None:
        row = make()
        assert someone("view_accesskey", "rotate_accesskey").get(url("rotate", row.pk)).status_code == 200
        assert someone("view_accesskey", "rotate_accesskey").get(url("revoke") + f"?key={row.pk}").status_code == 403
        assert someone("view_accesskey", "revoke_accesskey").get(url("revoke") + f"?key={row.pk}").status_code == 200
        assert someone("view_llms").get(url("accesskey_changelist")).status_code == 403

    def test_the_strip_shows_what_the_user_may_see(self) -> None:
        overview = reverse("admin:creative_services_llms_overview")
        assert url("accesskey_changelist") in someone("view_llms", "view_accesskey").get(overview).content.decode()
        assert url("accesskey_changelist") not in someone("view_llms").get(overview).content.decode()


def test_a_change_of_a_key_is_never_restored_as_an_entry(client: Client) -> None:
    make()
    event = AuditEvent.objects.get()
    page = client.get(reverse("admin:creative_services_llms_auditevent_change", args=[event.pk])).content.decode()
    assert "Restore this state" not in page
    assert "requests per minute" in page
    assert client.post(reverse("admin:creative_services_llms_restore", args=[event.pk])).status_code == 404


@pytest.mark.parametrize(("language", "shown"), [("de", "Widerrufen"), ("zh-hans", "吊销")])
def test_other_languages(client: Client, language: str, shown: str) -> None:
    with translation.override("en"):  # a request leaves its language behind
        answer = client.get(url("revoke") + f"?key={make().pk}", headers={"accept-language": language})
    assert shown in answer.content.decode()
