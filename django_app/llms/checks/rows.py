"""The entries that the database checks look at."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from django.apps import apps
from django.db import DatabaseError, connections, router

from django_app.llms import conf, triggers


def databases_with_entries(databases: Iterable[str] | None) -> Iterator[str]:
    """Those of the checked databases that hold our table; before the first migration there is nothing to check.

    Nor while the settings cannot be read: E001 reports those.
    """
    if any(conf.problems()):
        return
    model = apps.get_model("creative_services_llms", "Llms")
    for alias in databases or ():
        if router.allow_migrate_model(alias, model) and _has_table(alias):
            yield alias


def _has_table(alias: str) -> bool:
    try:
        return triggers.TABLE in connections[alias].introspection.table_names()
    except DatabaseError:
        return False  # Django's own checks report a database that is away


def active_rows(databases: Sequence[str] | None) -> Iterator[Any]:
    """Every active entry of the checked databases."""
    model = apps.get_model("creative_services_llms", "Llms")
    for alias in databases_with_entries(databases):
        try:
            yield from list(model._base_manager.using(alias).filter(is_active=True).order_by("pk"))
        except DatabaseError:
            continue  # `migrate` runs the checks before it adds a new version's columns, and must not fail over that
