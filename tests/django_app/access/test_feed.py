"""The keys as a gateway sees them: one query a look, two when something changed, none of them on its loop."""

import threading
from collections.abc import Hashable, Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.db import OperationalError, connection
from django.test import override_settings
from django.test.utils import CaptureQueriesContext

from creative_services.adapters import DjangoKeys, django_keys
from creative_services.core.access import KeyFeed, KeyRecord, KeyScope, KeySnapshot
from creative_services.core.errors import ConfigurationError, StoreUnreachableError
from creative_services.core.llm_registry import LLMTier
from django_app.access import issuing
from django_app.access.models import AccessKey

pytestmark = pytest.mark.django_db

LIMITS: dict[str, Any] = {
    "tiers": ["economy", "local"], "scopes": ["chat", "models"], "requests_per_minute": 60, "tokens_per_minute": 9000,
    "budget_per_day": Decimal("2.5"), "budget_per_month": Decimal(40),
    "expires_at": datetime(2100, 1, 31, 12, tzinfo=UTC),
}  # fmt: skip


def make(owner: str = "shop", **fields: Any) -> issuing.Issued:
    return issuing.issue("default", owner=owner, **fields)


def fetch(feed: KeyFeed, known: Any = None) -> KeySnapshot | None:
    return async_to_sync(feed.fetch)(known)


def only(snapshot: KeySnapshot | None) -> KeyRecord:
    assert snapshot is not None
    (record,) = snapshot.by_digest.values()
    return record


def test_a_row_is_a_record() -> None:
    issued = make(**LIMITS)
    feed: KeyFeed = DjangoKeys()
    record = only(fetch(feed, None))
    assert record == KeyRecord(
        id=issued.row.key_id, account=issued.row.account, digest=bytes.fromhex(issued.row.digest), owner="shop",
        **{**LIMITS, "tiers": frozenset({LLMTier.ECONOMY, LLMTier.LOCAL}),
           "scopes": frozenset({KeyScope.CHAT, KeyScope.MODELS})},
    )  # fmt: skip


def test_no_limit_is_none() -> None:
    make()
    record = only(fetch(DjangoKeys(), None))
    assert (record.tiers, record.scopes, record.requests_per_minute, record.budget_per_day) == (None,) * 4
    assert record.expires_at is None


def test_a_look_is_one_small_query_and_a_change_one_more() -> None:
    feed = DjangoKeys("default")
    make()
    first = fetch(feed, None)
    assert first is not None
    with CaptureQueriesContext(connection) as quiet:
        assert fetch(feed, first.revision) is None
    assert [query["sql"] for query in quiet] == [
        "SELECT number, token FROM creative_services_access_revision WHERE id = 1"
    ]
    for number in range(30):
        make(f"owner {number}")
    with CaptureQueriesContext(connection) as changed:
        second = fetch(feed, first.revision)
    assert second is not None
    assert (len(second.by_digest), len(changed)) == (31, 2)
    assert second.revision != first.revision


def test_the_database_is_asked_on_another_thread() -> None:
    threads: set[str] = set()

    def note(execute: Any, *args: Any) -> Any:
        threads.add(threading.current_thread().name)
        return execute(*args)

    with connection.execute_wrapper(note):
        fetch(DjangoKeys(), None)
    assert threads
    assert threading.current_thread().name not in threads


def test_a_key_that_did_not_change_stays_the_same_object() -> None:
    """By it limits and desks know that nothing is to be done."""
    feed = DjangoKeys()
    one, two = make("one"), make("two")
    first = fetch(feed, None)
    AccessKey.objects.filter(pk=two.row.pk).update(requests_per_minute=1)
    assert first is not None
    second = fetch(feed, first.revision)
    assert second is not None
    same, changed = (bytes.fromhex(issued.row.digest) for issued in (one, two))
    assert second.by_digest[same] is first.by_digest[same]
    assert second.by_digest[changed] is not first.by_digest[changed]


@pytest.mark.parametrize(
    "ended", [{"is_active": False}, {"is_active": False, "revoked_at": datetime(2026, 1, 1, tzinfo=UTC)}]
)
def test_what_is_off_or_revoked_is_left_out(ended: dict[str, Any]) -> None:
    make()
    AccessKey.objects.update(**ended)
    snapshot = fetch(DjangoKeys(), None)
    assert snapshot is not None
    assert snapshot.by_digest == {}


def test_an_expired_key_is_there_to_be_told_so() -> None:
    make(expires_at=datetime.now(UTC) + timedelta(hours=1))
    AccessKey.objects.update(expires_at=datetime(2020, 1, 1, tzinfo=UTC))
    assert only(fetch(DjangoKeys(), None)).expired(datetime.now(UTC))


def test_one_damaged_row_hides_no_other(caplog: pytest.LogCaptureFixture) -> None:
    damaged, sound = make("damaged"), make("sound")
    AccessKey.objects.filter(pk=damaged.row.pk).update(tiers=["gold"])
    assert only(fetch(DjangoKeys(), None)).id == sound.row.key_id
    assert f"The key {damaged.row.key_id} is refused until its row is repaired" in caplog.text


def test_old_and_new_key_share_the_account() -> None:
    issued = make()
    issuing.rotate(issued.row.pk, timedelta(hours=1), using="default")
    snapshot = fetch(DjangoKeys(), None)
    assert snapshot is not None
    assert {record.account for record in snapshot.by_digest.values()} == {issued.row.key_id}
    assert len({record.id for record in snapshot.by_digest.values()}) == 2


def test_without_the_app_it_says_what_to_install() -> None:
    from django.conf import settings

    apps = [app for app in settings.INSTALLED_APPS if app != "django_app.access"]
    with (
        override_settings(INSTALLED_APPS=apps),
        pytest.raises(ConfigurationError, match=r"'django_app\.access' to INST"),
    ):
        fetch(DjangoKeys(), None)


class Silent:
    """A source whose database took the question and says nothing."""

    def __init__(self) -> None:
        self.back = threading.Event()

    def revision(self) -> Hashable:
        self.back.wait(30)
        return 1

    def records(self) -> Iterable[KeyRecord]:
        return ()


def test_a_database_that_says_nothing_is_taken_for_one_that_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    silent = Silent()
    monkeypatch.setattr(django_keys, "source_of", lambda _: silent)
    monkeypatch.setattr(django_keys, "ANSWER_SECONDS", 0.05)
    feed = DjangoKeys()

    async def look() -> None:
        try:
            with pytest.raises(StoreUnreachableError, match="'default' gave no answer"):
                await feed.fetch(None)
        finally:
            silent.back.set()

    async_to_sync(look)()


def test_before_the_first_migration_it_says_what_to_run(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(_: Any) -> Any:
        raise OperationalError("no such table")

    monkeypatch.setattr("django_app.access.source.AccessKeySource.revision", missing)
    with pytest.raises(StoreUnreachableError, match=r"no such table\..*manage\.py migrate"):
        fetch(DjangoKeys())
