"""Every system check of the keys fires, and clears."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.core import checks
from django.db import connection
from django.test import override_settings
from django.utils import timezone

import django_app.access.checks as ours
from django_app.access import issuing
from django_app.access.changes import KEYS
from django_app.access.models import AccessKey
from django_app.llms import triggers
from tests.django_app.projects import Project

pytestmark = pytest.mark.django_db

PAGE = Path(__file__).parents[3] / "docs" / "django" / "keys.rst"


def ids(*, deploy: bool = False) -> set[str]:
    found = checks.run_checks(databases=["default"], include_deployment_checks=deploy)
    mine = ("E008", "W009", "W011", "W012", "W013", "S007")
    return {name for name in mine if f"creative_services.{name}" in {message.id for message in found}}


@pytest.fixture
def row() -> AccessKey:
    return issuing.issue("default", owner="shop", user=User.objects.create_user("ben")).row


@pytest.fixture(autouse=True)
def _no_redis() -> Iterator[None]:
    with override_settings(CREATIVE_SERVICES={}):
        yield


def change(row: AccessKey, **values: Any) -> None:
    AccessKey.objects.filter(pk=row.pk).update(**values)


def test_a_complete_project_is_told_nothing(row: AccessKey) -> None:
    assert ids(deploy=True) == set()


def test_e008_without_the_entries_app(row: AccessKey, tmp_path: Path) -> None:
    assert ours.entries_app() == []
    apps = [app for app in settings.INSTALLED_APPS if app != "django_app.llms"]
    with override_settings(INSTALLED_APPS=apps):
        assert [message.id for message in ours.entries_app()] == ["creative_services.E008"]


def test_e008_is_all_that_a_project_without_it_sees(tmp_path: Path) -> None:
    project = Project(tmp_path)
    with (tmp_path / "project_settings.py").open("a") as written:
        written.write('\nINSTALLED_APPS.remove("django_app.llms")\n')
    done = project.manage("check", check=False)
    assert done.returncode != 0
    assert "creative_services.E008" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("ended", [{"is_active": False}, {"expires_at": timezone.now()}])
def test_w009_no_key_works(row: AccessKey, ended: dict[str, Any]) -> None:
    assert "W009" not in ids()
    change(row, **ended)
    assert "W009" in ids()
    issuing.issue("default", owner="another")
    assert "W009" not in ids()


def test_w011_expired_and_still_on(row: AccessKey) -> None:
    change(row, expires_at=timezone.now() - timedelta(days=1))
    assert "W011" in ids()
    change(row, expires_at=timezone.now() + timedelta(days=1))
    assert "W011" not in ids()
    change(row, expires_at=timezone.now() - timedelta(days=1), is_active=False)
    assert "W011" not in ids()


def test_w012_its_user_has_left(row: AccessKey) -> None:
    User.objects.update(is_active=False)
    assert "W012" in ids()
    change(row, user=None)
    assert "W012" not in ids()


def test_w013_triggers(row: AccessKey) -> None:
    triggers.remove(connection, KEYS)
    assert "W013" in ids()
    triggers.install(connection, KEYS)
    assert "W013" not in ids()


def test_s007_old_keys(row: AccessKey) -> None:
    change(row, created_at=timezone.now() - timedelta(days=400))
    assert "S007" not in ids()
    assert "S007" in ids(deploy=True)
    with override_settings(CREATIVE_SERVICES={"KEY_AGE_DAYS": 500}):
        assert "S007" not in ids(deploy=True)


def test_before_the_first_migration_there_is_nothing_to_check(tmp_path: Path) -> None:
    assert "creative_services.W009" not in Project(tmp_path).manage("check", "--database", "default").stderr


def test_the_page_names_each() -> None:
    page = PAGE.read_text()
    for name in ("E008", "W009", "W011", "W012", "W013", "S007"):
        assert f"* - {name}" in page
