"""In a project's own tests: rows of a TestCase are seen at once, forgotten at its end, and can be overridden."""

from collections.abc import Callable
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.db import connection, transaction
from django.test import SimpleTestCase, TestCase, TransactionTestCase

from creative_services import LLMEntry, LLMTier
from creative_services.adapters import DjangoLLMRegistry
from django_app.llms.models import Llms
from django_app.llms.pytest_plugin import override_llms as override_llms_fixture
from django_app.llms.testing import override_llms

REGISTRY = DjangoLLMRegistry()  # made at import, as projects do
FAKE = LLMEntry(id=1, name="fake", provider="offline", model="echo", tier="premium")


def make(name: str, price: Any = 1) -> Llms:
    return Llms.objects.create(
        name=name, provider="ollama", model_name="m", tier="standard", cost_per_1k_input=price, cost_per_1k_output=1
    )


def winner(tier: LLMTier = LLMTier.STANDARD) -> str | None:
    found = REGISTRY.get_by_tier(tier)
    return found.name if found else None


class TestRowsOfATestCase(TestCase):
    @classmethod
    def setUpTestData(cls) -> None:
        make("of the class", 5)

    def test_a_row_is_seen_without_a_commit(self) -> None:
        assert winner() == "of the class"
        make("of the test", 1)
        assert winner() == "of the test"

    def test_the_rows_of_other_tests_are_gone(self) -> None:
        assert winner() == "of the class"

    def test_looking_up_asks_no_query(self) -> None:
        winner()
        with self.assertNumQueries(0):
            winner()
            REGISTRY.list_active()

    def test_an_inner_block_is_seen_too(self) -> None:
        with transaction.atomic():
            make("inner", 1)
        assert winner() == "inner"

    def test_bulk_and_delete_are_seen(self) -> None:
        Llms.objects.update(name="renamed")
        assert winner() == "renamed"
        Llms.objects.all().delete()
        assert winner() is None

    def test_sql_is_seen_after_a_reload(self) -> None:
        winner()
        with connection.cursor() as cursor:
            cursor.execute("UPDATE creative_services_llms SET name = 'raw'")
        REGISTRY.reload()
        assert winner() == "raw"

    async def test_a_coroutine_sees_them_and_django_does_not_complain(self) -> None:
        assert winner() == "of the class"
        await sync_to_async(make)("of the test", 1)
        assert winner() == "of the test"
        assert (await REGISTRY.aget_by_tier(LLMTier.STANDARD)).name == "of the test"  # type: ignore[union-attr]


class TestAfterIt(TestCase):
    def test_nothing_is_left(self) -> None:
        assert winner() is None


class TestCommittedRows(TransactionTestCase):
    def test_a_commit_is_seen(self) -> None:
        make("committed")
        assert winner() == "committed"
        with transaction.atomic():
            make("cheaper", 0)
            assert winner() == "committed"
        assert winner() == "cheaper"

    def test_a_rollback_is_not(self) -> None:
        make("committed")
        with pytest.raises(ZeroDivisionError), transaction.atomic():
            make("cheaper", 0)
            raise ZeroDivisionError
        assert winner() == "committed"


class TestAfterThat(TransactionTestCase):
    def test_nothing_is_left(self) -> None:
        assert winner() is None


@override_llms(FAKE)
def test_a_decorated_function() -> None:
    assert winner(LLMTier.PREMIUM) == "fake"
    assert DjangoLLMRegistry().list_active() == [FAKE]


@override_llms(FAKE)
async def test_a_decorated_coroutine() -> None:
    assert winner(LLMTier.PREMIUM) == "fake"


@override_llms(FAKE)
class TestADecoratedClass(SimpleTestCase):
    def test_its_methods(self) -> None:
        assert winner(LLMTier.PREMIUM) == "fake"

    async def test_its_coroutines(self) -> None:
        assert winner(LLMTier.PREMIUM) == "fake"


def test_blocks_nest_and_end() -> None:
    other = FAKE.using(name="other")
    with override_llms(FAKE):
        with override_llms(other):
            assert winner(LLMTier.PREMIUM) == "other"
        assert winner(LLMTier.PREMIUM) == "fake"
        with override_llms():
            assert winner(LLMTier.PREMIUM) is None


async def test_an_async_block() -> None:
    async with override_llms(FAKE):
        assert winner(LLMTier.PREMIUM) == "fake"


override_llms_in_pytest = pytest.fixture(name="override_llms")(override_llms_fixture.__wrapped__)  # type: ignore[attr-defined]


def test_the_fixture(override_llms: Callable[..., None]) -> None:
    override_llms(FAKE)
    assert winner(LLMTier.PREMIUM) == "fake"
    override_llms(FAKE.using(name="second"))
    assert winner(LLMTier.PREMIUM) == "second"


@pytest.mark.django_db
def test_afterwards_the_table_counts_again() -> None:
    make("row")
    with override_llms(FAKE):
        assert winner() is None
        make("written meanwhile", 0)
        assert winner() is None
    assert winner() == "written meanwhile"
