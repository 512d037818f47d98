"""The form, the actions and the history: what they let through, what they keep, what they never show."""

import csv
import json
from datetime import date
from decimal import Decimal
from io import StringIO
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.test import AsyncClient, Client, override_settings
from django.urls import reverse

from django_app.llms.admin import words
from django_app.llms.admin.impact import impacts
from django_app.llms.audit import acting
from django_app.llms.models import AuditEvent, Llms, Trial, Usage
from tests.django_app.admin.demo import seed

pytestmark = pytest.mark.django_db

KEY = "sk-never-to-be-shown-0123456789"
FORM = {
    "name": "New", "provider": "openai", "model_name": "gpt-5", "tier": "premium", "is_active": "on",
    "cost_per_1k_input": "0.001", "cost_per_1k_output": "0.01", "max_tokens": "4096", "temperature": "0.7",
    "api_endpoint": "", "options": "{}", "api_key": "none", "key_reference": "", "key_typed": "",
    "capabilities": ["chat", "tools"],
}  # fmt: skip


def url(name: str, *args: Any) -> str:
    return reverse(f"admin:creative_services_llms_{name}", args=args)


@pytest.fixture
def client() -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("ann", "ann@example.com", "pw"))
    return client


def make(**fields: Any) -> Llms:
    values: dict[str, Any] = {
        "name": "E", "provider": "offline", "model_name": "m", "tier": "economy", "cost_per_1k_input": 1,
        "cost_per_1k_output": 1, **fields,
    }  # fmt: skip
    return Llms.objects.create(**values)


def errors(client: Client, **fields: Any) -> str:
    answer = client.post(url("llms_add"), {**FORM, **fields})
    assert answer.status_code == 200
    return str(answer.context["adminform"].form.errors)


