"""Every call becomes rows: each try with its price, a call that never reached an entry too, and never a prompt."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from creative_services import DictRegistry, DynamicLLMClient, LLMEntry
from creative_services.core.errors import AuthenticationError, NoEntryError, OverloadedError
from creative_services.core.events import Answered, Call
from creative_services.testing.scripted import ScriptedProvider, fails
from django_app.llms.models import Usage, UsageTotal
from django_app.llms.usage import DjangoUsage
from django_app.llms.usage.rows import decode, encode, rows_of

pytestmark = pytest.mark.django_db


def entry(number: int, **more: object) -> LLMEntry:
    fields: dict[str, object] = {
        "id": number, "name": f"Entry {number}", "provider": "fake", "model": f"m{number}", "tier": "economy",
        "cost_per_1k_input": number, "cost_per_1k_output": number * 2, **more,
    }  # fmt: skip
    return LLMEntry(**fields)  # type: ignore[arg-type]  # as the fields above


def client_of(provider: ScriptedProvider, *entries: LLMEntry) -> tuple[DynamicLLMClient, DjangoUsage]:
    usage = DjangoUsage()
    return DynamicLLMClient(DictRegistry(entries), providers={"fake": provider}, listeners=[usage]), usage


def test_an_answer_is_a_row_with_tokens_cost_and_the_prices_of_the_moment() -> None:
    client, usage = client_of(ScriptedProvider("four score"), entry(1))
    answer = client.generate_sync("a secret question", tier="economy", user_id="ann", metadata={"job": "\x00 7"})
    client.close()
    usage.flush()
    row = Usage.objects.get()
    assert (row.tier, row.llm_id, row.entry, row.asked, row.user, row.outcome) == (
        "economy", 1, "Entry 1", "economy", "ann", "ok",
    )  # fmt: skip
    assert answer.usage is not None
    assert (row.input_tokens, row.output_tokens) == (answer.usage.input_tokens, answer.usage.output_tokens)
    assert (row.cost, row.price_input, row.price_output) == (answer.cost, Decimal(1), Decimal(2))
    assert (row.attempt, row.is_final, row.metadata) == (1, True, {"job": " 7"})
    assert "secret" not in str(row.__dict__)


def test_each_try_of_a_call_is_a_row_and_only_the_last_ends_the_call() -> None:
    client, usage = client_of(ScriptedProvider(fails(OverloadedError, status=503), "answer"), entry(1), entry(2))
    client.generate_sync("hello", tier="economy")
    client.close()
    usage.flush()
    first, second = Usage.objects.order_by("attempt")
    assert (first.llm_id, first.outcome, first.status, first.is_final) == (1, "OverloadedError", 503, False)
    assert (second.llm_id, second.outcome, second.status, second.is_final) == (2, "ok", None, True)
    assert first.call_id == second.call_id
    assert first.at <= second.at


def test_a_call_that_reached_nobody_is_a_row_too() -> None:
    client, usage = client_of(ScriptedProvider(), entry(1))
    with pytest.raises(NoEntryError):
        client.generate_sync("hello", tier="premium")
    usage.flush()
    row = Usage.objects.get()
    assert (row.attempt, row.tier, row.llm_id, row.outcome) == (0, "premium", None, "NoEntryError")


def test_a_refused_call_costs_nothing_and_says_why() -> None:
    client, usage = client_of(ScriptedProvider(fails(AuthenticationError, status=401)), entry(1))
    with pytest.raises(AuthenticationError):
        client.generate_sync("hello", llm_id=1)
    usage.flush()
    row = Usage.objects.get()
    assert (row.outcome, row.status, row.cost, row.asked) == ("AuthenticationError", 401, None, "llm_id=1")


def test_what_a_database_would_refuse_is_trimmed_on_the_way() -> None:
    call = Call(id="c", operation="chat", tier="economy", user_id="u" * 500 + "\x00\ud800")
    event = Answered(call=call, ended_at=datetime(2026, 1, 1, tzinfo=UTC), seconds=0.5)
    (row,) = decode(encode(rows_of(event)))
    assert row.user == "u" * 200


def test_a_line_of_another_version_is_a_value_error() -> None:
    with pytest.raises(ValueError, match=r"no rows|zip"):
        decode(b'[["c", 1]]')


def test_flushing_sums_up() -> None:
    client, usage = client_of(ScriptedProvider("answer"), entry(1))
    answers = [client.generate_sync("hello", tier="economy", user_id=user) for user in ("ann", "ann", "bob")]
    client.close()
    usage.flush()
    day = UsageTotal.objects.filter(per="day")
    assert {(each.user, each.calls) for each in day} == {("ann", 2), ("bob", 1)}
    assert sum(each.cost for each in day) == sum(answer.cost or 0 for answer in answers)
