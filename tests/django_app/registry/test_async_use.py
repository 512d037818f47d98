"""On a running event loop, where Django's ORM refuses to work, everything here does."""

from collections.abc import Callable
from decimal import Decimal

import pytest
from django.test import TestCase

from creative_services import DynamicLLMClient, LLMTier
from creative_services.adapters import DjangoLLMRegistry
from creative_services.core.errors import ConfigurationError
from creative_services.testing.scripted import ScriptedProvider
from django_app.llms.models import BudgetAccount, Llms, Usage
from django_app.llms.usage import DjangoBudgets, DjangoUsage
from tests.django_app.projects import Project

ROW = {"name": "one", "provider": "fake", "model_name": "m", "tier": "standard", "cost_per_1k_input": 1}

# Expressions that give the name of the one entry.
DOORS = {
    "get_by_tier": "registry.get_by_tier(LLMTier.STANDARD).name",
    "get_by_id": "registry.get_by_id(1).name",
    "get_by_name": "registry.get_by_name('one').name",
    "list_active": "registry.list_active()[0].name",
    "candidates": "registry.candidates(LLMTier.STANDARD)[0].name",
    "aget_by_tier": "(await registry.aget_by_tier(LLMTier.STANDARD)).name",
    "aget_by_id": "(await registry.aget_by_id(1)).name",
    "alist_active": "(await registry.alist_active())[0].name",
    "aload": "await registry.aload() or 'one'",
    "reload": "registry.reload() or 'one'",
    "before_call": "await registry.before_call(LLMEntry(**ROW, api_endpoint='http://127.0.0.1')) or 'one'",
    "unavailable": "len(registry.unavailable) or 'one'",
    "revision": "registry.revision.number > 0 and 'one'",
    "stale_for": "registry.stale_for and 'one'",
    "a call": "await a_call()",
    "a call for one who cannot wait": "client.generate_sync('hello', tier=LLMTier.STANDARD).llm.name",
    "acheapest": "(await Llms.objects.acheapest('standard')).name",
    "edits": "await edits()",
}

WALK = """
import ast
import asyncio
from decimal import Decimal
from creative_services import DynamicLLMClient, LLMEntry
from creative_services.adapters import django_feed
from creative_services.testing.scripted import ScriptedProvider
from django_app.llms.usage import DjangoBudgets, DjangoUsage

ROW = {"id": 1, "name": "one", "provider": "fake", "model": "m", "tier": "local"}
registry, usage, budgets = DjangoLLMRegistry(), DjangoUsage(), DjangoBudgets()
client = DynamicLLMClient(
    registry, providers={"fake": ScriptedProvider("answer")}, listeners=[usage], budget_store=budgets)

async def a_call():
    answer = await client.generate("hello", tier=LLMTier.STANDARD)
    assert await budgets.reserve("account", Decimal(1), Decimal(2)) is None
    await budgets.settle("account", Decimal(1), Decimal(1))
    assert await usage.aflush(30) and usage.flush(30)
    return answer.llm.name

async def edits():
    row = await Llms.objects.aget()
    row.name = "edited"
    await row.asave()
    await Llms.objects.aupdate(name="one")
    return registry.get_by_tier(LLMTier.STANDARD).name

Llms.objects.create(pk=1, name="one", provider="fake", model_name="m", tier="standard", cost_per_1k_input=1)
while True:
    name, door = hear()
    django_feed.forget_all()  # the door is the first to ask
    async def walk():
        found = eval(compile(door, name, "eval", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT))
        say(name, await found if asyncio.iscoroutine(found) else found)
    asyncio.run(walk())
"""


def test_every_door_is_open_on_an_event_loop(new_project: Callable[..., Project], database_url: str) -> None:
    child = new_project(database_url).start(WALK)
    for name, door in DOORS.items():
        child.tell(name, door)
        assert child.hears() == [name, "one"]


class TestInTests(TestCase):
    """Where only the test's own connection sees its rows."""

    async def test_a_call_is_stored_within_the_transaction(self) -> None:
        await Llms.objects.acreate(**ROW)
        usage, budgets = DjangoUsage(), DjangoBudgets()
        providers = {"fake": ScriptedProvider("answer")}
        async with DynamicLLMClient(
            DjangoLLMRegistry(), providers=providers, listeners=[usage], budget_store=budgets
        ) as client:
            answer = await client.generate("hello", tier=LLMTier.STANDARD)
        assert answer.llm.name == "one"
        assert await usage.aflush()
        assert await Usage.objects.acount() == 1

    async def test_what_cannot_be_done_here_says_what_can(self) -> None:
        usage = DjangoUsage()
        with pytest.raises(ConfigurationError, match=r"await .*aflush"):
            usage.flush()

    async def test_a_budget_is_kept_within_the_transaction(self) -> None:
        budgets = DjangoBudgets()
        assert await budgets.reserve("account", Decimal(1), Decimal(1)) is None
        assert await budgets.reserve("account", Decimal(1), Decimal(1)) == 0
        assert await BudgetAccount.objects.acount() == 1

    async def test_and_forgotten_with_the_test(self) -> None:
        assert await BudgetAccount.objects.acount() == 0