class TestForm:
    def test_a_typed_key_is_sealed_and_never_comes_back(self, client: Client) -> None:
        answer = client.post(url("llms_add"), {**FORM, "api_key": "typed", "key_typed": KEY}, follow=True)
        row = Llms.objects.get()
        assert (row.key_source, row.key_hint) == ("sealed", "****6789")
        pages = [answer, client.get(url("llms_change", row.pk)), client.get(url("llms_changelist"))]
        pages += [client.get(url("providers")), client.get(url("auditevent_changelist"))]
        for page in pages:
            assert KEY not in page.content.decode()
            assert str(row.api_key) not in page.content.decode()

    def test_an_untouched_key_is_kept(self, client: Client) -> None:
        row = make(api_key=KEY, provider=FORM["provider"])
        stored = Llms.objects.get().api_key
        client.post(url("llms_change", row.pk), {**FORM, "api_key": "keep"})
        row.refresh_from_db()
        assert (row.name, row.api_key) == ("New", stored)

    @pytest.mark.parametrize(("price", "shown"), [("0.0000500000", "0.00005"), ("20", "20"), ("0", "0")])
    def test_a_price_is_shown_as_people_write_it(self, client: Client, price: str, shown: str) -> None:
        row = make(cost_per_1k_input=Decimal(price))
        page = client.get(url("llms_change", row.pk)).content.decode()
        assert f'name="cost_per_1k_input" value="{shown}"' in page

    def test_no_key_forgets_it(self, client: Client) -> None:
        row = make(api_key=KEY)
        client.post(url("llms_change", row.pk), {**FORM, "api_key": "none"})
        assert Llms.objects.get().api_key == ""

    def test_a_changed_host_asks_for_the_key_again(self, client: Client) -> None:
        row = make(api_key=KEY, tier="local")
        fields = {**FORM, "tier": "local", "api_endpoint": "http://elsewhere.example", "api_key": "keep"}
        answer = client.post(url("llms_change", row.pk), fields)
        assert "enter the API key again" in answer.content.decode()
        assert Llms.objects.get().api_endpoint == ""
        tried = client.post(url("trial", row.pk), fields)
        assert "enter the API key again" in tried.content.decode()

    def test_a_reference_must_be_one_and_be_allowed(self, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        assert "Write one of" in errors(client, api_key="reference", key_reference="OPENAI_API_KEY")
        assert "allow-list" in errors(client, api_key="reference", key_reference="env:DJANGO_SECRET_KEY")
        monkeypatch.setenv("OPENAI_API_KEY", KEY)
        client.post(url("llms_add"), {**FORM, "api_key": "reference", "key_reference": "env:OPENAI_API_KEY"})
        assert Llms.objects.get().api_key == "env:OPENAI_API_KEY"

    def test_a_key_cannot_be_sealed_without_encryption_keys(self, client: Client) -> None:
        with override_settings(CREATIVE_SERVICES={}):
            assert "new_key" in errors(client, api_key="typed", key_typed=KEY)
        assert "Enter the key" in errors(client, api_key="typed")

    def test_a_private_endpoint_is_refused(self, client: Client) -> None:
        assert "private address" in errors(client, api_endpoint="http://10.0.0.1/v1")

    def test_an_ability_of_another_name_is_kept(self, client: Client) -> None:
        row = make(capabilities=["chat", "audio"])
        page = client.get(url("llms_change", row.pk)).content.decode()
        assert 'value="audio"' in page

    def test_what_code_manages_is_only_shown(self, client: Client) -> None:
        row = make(managed_by="code", managed_source="entries.toml#1")
        page = client.get(url("llms_change", row.pk)).content.decode()
        assert "entries.toml#1" in page
        assert 'name="_save"' not in page
        assert client.post(url("llms_change", row.pk), FORM).status_code == 403
        assert client.post(url("trial", row.pk)).status_code == 200


class TestActions:
    def act(self, client: Client, name: str, *rows: Llms, **more: str) -> Any:
        data = {"action": name, "_selected_action": [row.pk for row in rows], **more}
        return client.post(url("llms_changelist"), data, follow=True)

    def test_a_copy_is_off_and_has_no_sealed_key(self, client: Client) -> None:
        row = make(api_key=KEY, capabilities=["chat"])
        assert "The copies are switched off" in self.act(client, "clone", row).content.decode()
        for _ in range(2):
            self.act(client, "clone", row, confirmed="1", to_tier="premium")
        copies = Llms.objects.exclude(pk=row.pk)
        assert {(each.tier, each.is_active, each.api_key) for each in copies} == {("premium", False, "")}
        assert len({each.name for each in copies}) == 2

    def test_prices_from_the_catalogue(self, client: Client) -> None:
        known, unknown = make(provider="openai", model_name="gpt-4o-mini"), make(model_name="x", provider="openai")
        said = self.act(client, "price_from_catalog", known, unknown).content.decode()
        known.refresh_from_db()
        assert (known.cost_per_1k_input, known.price_checked_on) == (Decimal("0.00015"), date.today())
        assert "The catalogue does not know: E." in said

    def test_what_code_manages_is_left_alone(self, client: Client) -> None:
        mine, theirs = make(), make(name="T", managed_by="code")
        self.act(client, "disable", mine, theirs, confirmed="1")
        assert list(Llms.objects.active()) == [theirs]

    def test_a_spreadsheet_runs_no_name_as_a_formula(self, client: Client) -> None:
        answer = self.act(client, "export_csv", make(name="=cmd()", api_key=KEY))
        (found,) = csv.DictReader(StringIO(answer.content.decode()))
        assert (found["name"], found["api_key"]) == ("'=cmd()", "sealed")

    def test_toml_goes_back_in(self, client: Client) -> None:
        answer = self.act(client, "export_toml", make(api_key=KEY)).content.decode()
        assert "[[entries]]" in answer
        assert "v1$" not in answer


class TestHistory:
    def test_who_did_what_and_no_key(self) -> None:
        user = User.objects.create_user("bob")
        with acting(user, "cheaper"):
            row = make(api_key=KEY, options={"extra": KEY, "url": "https://me:secret@example.com"})
            row.cost_per_1k_input = Decimal("0.5")
            row.save()
        Llms.objects.get().delete()
        deleted, changed, created = AuditEvent.objects.all()
        assert (created.action, created.actor, created.reason) == ("created", user, "cheaper")
        assert changed.changes == {"cost_per_1k_input": ["1", "0.5"]}
        assert (deleted.action, deleted.actor_name) == ("deleted", "code")
        told = str([event.after for event in AuditEvent.objects.all()])
        assert KEY not in told
        assert "me:secret" not in told
        assert "v1$" not in told

    def test_another_sealed_key_is_a_change(self) -> None:
        row = make(api_key=KEY)
        row.api_key = KEY + "-new"
        row.save()
        before, after = AuditEvent.objects.latest("id").changes["api_key"]
        assert before != after
        assert before.startswith("sealed #")

    def test_it_only_grows(self) -> None:
        make()
        event = AuditEvent.objects.get()
        for change in (
            event.save,
            event.delete,
            AuditEvent.objects.all().delete,
            lambda: AuditEvent.objects.update(entry=""),
        ):
            with pytest.raises(ValidationError, match="append-only"):
                change()
        assert AuditEvent.objects.count() == 1

    def test_a_deleted_entry_comes_back_without_its_sealed_key(self, client: Client) -> None:
        row = make(api_key=KEY)
        number = row.pk
        event = AuditEvent.objects.get()
        row.delete()
        client.post(url("restore", event.pk))
        back = Llms.objects.get()
        assert (back.pk, back.name, back.api_key) == (number, "E", "")
        assert AuditEvent.objects.latest("id").reason == f"restored to change {event.pk}"

    def test_a_state_that_is_no_longer_allowed_is_not_restored(self, client: Client) -> None:
        row = make(tier="local", api_endpoint="http://10.0.0.1", api_key=KEY)
        row.api_endpoint, row.api_key = "", ""
        row.save()
        row.api_key = KEY
        row.save()
        said = client.post(url("restore", AuditEvent.objects.earliest("id").pk), follow=True).content.decode()
        assert "enter the API key again" in said
        assert Llms.objects.get().api_endpoint == ""

    def test_code_managed_rows_are_not_restored(self, client: Client) -> None:
        make(managed_by="code")
        said = client.post(url("restore", AuditEvent.objects.get().pk), follow=True).content.decode()
        assert "managed by code" in said


class TestImpact:
    def test_the_stored_row_gives_no_difference(self, client: Client) -> None:
        rows = seed(User.objects.get(), days=2)
        assert not [each for each in impacts(Llms.objects.get(pk=rows[0].pk)) if each.changes]

    def test_switching_the_only_one_off_empties_the_tier(self, client: Client) -> None:
        row = make()
        row.is_active = False
        (economy,) = [each for each in impacts(row) if each.changes]
        assert (economy.tier, economy.is_emptied, economy.delta) == ("economy", True, None)

    def test_a_month_is_last_weeks_tokens_at_the_new_price(self, client: Client) -> None:
        seed(User.objects.get(), days=3)
        row = Llms.objects.get(model_name="gpt-5")
        row.cost_per_1k_input, row.cost_per_1k_output = row.cost_per_1k_input * 2, row.cost_per_1k_output * 2  # type: ignore[operator]  # set by the seed
        (premium,) = [each for each in impacts(row) if each.changes]
        assert premium.cost_after == 2 * (premium.cost_before or 0)
        assert premium.delta == (premium.cost_before or 0) * 30 / 7


def test_usage_as_csv(client: Client) -> None:
    seed(User.objects.get(), days=1)
    rows = list(Usage.objects.all()[:3])
    data = {"action": "export_usage", "_selected_action": [row.pk for row in rows]}
    answer = client.post(url("usage_changelist"), data)
    text = b"".join(answer.streaming_content).decode()  # type: ignore[arg-type]  # a plain iterator under WSGI
    assert {line["call_id"] for line in csv.DictReader(StringIO(text))} == {row.call_id for row in rows}
    totals = client.get(url("costs"), {"format": "csv"}).content.decode()
    assert totals.startswith("day,tier,llm_id")


@pytest.mark.parametrize(
    ("amount", "shown"),
    [
        (None, "—"),
        (0, "$0"),
        ("1234.5", "$1,234.50"),
        ("0.0123", "$0.012"),
        ("0.00000004", "$0.000000040"),
        ("-3", "−$3.00"),
    ],
)
def test_money_has_as_many_places_as_say_something(amount: Any, shown: str) -> None:
    assert words.usd(None if amount is None else Decimal(amount)) == shown


def test_under_asgi_each_step_is_sent_as_it_is_known(client: Client) -> None:
    row = make()

    async def ask() -> list[dict[str, str]]:
        visitor = AsyncClient()
        await visitor.aforce_login(await User.objects.aget())
        answer = await visitor.post(url("trial", row.pk), headers={"accept": "application/x-ndjson"})
        assert answer.is_async
        return [json.loads(line) async for line in answer.streaming_content]

    steps = async_to_sync(ask)()
    assert steps[0]["name"] == "Endpoint allowed"
    assert {step["state"] for step in steps[:7]} == {"good"}
    assert Trial.objects.get(pk=row.pk).state == "ok"
