"""What a key is: its text, what the database holds about it, and what follows its edits."""

import re
from datetime import timedelta
from decimal import Decimal
from itertools import permutations
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.db.models import JSONField, Value
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from creative_services.core.access import KeyScope
from creative_services.core.errors import ConfigurationError
from creative_services.core.ledger import Batch, LedgerRecord
from creative_services.core.secrets import Secret, redact
from creative_services.server.access.keys import SHORTEST_KEY
from django_app.access import issuing, key_text, spending
from django_app.access.models import AccessKey, KeyRevision, KeyUse
from django_app.llms.models import AuditEvent
from django_app.llms.usage.gateway import GatewayUsage
from django_app.llms.usage.totals import roll_up


def make(owner: str = "shop", **fields: Any) -> AccessKey:
    return issuing.issue("default", owner=owner, **fields).row


class TestText:
    def test_two_thousand_keys_and_each_its_own(self) -> None:
        keys = [key_text.new_key(key_text.new_id()).reveal() for _ in range(2000)]
        assert len(set(keys)) == len(keys)
        assert all(key_text.is_key(key) and len(key) > SHORTEST_KEY and key.isascii() for key in keys)

    def test_errors_and_logs_are_cleaned_of_it(self) -> None:
        for _ in range(2000):
            key = key_text.new_key(key_text.new_id()).reveal()
            assert redact(f"refused: {key}!") == "refused: ****!"

    @given(place=st.integers(0, 49), letter=st.sampled_from("0aZ-~"))
    def test_no_other_text_passes_for_one(self, place: int, letter: str) -> None:
        """A scanner that checks the sum reports no accident."""
        key = key_text.new_key("abcdefg7").reveal()
        changed = key[:place] + letter + key[place + 1 :]
        assert key_text.is_key(changed) is (changed == key)

    def test_only_its_first_part_is_public(self) -> None:
        issued = key_text.new_key("abcdefg7")
        assert key_text.shown("abcdefg7") == "cs-abcdefg7-…"
        assert issued.reveal().startswith("cs-abcdefg7-")
        assert "abcdefg7" not in repr(issued)


@pytest.mark.django_db
class TestTable:
    @pytest.mark.parametrize(
        "wrong",
        [
            {"requests_per_minute": 0}, {"tokens_per_minute": 0}, {"budget_per_day": -1}, {"budget_per_month": -1},
            {"digest": "cs-abcdefg7-" + "a" * 38}, {"revoked_at": timezone.now(), "is_active": True},
            {"scopes": ["admin"]}, {"scopes": ["chat", "admin"]}, {"scopes": "chat"}, {"scopes": ["chat", None]},
            {"scopes": Value(None, JSONField())}, {"scopes": {}}, {"scopes": [["chat"]]},
        ],
    )  # fmt: skip
    def test_what_the_database_refuses(self, wrong: dict[str, Any]) -> None:
        row = make()
        with pytest.raises(IntegrityError), transaction.atomic():
            AccessKey.objects.filter(pk=row.pk).update(**wrong)

    def test_any_choice_of_scopes_can_be_stored(self) -> None:
        for size in range(len(KeyScope) + 1):
            for chosen in permutations([scope.value for scope in KeyScope], size):
                row = make(scopes=list(chosen))
                row.refresh_from_db()
                assert row.scopes == list(chosen)

    def test_two_rows_have_neither_id_nor_digest_in_common(self) -> None:
        row = make()
        for twin in ({"key_id": row.key_id, "digest": "0" * 64}, {"digest": row.digest}):
            with pytest.raises(IntegrityError), transaction.atomic():
                AccessKey.objects.create(owner="twin", **twin)

    @pytest.mark.parametrize(
        "wrong",
        [{"tiers": ["gold"]}, {"tiers": "local"}, {"scopes": ["all"]}, {"requests_per_minute": 0}, {"owner": ""}],
    )
    def test_what_is_refused_with_a_sentence(self, wrong: dict[str, Any]) -> None:
        with pytest.raises(ConfigurationError):
            make(**{"owner": "shop", **wrong})
        assert not AccessKey.objects.exists()

    def test_every_way_of_editing_changes_the_revision(self) -> None:
        row, seen = make(), set()

        def raw() -> None:
            with connection.cursor() as cursor:
                cursor.execute("UPDATE creative_services_access_key SET note = 'raw'")

        for edit in (
            lambda: None, row.save, lambda: AccessKey.objects.update(note="x"), raw,
            lambda: AccessKey.objects.bulk_update([row], ["note"]), lambda: make("another"),
            lambda: AccessKey.objects.bulk_create([AccessKey(owner="bulk", digest="1" * 64)]), row.delete,
        ):  # fmt: skip
            edit()
            seen.add(KeyRevision.objects.get().token)
        assert len(seen) == 8

    def test_a_bulk_created_key_has_an_account(self) -> None:
        (row,) = AccessKey.objects.bulk_create([AccessKey(owner="bulk", digest="1" * 64)])
        assert row.account == row.key_id

    def test_a_user_who_is_deleted_leaves_the_key(self) -> None:
        user = User.objects.create_user("ben")
        row = make(user=user)
        user.delete()
        row.refresh_from_db()
        assert (row.user, row.state) == (None, "works")


