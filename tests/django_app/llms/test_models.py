"""The table: what it holds, what it refuses, and in which order it answers."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, models, transaction
from django.utils import timezone

from creative_services import LLMTier
from creative_services.core.errors import ConfigurationError
from django_app.llms.models import Llms, Revision

pytestmark = pytest.mark.django_db


def make(name: str = "one", **fields: Any) -> Llms:
    given = {
        "provider": "ollama",
        "model_name": "m",
        "tier": "standard",
        "cost_per_1k_input": 1,
        "cost_per_1k_output": 2,
    }
    return Llms.objects.create(name=name, **{**given, **fields})


def test_the_documented_fields_have_their_documented_defaults() -> None:
    row = Llms(name="n", provider="openai", model_name="gpt-4o", tier="premium")
    assert (row.max_tokens, row.temperature, row.is_active) == (4096, 0.7, True)
    assert (row.api_key, row.api_endpoint, row.cost_per_1k_input) == ("", "", None)


def test_prices_keep_the_cost_of_one_cached_token() -> None:
    make(cost_per_1k_input=Decimal("0.00000001"), cost_per_1k_output=Decimal("0.1234567891"))
    row = Llms.objects.get()
    assert (row.cost_per_1k_input, row.cost_per_1k_output) == (Decimal("0.00000001"), Decimal("0.1234567891"))


@pytest.mark.parametrize(
    "wrong",
    [
        {"cost_per_1k_input": -1},
        {"cost_per_1k_output": Decimal("-0.0000000001")},
        {"temperature": 2.1},
        {"temperature": -0.1},
        {"tier": "cheap"},
    ],
)
def test_the_database_itself_refuses_nonsense(wrong: dict[str, Any]) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        make(**wrong)
    with pytest.raises(IntegrityError), transaction.atomic():
        Llms.objects.filter(pk=make().pk).update(**wrong)


def test_the_same_model_at_the_same_place_is_there_once() -> None:
    make("one")
    with pytest.raises(IntegrityError), transaction.atomic():
        make("one")
    make("two")
    make("one", api_endpoint="http://127.0.0.1:1")


def test_the_query_follows_the_documented_rule() -> None:
    make("dear", cost_per_1k_input=3)
    make("unknown", cost_per_1k_input=None, cost_per_1k_output=None)
    make("off", cost_per_1k_input=0, is_active=False)
    make("late", cost_per_1k_input=2, cost_per_1k_output=5)
    cheap = make("cheap", cost_per_1k_input=2, cost_per_1k_output=4)
    make("twin", cost_per_1k_input=2, cost_per_1k_output=4)
    make("other tier", cost_per_1k_input=0, tier="local")
    assert Llms.objects.cheapest(LLMTier.STANDARD) == cheap
    assert Llms.objects.cheapest(LLMTier.PREMIUM) is None


def test_capabilities_and_options_must_have_their_shape() -> None:
    row = make()
    row.capabilities, row.options = {"tools": True}, ["x"]
    with pytest.raises(ValidationError) as refused:
        row.full_clean()
    assert set(refused.value.message_dict) == {"capabilities", "options"}


def test_a_pin_ends_by_itself() -> None:
    now = timezone.now()
    assert Llms(pinned_until=now + timedelta(seconds=60)).is_pinned
    assert not Llms(pinned_until=now - timedelta(seconds=1)).is_pinned
    assert not Llms().is_pinned


class Noted:
    """Whether the revision changed since it was last asked."""

    def __init__(self) -> None:
        self.last = self.now()

    def now(self) -> Any:
        return Revision.objects.values_list("number", "token").first()

    def __call__(self) -> bool:
        before, self.last = self.last, self.now()
        return bool(before != self.last)


def raw(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def test_every_way_of_writing_changes_the_revision() -> None:
    noted = Noted()
    row = make()
    assert noted()
    row.save()
    assert noted()
    Llms.objects.update(max_tokens=1)
    assert noted()
    Llms.objects.bulk_create([Llms(name="b", provider="p", model_name="m", tier="local")])
    assert noted()
    Llms.objects.bulk_create([Llms(name="b", provider="p", model_name="m", tier="local")], ignore_conflicts=True)
    noted()
    Llms.objects.bulk_update([row], ["max_tokens"])
    assert noted()
    Llms.objects.get_or_create(name="c", provider="p", model_name="m", tier="local")
    assert noted()
    Llms._base_manager.filter(name="c").update(max_tokens=2)  # behind the back of our manager
    assert noted()
    raw("UPDATE creative_services_llms SET max_tokens = 3")
    assert noted()
    raw("DELETE FROM creative_services_llms WHERE name = 'c'")
    assert noted()
    row.delete()
    assert noted()
    Llms.objects.all().delete()
    assert noted()
    assert not noted()


def test_reading_changes_nothing() -> None:
    make()
    noted = Noted()
    list(Llms.objects.all())
    assert not noted()


def test_a_lost_revision_row_comes_back_with_the_next_change() -> None:
    make()
    Revision.objects.all().delete()
    make("two")
    assert Revision.objects.get().number == 1


def test_a_rolled_back_change_leaves_the_revision_alone() -> None:
    noted = Noted()
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        make()
        raise ZeroDivisionError
    assert not noted()


def test_a_plain_key_is_refused_by_every_bulk_way() -> None:
    row = make()
    with pytest.raises(ConfigurationError, match="plain API key"):
        Llms.objects.update(api_key="sk-plain-123456789")
    row.api_key = "sk-plain-123456789"
    with pytest.raises(ConfigurationError, match="plain API key"):
        Llms.objects.bulk_update([row], ["api_key"])
    with pytest.raises(ConfigurationError, match="plain API key"):
        Llms.objects.filter(api_key="sk-plain-123456789").exists()


def test_a_plain_key_is_refused_by_the_database_too() -> None:
    make()
    with pytest.raises(IntegrityError), transaction.atomic():
        raw("UPDATE creative_services_llms SET api_key = 'sk-plain-123456789'")


def test_migrations_are_complete() -> None:
    from django.core.management import call_command

    call_command("makemigrations", "creative_services_llms", check=True, dry_run=True, verbosity=0)


def test_the_price_columns_are_wide_enough_for_any_vendor() -> None:
    field = Llms._meta.get_field("cost_per_1k_input")
    assert isinstance(field, models.DecimalField)
    assert field.decimal_places is not None
    assert field.decimal_places >= 8
