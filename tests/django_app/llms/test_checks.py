"""Every system check fires, and clears."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core import checks
from django.db import connection
from django.test import override_settings
from django.utils import timezone

from django_app.access.models import AccessKey
from django_app.llms import triggers
from django_app.llms.keys import resolving
from django_app.llms.keys.sealing import new_master_key
from django_app.llms.models import Llms

KEYS = [new_master_key()]
PLAIN = "sk-test-key-0123456789"


def ids(*, deploy: bool = False) -> set[str]:
    found = checks.run_checks(databases=["default"], include_deployment_checks=deploy)
    return {str(message.id).partition(".")[2] for message in found if str(message.id).startswith("creative_services.")}


def ours(**settings: Any) -> Any:
    return override_settings(CREATIVE_SERVICES={"ENCRYPTION_KEYS": KEYS, **settings})


def make(name: Any = "one", **fields: Any) -> Llms:
    given = {
        "provider": "openai",
        "model_name": "m",
        "tier": "standard",
        "cost_per_1k_input": 1,
        "cost_per_1k_output": 1,
    }
    return Llms.objects.create(name=name, **{**given, **fields})


@pytest.fixture(autouse=True)
def _complete(db: None) -> Iterator[None]:
    """An entry in every tier that must have one and a key, so that nothing but the matter of a test can complain."""
    AccessKey.objects.create(owner="complete", digest="0" * 64)
    with ours():
        for tier in ("economy", "standard", "premium"):
            make(f"complete {tier}", tier=tier)
        yield


def test_a_complete_project_is_told_nothing() -> None:
    assert ids(deploy=True) == set()


@pytest.mark.parametrize(
    "wrong",
    [
        {"ENCRYPTION_KEY": []},
        {"ENV_ALLOW": "OPENAI_API_KEY"},
        {"ENV_ALLOW": 7},
        {"POLL_SECONDS": 5},
        {"POLL_SECONDS": "often"},
        {"RELOAD_SECONDS": 0},
        {"REDIS_URL": None},
        {"RETIREMENT_WARNING_DAYS": 1.5},
    ],
)
def test_e001_settings(wrong: dict[str, Any]) -> None:
    with override_settings(CREATIVE_SERVICES=wrong):
        assert "E001" in ids(deploy=True)
    with override_settings(CREATIVE_SERVICES=["not a dictionary"]):
        assert "E001" in ids(deploy=True)
    assert "E001" not in ids()


def test_e001_suggests_the_nearest_name_and_shows_no_value() -> None:
    with override_settings(CREATIVE_SERVICES={"ENCRYPTION_KEY": PLAIN, "ENV_ALLOW": PLAIN}):
        told = [message.msg for message in checks.run_checks() if message.id == "creative_services.E001"]
    assert "'ENCRYPTION_KEYS'" in told[0]
    assert PLAIN not in "".join(told)


def test_e002_master_key_missing() -> None:
    row = make(api_key=PLAIN)
    with override_settings(CREATIVE_SERVICES={}):
        assert "E002" in ids()
    row.delete()
    with override_settings(CREATIVE_SERVICES={}):
        assert "E002" not in ids()


def test_e005_resolver_does_not_load(monkeypatch: pytest.MonkeyPatch) -> None:
    from importlib.metadata import EntryPoint

    broken = EntryPoint("vault", "no_such_package:read", resolving.GROUP)
    monkeypatch.setattr(resolving, "installed", lambda: {"vault": broken})
    assert "E005" in ids()
    monkeypatch.setattr(resolving, "installed", dict)
    assert "E005" not in ids()


def test_e006_master_key_malformed() -> None:
    make(api_key=PLAIN)
    with override_settings(CREATIVE_SERVICES={"ENCRYPTION_KEYS": ["short"]}):
        assert "E006" in ids()
    assert "E006" not in ids()


def test_e007_redis_without_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    from django_app.llms.checks import settings as of_settings

    with ours(REDIS_URL="redis://127.0.0.1:1"):
        assert "E007" not in ids()
        monkeypatch.setattr(of_settings, "find_spec", lambda name: None)
        assert "E007" in ids()


@pytest.mark.parametrize("tier", ["economy", "standard", "premium"])
def test_w001_tier_without_an_active_entry(tier: str) -> None:
    Llms.objects.filter(tier=tier).update(is_active=False)
    assert "W001" in ids()
    Llms.objects.update(is_active=True)
    assert "W001" not in ids()


def test_w001_local_only_when_it_was_meant_to_be_there() -> None:
    row = make(tier="local", provider="ollama", is_active=False)
    assert "W001" in ids()
    row.delete()
    assert "W001" not in ids()


def test_w002_reference_without_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    row = make(api_key="env:LLM_KEY_ONE")
    assert "W002" in ids()
    monkeypatch.setenv("LLM_KEY_ONE", PLAIN)
    assert "W002" not in ids()
    monkeypatch.delenv("LLM_KEY_ONE")
    row.is_active = False
    row.save()
    assert "W002" not in ids()


def test_w002_damaged_key() -> None:
    row, other = make(api_key=PLAIN), make("two", api_key=PLAIN)
    Llms.objects.filter(pk=other.pk).update(api_key=row.api_key)
    assert ids() == {"W002"}


def test_w002_resolver_that_breaks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resolving, "schemes", lambda: {"vault"})
    make(api_key="vault:x")
    monkeypatch.setattr(resolving, "resolver", lambda scheme: 1 / 0)
    assert "W002" in ids()


@pytest.mark.parametrize("days", [-400, 0, 1, 59])
def test_w003_model_retires(days: int) -> None:
    today = timezone.now().date()
    make(retires_on=today + timedelta(days=days), successor="m2")
    assert "W003" in ids()
    Llms.objects.update(retires_on=today + timedelta(days=61))
    assert "W003" not in ids()


@pytest.mark.parametrize("field", ["cost_per_1k_input", "cost_per_1k_output"])
@pytest.mark.parametrize("price", [None, 0])
def test_w004_price_missing(field: str, price: int | None) -> None:
    make(**{field: price})
    assert "W004" in ids()
    Llms.objects.update(**{field: 1})
    assert "W004" not in ids()


def test_w004_not_for_what_sends_no_bill() -> None:
    make("free", provider="ollama", cost_per_1k_input=0), make("home", tier="local", cost_per_1k_input=0)
    assert ids() == set()


def test_w005_price_old() -> None:
    row = make(price_checked_on=timezone.now().date() - timedelta(days=91))
    assert "W005" in ids()
    with ours(PRICE_AGE_DAYS=100):
        assert "W005" not in ids()
    row.price_checked_on = timezone.now().date()
    row.save()
    assert "W005" not in ids()


def test_w006_triggers_missing() -> None:
    triggers.remove(connection)
    assert "W006" in ids()
    triggers.install(connection)
    assert "W006" not in ids()


def test_w007_private_endpoint() -> None:
    make(api_endpoint="http://10.0.0.1:8000/v1")
    assert "W007" in ids()
    with ours(ENDPOINT_ALLOW=["10.0.0.0/8"]):
        assert "W007" not in ids()


def test_w008_unknown_provider() -> None:
    make(provider="opneai")
    (told,) = [each for each in checks.run_checks(databases=["default"]) if each.id == "creative_services.W008"]
    assert "'openai'" in str(told.hint)
    Llms.objects.filter(provider="opneai").update(provider="openai")
    assert "W008" not in ids()


def test_w010_persistent_connections_under_asgi(settings: Any) -> None:
    # Changed in place: Django warns of replacing DATABASES, because its connections are made only once.
    age = settings.DATABASES["default"].get("CONN_MAX_AGE", 0)
    with override_settings(ASGI_APPLICATION="x.asgi.application"):
        assert "W010" not in ids()
        settings.DATABASES["default"]["CONN_MAX_AGE"] = 60
        assert "W010" in ids()
    assert "W010" not in ids()
    settings.DATABASES["default"]["CONN_MAX_AGE"] = age


@pytest.mark.parametrize(
    ("check", "dangerous", "harmless"),
    [
        ("S002", {"ENDPOINT_ALLOW": ["0.0.0.0/0"]}, {"ENDPOINT_ALLOW": ["10.1.0.0/16", "llm.internal"]}),
        ("S002", {"ENDPOINT_ALLOW": ["fd00::/8"]}, {"ENDPOINT_ALLOW": ["fd12:3456::/32"]}),
        ("S004", {"ENV_ALLOW": ["*"]}, {"ENV_ALLOW": ["OPENAI_API_KEY", "LLM_KEY_*"]}),
        ("S004", {"ENV_ALLOW": ["*_API_KEY"]}, {"ENV_ALLOW": []}),
        ("S006", {"FILE_ALLOW": ["/"]}, {"FILE_ALLOW": ["/run/secrets"]}),
        ("S006", {"FILE_ALLOW": ["/etc"]}, {"FILE_ALLOW": ["/etc/llm/keys"]}),
    ],
)
def test_dangers_in_production(check: str, dangerous: dict[str, Any], harmless: dict[str, Any]) -> None:
    with ours(**dangerous):
        assert check in ids(deploy=True)
        assert check not in ids()
    with ours(**harmless):
        assert check not in ids(deploy=True)


def test_s005_key_too_old() -> None:
    make(api_key=PLAIN)
    Llms.objects.exclude(api_key="").update(api_key_changed_at=timezone.now() - timedelta(days=366))
    assert "S005" in ids(deploy=True)
    assert "S005" not in ids()
    with ours(KEY_AGE_DAYS=400):
        assert "S005" not in ids(deploy=True)


def test_before_the_tables_are_there_nothing_is_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    Llms.objects.all().delete()
    monkeypatch.setattr(connection.introspection, "table_names", lambda *_: [])
    assert ids() == set()


def test_a_table_of_an_older_version_does_not_stop_migrate(monkeypatch: pytest.MonkeyPatch) -> None:
    from django.db import OperationalError

    from django_app.llms.checks import rows

    def older(*_: Any) -> Any:
        raise OperationalError("no such column")

    manager = Llms._base_manager
    monkeypatch.setattr(type(manager), "using", older)
    assert list(rows.active_rows(["default"])) == []


def test_every_check_is_named_in_one_place(request: pytest.FixtureRequest) -> None:
    """The tests above are the list: each id that the code can give has one."""
    import re
    from pathlib import Path

    import django_app.llms.checks as package

    code = "".join(path.read_text() for path in Path(package.__file__).parent.glob("*.py"))
    given = set(re.findall(r'\{ID\}\.([EWS]\d{3})"', code))
    tested = set(re.findall(r'"([EWS]\d{3})"', Path(__file__).read_text()))
    assert given == tested