@pytest.mark.django_db
class TestEnding:
    def test_a_key_has_one_successor(self) -> None:
        row = make()
        new = issuing.rotate(row.pk, timedelta(hours=1), using="default").row
        with pytest.raises(ConfigurationError, match=f"successor {new.key_id} instead"):
            issuing.rotate(row.pk, timedelta(hours=1), using="default")

    @pytest.mark.parametrize("ended", [{"is_active": False}, {"expires_at": timezone.now()}])
    def test_an_ended_key_has_none(self, ended: dict[str, Any]) -> None:
        row = make()
        AccessKey.objects.update(**ended)
        with pytest.raises(ConfigurationError, match="does not work any more"):
            issuing.rotate(row.pk, timedelta(hours=1), using="default")

    def test_a_key_of_thirty_days_has_a_successor_of_thirty(self) -> None:
        row = make(expires_at=timezone.now() + timedelta(days=30))
        AccessKey.objects.update(
            created_at=row.created_at - timedelta(days=25), expires_at=timezone.now() + timedelta(days=5)
        )
        new = issuing.rotate(row.pk, timedelta(hours=1), using="default").row
        assert new.expires_at is not None
        assert abs(new.expires_at - timezone.now() - timedelta(days=30)) < timedelta(minutes=5)

    def test_revoking_twice_changes_nothing(self) -> None:
        row = make()
        (ended,) = issuing.revoke([row], using="default", reason="lost")
        assert issuing.revoke([row], using="default") == []
        assert AccessKey.objects.get().revoked_at == ended.revoked_at
        assert AuditEvent.objects.latest("id").reason == "revoked: lost"

    def test_limits_go_to_every_living_key_of_the_account_and_to_no_other(self) -> None:
        old, other = make(), make("other")
        new = issuing.rotate(old.pk, timedelta(days=1), using="default").row
        new.requests_per_minute = 5
        new.save()
        limits = dict(AccessKey.objects.values_list("pk", "requests_per_minute"))
        assert limits == {old.pk: 5, new.pk: 5, other.pk: None}

    def test_the_history_has_neither_key_nor_digest(self) -> None:
        issued = issuing.issue("default", owner="shop")
        issued.row.note = "pasted by mistake: " + issued.key.reveal()
        issued.row.save()
        text = str(list(AuditEvent.objects.values()))
        assert issued.row.key_id in text
        assert issued.row.digest not in text
        assert issued.key.reveal() not in text


@pytest.mark.django_db
class TestUse:
    def test_a_batch_of_calls_says_when_keys_were_last_used(self, django_assert_num_queries: Any) -> None:
        rows = [make(f"owner {number}") for number in range(5)]
        now = timezone.now()
        made = [_record(n, key=row, at=now - timedelta(minutes=n)) for n, row in enumerate(rows)]
        late = [_record(9, key=rows[0], at=now - timedelta(days=1)), _record(10, key=None, at=now)]
        revision = KeyRevision.objects.get().token
        sink = GatewayUsage()
        sink.store(Batch(spool="s", first=1, last=5, records=made))
        sink.store(Batch(spool="s", first=6, last=7, records=late))
        assert dict(KeyUse.objects.values_list("key_id", "at")) == {
            row.pk: now - timedelta(minutes=number) for number, row in enumerate(rows)
        }
        assert KeyRevision.objects.get().token == revision, "no call wakes a gateway"

    def test_spending_is_summed_by_account(self, django_assert_num_queries: Any) -> None:
        old = make()
        new = issuing.rotate(old.pk, timedelta(days=1), using="default").row
        records = [_record(1, key=old, at=timezone.now()), _record(2, key=new, at=timezone.now())]
        GatewayUsage().store(Batch(spool="s", first=1, last=2, records=records))
        roll_up("default")
        with django_assert_num_queries(2):
            spent = spending.spent_by([old.account, "unknown"], "default")
        assert spent == {old.account: spending.Spent(day=Decimal("0.5"), month=Decimal("0.5"))}
        assert spending.calls_of([old.key_id, new.key_id], "default") == {old.key_id: 1, new.key_id: 1}


def _record(number: int, *, key: AccessKey | None, at: Any) -> LedgerRecord:
    return LedgerRecord(
        request_id=f"r{number}", at=at, surface="chat", status=200, key_id=key.key_id if key else "environment",
        owner="shop", asked="economy", tier="economy", llm_id=1, provider="offline", model="m", cost=Decimal("0.25"),
        seconds=0.1, attempts=1,
    )  # fmt: skip


def test_a_digest_is_the_gateways_own() -> None:
    from creative_services.server.access.keys import digest_of

    assert key_text.digest_of(Secret("text")) == digest_of("text").hex()


def test_a_published_pattern_finds_every_key() -> None:
    assert re.search(r"cs-[a-z]{7}[0-9]-[0-9A-Za-z]{38}", f"key={key_text.new_key(key_text.new_id()).reveal()};")


def test_tiers_are_checked_by_name() -> None:
    from django_app.access.models.rules import only_tiers

    only_tiers(["economy", "local"])
    with pytest.raises(ValidationError, match="economy, standard, premium, local"):
        only_tiers(["gold"])


def test_scopes_are_checked_by_name() -> None:
    from django_app.access.models.rules import only_scopes

    only_scopes(["embeddings", "chat"])
    for wrong in (["all"], "chat", None):
        with pytest.raises(ValidationError, match="chat, embeddings, models"):
            only_scopes(wrong)
