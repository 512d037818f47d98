"""Budgets in the database: never passed, whatever happens at once."""

import asyncio
from collections.abc import Callable
from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError

from creative_services import DictRegistry, DynamicLLMClient, LLMEntry
from creative_services.core.errors import BudgetExceededError
from creative_services.testing.scripted import ScriptedProvider
from django_app.llms.models import BudgetAccount, BudgetLimit
from django_app.llms.usage import DjangoBudgets
from tests.django_app.projects import Project

SPENDER = """
import asyncio, os, threading
from decimal import Decimal
from django_app.llms.usage import DjangoBudgets

PRICE, LIMIT = Decimal("0.0000000001"), Decimal("0.0000000100")

async def spend(budgets):
    done = 0
    for _ in range(30):
        if await budgets.reserve("tier:economy:2026-11-21", PRICE, LIMIT) is None:
            await budgets.settle("tier:economy:2026-11-21", PRICE, PRICE)
            done += 1
    return done

async def main():
    return sum(await asyncio.gather(*(spend(DjangoBudgets()) for _ in range(4))))

hear()
results = []
threads = [threading.Thread(target=lambda: results.append(asyncio.run(main()))) for _ in range(2)]
for thread in threads: thread.start()
for thread in threads: thread.join()
say(sum(results))
"""


def test_processes_and_threads_spend_the_limit_and_not_a_grain_more(
    new_project: Callable[..., Project], database_url: str
) -> None:
    project = new_project(database_url)
    spenders = [project.start(SPENDER) for _ in range(3)]
    for spender in spenders:
        spender.tell("go")
    # 3 processes, 2 threads each, 4 tasks each, 30 tries each: 720 tries for 100 places.
    assert sum(spender.hears()[0] for spender in spenders) == 100
    (spent,) = project.run(
        "from django_app.llms.models import BudgetAccount; say(BudgetAccount.objects.get().spent_units)"
    )
    assert spent == [100]


@pytest.mark.django_db
def test_what_is_left_is_told_and_a_settlement_gives_back() -> None:
    budgets = DjangoBudgets()
    assert budgets.reserve_now("a", Decimal("0.7"), Decimal(1)) is None
    assert budgets.reserve_now("a", Decimal("0.7"), Decimal(1)) == Decimal("0.3")
    budgets.settle_now("a", Decimal("0.7"), Decimal("0.1"))
    assert budgets.spent("a") == Decimal("0.1")
    assert budgets.reserve_now("a", Decimal("0.9"), Decimal(1)) is None
    assert BudgetAccount.objects.get().spent == 1


@pytest.mark.django_db(transaction=True)
def test_a_limit_from_the_admin_is_kept_without_a_word_in_the_code() -> None:
    BudgetLimit.objects.create(scope="user", whom="bob", limit=0)
    BudgetLimit.objects.create(scope="tier", whom="premium", limit=0)
    BudgetLimit.objects.create(scope="client", limit=0, is_active=False)
    entry = LLMEntry(
        id=1, name="E", provider="fake", model="m", tier="economy", cost_per_1k_input=1, cost_per_1k_output=1
    )

    async def ask(user: str) -> str:
        client = DynamicLLMClient(
            DictRegistry([entry]), providers={"fake": ScriptedProvider("answer")}, budget_store=DjangoBudgets()
        )
        async with client:
            return str(await client.generate("hello", tier="economy", user_id=user))

    assert asyncio.run(ask("ann")) == "answer"
    with pytest.raises(BudgetExceededError, match="USD per day and user bob"):
        asyncio.run(ask("bob"))


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"scope": "client", "whom": "bob"}, "Leave this empty"),
        ({"scope": "tier", "whom": "gold"}, "Tiers: economy"),
        ({"scope": "tier", "limit": -1}, "greater than or equal to 0"),
    ],
)
@pytest.mark.django_db
def test_a_budget_that_means_nothing_is_refused(fields: dict[str, object], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        BudgetLimit(**{"limit": 1, **fields}).full_clean()
