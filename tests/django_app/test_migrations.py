"""Migrations: forwards, backwards, and triggers that outlive a rebuilt table."""

import pytest
from django.core.management import call_command
from django.db import connection, models

from django_app.access.changes import KEYS
from django_app.llms import triggers
from django_app.llms.models import Llms, Revision

APP = "creative_services_llms"
ACCESS = "creative_services_access"


def changed_by_sql() -> bool:
    before = Revision.objects.values_list("token", flat=True).first()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE creative_services_llms SET max_tokens = max_tokens + 1")
    return bool(Revision.objects.values_list("token", flat=True).first() != before)


def make() -> Llms:
    return Llms.objects.create(name="n", provider="offline", model_name="m", tier="local")


@pytest.mark.django_db(transaction=True)
def test_backwards_leaves_nothing_behind_and_forwards_works_again() -> None:
    for app in (ACCESS, APP):
        call_command("migrate", app, "zero", verbosity=0)
    tables = connection.introspection.table_names()
    assert not [table for table in tables if table.startswith("creative_services")]
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_proc WHERE proname LIKE 'creative_services_%_changed'")
            assert cursor.fetchone() == (0,)
    for app in (ACCESS, APP):
        call_command("migrate", app, verbosity=0)
    make()
    assert triggers.installed(connection)
    assert triggers.installed(connection, KEYS)
    assert changed_by_sql()


@pytest.mark.django_db(transaction=True)
def test_a_later_migration_that_rebuilds_the_table_does_not_lose_the_triggers() -> None:
    make()
    field = models.PositiveIntegerField(default=7, null=True)
    field.set_attributes_from_name("max_tokens")
    with connection.schema_editor() as editor:
        editor.alter_field(Llms, Llms._meta.get_field("max_tokens"), field)
    call_command("migrate", APP, verbosity=0)
    assert triggers.installed(connection)
    assert changed_by_sql()
    with connection.schema_editor() as editor:
        editor.alter_field(Llms, field, Llms._meta.get_field("max_tokens"))
    call_command("migrate", APP, verbosity=0)
    assert changed_by_sql()


@pytest.mark.django_db
def test_installing_twice_is_installing_once() -> None:
    triggers.install(connection)
    triggers.install(connection)
    make()
    first = Revision.objects.get().number
    changed_by_sql()
    assert Revision.objects.get().number == first + 1


@pytest.mark.django_db
def test_a_database_without_our_triggers_is_noted_by_the_orm(monkeypatch: pytest.MonkeyPatch) -> None:
    """MySQL and Oracle, say: every change through the ORM counts; SQL is noticed at the next full reload."""
    triggers.remove(connection)
    monkeypatch.setattr(triggers, "supported", lambda _: False)
    row = make()
    numbers = [Revision.objects.get().number]
    for change in (
        row.save,
        lambda: Llms.objects.update(max_tokens=2),
        lambda: Llms.objects.bulk_update([row], ["name"]),
        row.delete,
    ):
        change()
        numbers.append(Revision.objects.get().number)
    assert sorted(set(numbers)) == numbers
    assert triggers.installed(connection)
