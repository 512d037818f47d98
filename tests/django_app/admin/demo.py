"""A small company's month: entries, calls, budgets, workers and changes, the same at every run."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from django.utils import timezone

from django_app.llms.audit import acting
from django_app.llms.models import BudgetAccount, BudgetLimit, Llms, Revision, Trial, Usage, UsageNews, Worker
from django_app.llms.models.budgets import units
from django_app.llms.usage.totals import roll_up

ENTRIES = (
    # tier, name, provider, model, in, out, abilities
    ("economy", "GPT-5 nano", "openai", "gpt-5-nano", ".00005", ".0004", ["chat", "tools", "json"]),
    ("economy", "Claude Haiku 4.5", "anthropic", "claude-haiku-4-5", ".001", ".005", ["chat", "tools", "vision"]),
    ("economy", "Llama 3.3 70B", "groq", "llama-3.3-70b-versatile", ".00059", ".00079", ["chat", "tools"]),
    ("standard", "GPT-5 mini", "openai", "gpt-5-mini", ".00025", ".002", ["chat", "tools", "json", "vision"]),
    ("standard", "Mistral Medium", "mistral", "mistral-medium-latest", ".0004", ".002", ["chat", "tools"]),
    ("premium", "GPT-5", "openai", "gpt-5", ".00125", ".01", ["chat", "tools", "json", "vision"]),
    ("premium", "Claude Opus 4.1", "anthropic", "claude-opus-4-1", ".015", ".075", ["chat", "tools", "vision"]),
    ("local", "Llama 3.2 on our machine", "offline", "llama3.2", "0", "0", ["chat"]),
)
USERS = ("ann", "ben", "chatbot", "nightly-report")
CALLS = {"economy": 14, "standard": 9, "premium": 3, "local": 5}


def seed(user: Any, *, days: int = 30, now: datetime | None = None) -> list[Llms]:
    """Fill the tables."""
    now = now or timezone.now()
    with acting(user):
        rows = [_entry(number, *each) for number, each in enumerate(ENTRIES)]
        rows[1].cost_per_1k_input = Decimal(".0008")
        rows[1].save()
        rows[6].retires_on = date.today() + timedelta(days=31)
        rows[6].successor = "claude-opus-4-5"
        rows[6].save()
    _calls(rows, now, days)
    _budgets(now)
    _operations(rows, now)
    return rows


def _entry(number: int, *written: Any) -> Llms:
    tier, name, provider, model, cost_in, cost_out, abilities = written
    return Llms.objects.create(
        tier=tier, name=name, provider=provider, model_name=model, cost_per_1k_input=Decimal(cost_in),
        cost_per_1k_output=Decimal(cost_out), capabilities=abilities, context_window=128_000, is_active=number != 4,
        api_key=f"sk-demo-{number:02}-not-a-real-key-{1200 + number}" if provider != "offline" else "",
        price_checked_on=date.today(),
    )  # fmt: skip


def _calls(rows: list[Llms], now: datetime, days: int) -> None:
    chance = Random(7)
    made: list[Usage] = []
    for hours in range(days * 24):
        at = now - timedelta(hours=hours, minutes=5)
        busy = 0.25 + 0.75 * (8 <= at.hour <= 18) * (at.weekday() < 5) + 0.3 * (days * 24 - hours) / (days * 24)
        for row in rows:
            if row.is_active and chance.random() < 0.9:
                made.extend(_call(row, at, chance) for _ in range(round(CALLS[row.tier] * busy * chance.random() / 3)))
    Usage.objects.bulk_create(made, batch_size=2000)
    UsageNews.objects.bulk_create(
        [UsageNews(hour=hour) for hour in {each.at.replace(minute=0, second=0, microsecond=0) for each in made}]
    )
    while roll_up("default"):
        pass


def _call(row: Llms, at: datetime, chance: Random) -> Usage:
    good = chance.random() < 0.985
    tokens_in, tokens_out = int(chance.gammavariate(2, 900)), int(chance.gammavariate(2, 220))
    cost = (tokens_in * (row.cost_per_1k_input or 0) + tokens_out * (row.cost_per_1k_output or 0)) / 1000
    return Usage(
        call_id=f"{chance.getrandbits(64):016x}", at=at - timedelta(seconds=chance.random() * 3000), asked=row.tier,
        tier=row.tier, llm_id=row.pk, entry=row.name, provider=row.provider, model=row.model_name,
        user=chance.choice(USERS), outcome="ok" if good else chance.choice(["RateLimitedError", "TimedOutError"]),
        status=None if good else 429, seconds=chance.gammavariate(3, 0.35), input_tokens=tokens_in if good else 0,
        output_tokens=tokens_out if good else 0, cost=cost * 40 if good else None,
        price_input=row.cost_per_1k_input, price_output=row.cost_per_1k_output,
    )  # fmt: skip


def _budgets(now: datetime) -> None:
    for scope, whom, limit, spent in (
        ("tier", "premium", "25", "17.40"), ("tier", "economy", "10", "3.10"), ("client", "", "60", "22.75"),
        ("user", "nightly-report", "5", "4.62"), ("user", "", "2", None),
    ):  # fmt: skip
        made = BudgetLimit.objects.create(scope=scope, whom=whom, limit=Decimal(limit))
        if spent:
            account = made.as_budget().account(tier=whom, user=whom, at=now)
            BudgetAccount.objects.create(account=account, spent_units=units(Decimal(spent)))


def _operations(rows: list[Llms], now: datetime) -> None:
    for row in rows:
        bad = row.provider == "mistral"
        Trial.objects.create(
            llm_id=row.pk, state="invalid" if bad else "ok", detail="401" if bad else "",
            tested_at=now - timedelta(hours=3 + row.pk % 40),
        )  # fmt: skip
    revision = Revision.objects.get()
    for number in range(4):
        Worker.objects.create(
            name=f"web-{number % 2 + 1} {4100 + number * 7}", revision=revision.number - (number == 3),
            token=revision.token if number != 3 else 0, stale_for=0.2 + number / 10, waiting=number % 2,
            started_at=now - timedelta(hours=9), seen_at=now,
        )  # fmt: skip
