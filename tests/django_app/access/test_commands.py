"""``manage.py access``: each subcommand, for people and for programs."""

import json
from datetime import timedelta
from decimal import Decimal
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.utils import timezone

from django_app.access import issuing, key_text
from django_app.access.models import AccessKey
from django_app.llms.models import AuditEvent

pytestmark = pytest.mark.django_db


def run(*words: str) -> tuple[str, str]:
    out, err = StringIO(), StringIO()
    call_command("access", *words, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def answer(*words: str) -> Any:
    return json.loads(run(*words, "--json")[0])


def make(owner: str = "shop", **fields: Any) -> AccessKey:
    return issuing.issue("default", owner=owner, **fields).row


def test_the_key_alone_is_on_standard_output() -> None:
    out, err = run("create", "shop")
    key = out.strip()
    row = AccessKey.objects.get()
    assert key_text.is_key(key)
    assert row.digest == key_text.digest_of(issuing.Secret(key))
    assert "only time" in err
    assert key not in err


def test_everything_can_be_said() -> None:
    User.objects.create_user("ben")
    found = answer(
        "create", "shop", "--user", "ben", "--note", "blue", "--tier", "economy", "--tier", "local",
        "--scope", "chat", "--scope", "models",
        "--requests-per-minute", "60", "--tokens-per-minute", "90000", "--budget-per-day", "2.5",
        "--budget-per-month", "40", "--expires", "30d",
    )  # fmt: skip
    row = AccessKey.objects.get()
    assert key_text.is_key(found["secret"])
    assert (found["tiers"], found["scopes"]) == (["economy", "local"], ["chat", "models"])
    assert (row.scopes, answer("list")[0]["scopes"]) == (["chat", "models"], ["chat", "models"])
    assert "  chat+models  " in run("list")[0]
    assert (row.user.username, row.note, row.tiers) == ("ben", "blue", ["economy", "local"])  # type: ignore[union-attr]  # there is one
    assert (row.requests_per_minute, row.tokens_per_minute, row.budget_per_day) == (60, 90_000, Decimal("2.5"))
    assert row.expires_at is not None
    assert abs(row.expires_at - timezone.now() - timedelta(days=30)) < timedelta(minutes=5)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--user", "nobody"), "no user nobody"),
        (("--expires", "soon"), "cannot be read"),
        (("--expires", "2020-01-01"), "is over already"),
        (("--expires", "99999999999999d"), "cannot be read"),
        (("--requests-per-minute", "0"), "greater than or equal to 1"),
        (("--budget-per-day", "much"), "must be a decimal number"),
        (("--tier", "gold"), "invalid choice"),
        (("--scope", "all"), "invalid choice"),
    ],
)
def test_what_is_refused_makes_nothing(words: tuple[str, ...], told: str) -> None:
    with pytest.raises(CommandError, match=told):
        run("create", "shop", *words)
    assert not AccessKey.objects.exists()


def test_the_list_shows_what_works_and_never_a_digest() -> None:
    row, gone = make(budget_per_day=Decimal(5)), make("gone")
    issuing.revoke([gone], using="default")
    text = run("list")[0]
    assert row.key_id in text
    assert "0.00/5.00" in text
    assert gone.key_id not in text
    assert gone.key_id in run("list", "--all")[0]
    assert [key["key"] for key in answer("list")] == [row.key_id]
    assert row.digest not in run("list", "--all", "--json")[0]
    assert "spent_this_month" in answer("list")[0]


def test_an_empty_list_says_what_to_do() -> None:
    assert "manage.py access create OWNER" in run("list")[0]
    assert answer("list") == []


def test_revoke_by_id_shown_text_or_the_key_itself() -> None:
    rows = [make(f"owner {number}") for number in range(2)]
    issued = issuing.issue("default", owner="pasted")
    names = [rows[0].key_id, rows[1].shown, issued.key.reveal()]
    out, err = run("revoke", *names, "--reason", "cleaning")
    assert out.count("is revoked") == 3
    assert issued.key.reveal() not in out + err
    assert {row.state for row in AccessKey.objects.all()} == {"revoked"}
    assert AuditEvent.objects.latest("id").reason == "revoked: cleaning"
    assert "was revoked before" in run("revoke", rows[0].key_id)[0]


def test_a_rehearsal_does_nothing() -> None:
    row = make()
    assert "would be revoked" in run("revoke", row.key_id, "--dry-run")[0]
    assert "would get a successor" in run("rotate", row.key_id, "--dry-run")[0]
    assert answer("revoke", row.key_id, "--dry-run") == {"dry_run": True, "revoked": [row.key_id]}
    assert [key.state for key in AccessKey.objects.all()] == ["works"]


def test_rotate_prints_the_successor_and_ends_the_old_one() -> None:
    row = make(budget_per_day=Decimal(5))
    found = answer("rotate", row.key_id, "--overlap", "7d")
    row.refresh_from_db()
    assert found["predecessor"] == row.key_id
    assert found["key"] == row.successor.key_id  # type: ignore[union-attr]  # or the test fails
    assert key_text.is_key(found["secret"])
    assert row.expires_at is not None
    assert abs(row.expires_at - timezone.now() - timedelta(days=7)) < timedelta(minutes=5)
    for words in (("rotate", row.key_id), ("rotate", row.key_id, "--dry-run")):
        with pytest.raises(CommandError, match="rotated already"):
            run(*words)


def test_an_unknown_key_is_named_only_by_its_public_part() -> None:
    stranger = key_text.new_key("zzzzzzz9").reveal()
    with pytest.raises(CommandError, match="There is no key zzzzzzz9 here") as told:
        run("revoke", stranger)
    assert stranger not in str(told.value)
