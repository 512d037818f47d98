"""One call: who answers, what happens when somebody does not, what is accounted."""

import asyncio
from decimal import Decimal

import pytest

from creative_services import Budget, BudgetExceededError, ConfigurationError, LLMTier, Needs, NoEntryError
from creative_services.core import errors as e
from creative_services.core.completions import Completion
from creative_services.core.usage import Usage
from creative_services.llms.desk import Patience
from creative_services.testing import Delayed, ScriptedProvider, SteppingClock, fails

from .conftest import entry

LIMITED = fails(e.RateLimitedError, status=429, retry_after=7)
BROKEN = fails(e.ServerError, status=500)


async def test_the_cheapest_answers_with_its_account(make_client):
    said = Completion(content="Once upon a time", usage=Usage(input_tokens=1000, output_tokens=2000), model="m-2026")
    client = make_client(entry(2), entry(1), providers={"first": ScriptedProvider(said)})
    response = await client.generate(prompt="Write a story", tier=LLMTier.STANDARD)
    assert str(response) == "Once upon a time"
    assert response.llm.id == 1
    assert response.cost == Decimal(3)
    assert response.usage.total_tokens == 3000
    assert [attempt.error for attempt in response.attempts] == [None]
    assert response.model == "m-2026"


async def test_by_id_and_not_by_price(make_client):
    client = make_client(entry(1), entry(2))
    assert (await client.generate("x", llm_id=2)).llm.id == 2


async def test_a_rate_limited_entry_hands_over_at_once_and_then_rests(make_client, clock: SteppingClock):
    limited, healthy = ScriptedProvider(LIMITED, "back again"), ScriptedProvider("here")
    client = make_client(entry(1), entry(2, "second"), providers={"first": limited, "second": healthy})
    response = await client.generate("x", tier="standard")
    assert (response.llm.id, clock.now()) == (2, 0.0)
    assert [(a.llm.id, type(a.error)) for a in response.attempts] == [(1, e.RateLimitedError), (2, type(None))]
    await client.generate("x", tier="standard")
    assert len(limited.asked) == 1, "it asked for seven seconds of rest"
    clock.advance(8)
    assert str(await client.generate("x", tier="standard")) == "back again"


@pytest.mark.parametrize(
    "kind", [e.BadRequestError, e.AuthenticationError, e.PermissionDeniedError, e.RefusedError, e.TooLongError]
)
async def test_what_another_entry_cannot_mend_is_raised_at_once(make_client, kind):
    second = ScriptedProvider("never")
    client = make_client(
        entry(1), entry(2, "second"), providers={"first": ScriptedProvider(fails(kind, status=400)), "second": second}
    )
    with pytest.raises(kind) as caught:
        await client.generate("x", tier="standard")
    assert not second.asked
    assert len(caught.value.attempts) == 1


async def test_alone_it_is_asked_again_after_a_pause(make_client, clock: SteppingClock):
    provider = ScriptedProvider(LIMITED, BROKEN, "third time lucky")
    client = make_client(entry(1), providers={"first": provider})
    response = await client.generate("x", tier="standard")
    assert str(response) == "third time lucky"
    assert len(response.attempts) == 3
    assert clock.now() >= 7, "Retry-After is honoured where nobody else can answer"


async def test_no_pause_that_the_deadline_forbids(make_client, clock: SteppingClock):
    client = make_client(entry(1), providers={"first": ScriptedProvider(LIMITED)})
    with pytest.raises(e.RateLimitedError) as caught:
        await client.generate("x", tier="standard", timeout=5)
    assert clock.now() == 0.0
    assert "wait 7 s" in str(caught.value)


async def test_retries_are_bounded_by_tries_and_by_the_budget(make_client):
    provider = ScriptedProvider(BROKEN)
    client = make_client(entry(1), providers={"first": provider})
    for _ in range(10):
        with pytest.raises(e.ServerError):
            await client.generate("x", tier="standard")
    # Ten first tries; ten retries from the reserve and one more for each five calls.
    assert 20 <= len(provider.asked) <= 23


async def test_a_deadline_holds_against_silence(make_client):
    provider = ScriptedProvider(Delayed(float("inf")))
    client = make_client(entry(1), providers={"first": provider}, clock=None, patience=Patience(max_retries=0))
    started = asyncio.get_running_loop().time()
    with pytest.raises(e.TimedOutError, match="no answer within"):
        await client.generate("x", tier="standard", timeout=0.05)
    assert asyncio.get_running_loop().time() - started < 5
    assert provider.cancelled == 1


async def test_silence_leaves_half_of_the_time_to_the_next(make_client):
    silent = ScriptedProvider(Delayed(float("inf")))
    client = make_client(
        entry(1), entry(2, "second"), providers={"first": silent, "second": ScriptedProvider("here")}, clock=None
    )
    assert (await client.generate("x", tier="standard", timeout=0.2)).llm.id == 2
    assert silent.cancelled == 1


async def test_three_failures_open_the_breaker_and_one_probe_closes_it(make_client, clock: SteppingClock):
    first = ScriptedProvider(BROKEN, BROKEN, BROKEN, "well again")
    client = make_client(entry(1), entry(2, "second"), providers={"first": first, "second": ScriptedProvider("here")})
    for _ in range(5):
        await client.generate("x", tier="standard")
    assert len(first.asked) == 3
    assert "rests for" in str(client.explain(tier="standard"))
    clock.advance(61)
    assert str(await client.generate("x", tier="standard")) == "well again"
    assert client.explain(tier="standard").winner.id == 1


async def test_when_all_rest_the_one_that_wakes_first_is_asked_all_the_same(make_client):
    first = ScriptedProvider(LIMITED, "here")
    client = make_client(entry(1), providers={"first": first}, patience=Patience(max_retries=0))
    with pytest.raises(e.RateLimitedError):
        await client.generate("x", tier="standard", timeout=1)
    assert str(await client.generate("x", tier="standard")) == "here"


async def test_fallback_tiers_are_asked_in_turn_and_only_when_named(make_client):
    economy = entry(1, tier=LLMTier.ECONOMY)
    client = make_client(
        economy, entry(2, "second"), providers={"first": ScriptedProvider(BROKEN), "second": ScriptedProvider()}
    )
    with pytest.raises(e.ServerError):
        await client.generate("x", tier="economy", timeout=0.001)
    response = await client.generate("x", tier="economy", fallback_tiers=["standard"])
    assert response.llm.id == 2


async def test_local_never_leaves_home(make_client):
    away = entry(1, "openai", tier=LLMTier.LOCAL)
    public = entry(2, "openai", tier=LLMTier.LOCAL, api_endpoint="https://api.openai.com/v1")
    provider = ScriptedProvider("never")
    client = make_client(away, public, providers={"openai": provider})
    with pytest.raises(NoEntryError, match="would leave home"):
        await client.generate("secret", tier=LLMTier.LOCAL)
    with pytest.raises(NoEntryError, match="would leave home"):
        await client.generate("secret", llm_id=1)
    with pytest.raises(ConfigurationError, match="never leaves home"):
        await client.generate("secret", tier="local", fallback_tiers=["economy"])
    assert not provider.asked


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"tier": "cheap"}, "There is no tier 'cheap'. Tiers: economy, standard, premium, local."),
        ({"llm_id": 99}, "There is no entry with id 99. Active entries: 1 'Model 1'"),
        ({"tier": "premium"}, "Tier premium has no active entry. Active entries: 1 'Model 1'"),
        ({}, "Say what to ask"),
        ({"tier": "standard", "llm_id": 1}, "one of the two"),
        ({"tier": "standard", "timeout": 0}, "timeout=0"),
        ({"tier": "standard", "max_tokens": -1}, "max_tokens=-1"),
        ({"tier": "standard", "messages": []}, "one of the two"),
        ({"tier": "standard", "needs": Needs(tools=True)}, "lacks tools"),
    ],
)
async def test_a_mistake_says_what_exists(make_client, options, message):
    client = make_client(entry(1))
    with pytest.raises(e.CreativeServicesError) as caught:
        await client.generate("x", **options)
    assert message in str(caught.value)


async def test_an_option_misspelt_is_named(make_client):
    with pytest.raises(TypeError, match="Did you mean 'max_tokens'"):
        await make_client(entry(1)).generate("x", tier="standard", max_token=5)


async def test_what_the_request_shows_rules_out_only_entries_that_declare(make_client):
    declared, silent = entry(1, capabilities={"json"}), entry(2)
    tool = {"name": "now", "description": "the time", "parameters": {"type": "object", "properties": {}}}
    response = await make_client(declared, silent).generate("x", tier="standard", tools=[tool])
    assert response.llm.id == 2


async def test_budgets_refuse_before_the_call_and_settle_after_it(make_client):
    said = Completion(content="ok", usage=Usage(input_tokens=0, output_tokens=50))
    provider = ScriptedProvider(said)
    client = make_client(entry(1), providers={"first": provider}, budgets=[Budget(limit=Decimal("0.2"), scope="user")])
    for _ in range(2):  # each could cost about 0.107, and does cost 0.05
        await client.generate("x", tier="standard", user_id="ada")
    with pytest.raises(BudgetExceededError, match=r"0\.2 USD per day and user has 0\.1"):
        await client.generate("x" * 100, tier="standard", user_id="ada")
    await client.generate("x", tier="standard", user_id="bob")
    assert len(provider.asked) == 3


async def test_callers_at_once_cannot_overspend(make_client):
    said = Completion(content="ok", usage=Usage(output_tokens=100))
    provider = ScriptedProvider(Delayed(0.01, said))
    client = make_client(entry(1), providers={"first": provider}, budgets=[Budget(limit=Decimal("0.55"))])
    results = await client.generate_many(["x"] * 20, tier="standard")
    spent = sum(result.cost for result in results if result.ok)
    assert spent <= Decimal("0.55")
    assert sum(result.ok for result in results) == 5


async def test_money_set_aside_is_free_again_when_the_store_fails_half_way(make_client):
    from creative_services.llms.accounts import MemoryBudgets

    class Failing(MemoryBudgets):
        async def reserve(self, account, amount, limit):
            if account.startswith("user"):
                raise ConnectionError("the store is away")
            return await super().reserve(account, amount, limit)

    store = Failing()
    budgets = [Budget(limit=Decimal(5)), Budget(limit=Decimal(5), scope="user")]
    with pytest.raises(ConnectionError):
        await make_client(entry(1), budgets=budgets, budget_store=store).generate("x", tier="standard")
    assert {*store._spent.values()} == {0}


async def test_without_a_price_no_budget_can_be_kept(make_client):
    free, unknown = (
        entry(2, cost_per_1k_input=0, cost_per_1k_output=0),
        entry(1, cost_per_1k_input=None, cost_per_1k_output=None),
    )
    client = make_client(unknown, budgets=[Budget(limit=Decimal(1))])
    with pytest.raises(BudgetExceededError, match="no known price"):
        await client.generate("x", tier="standard")
    response = await make_client(unknown).generate("x", tier="standard")
    assert response.cost is None
    assert (await make_client(free).generate("x", tier="standard")).cost == 0


async def test_usage_nobody_counted_is_an_estimate_and_says_so(make_client):
    client = make_client(entry(1), providers={"first": ScriptedProvider(Completion(content="word " * 30))})
    response = await client.generate("x", tier="standard")
    assert response.usage.estimated
    assert response.usage.output_tokens > 30


async def test_a_cancelled_call_is_accounted_and_cancels_the_vendor(make_client):
    provider, events = ScriptedProvider(Delayed(float("inf"))), []
    client = make_client(entry(1), providers={"first": provider}, listeners=[events.append])
    call = asyncio.create_task(client.generate("x", tier="standard"))
    await asyncio.sleep(0.01)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert provider.cancelled == 1
    attempted, answered = events
    assert isinstance(attempted.attempt.error, e.CallCancelledError)
    assert attempted.attempt.usage.estimated
    assert isinstance(answered.error, asyncio.CancelledError)


async def test_listeners_hear_each_attempt_and_one_answer_and_cannot_harm(make_client, caplog):
    events = []

    def faulty(event):
        raise RuntimeError("listener's own fault")

    client = make_client(
        entry(1), entry(2, "second"),
        providers={"first": ScriptedProvider(BROKEN), "second": ScriptedProvider("here")},
        listeners=[faulty, events.append],
    )  # fmt: skip
    await client.generate("x", tier="standard", user_id="ada", metadata={"job": 7})
    assert [type(event).__name__ for event in events] == ["Attempted", "Attempted", "Answered"]
    assert events[-1].call.user_id == "ada"
    assert events[-1].call.metadata == {"job": 7}
    assert "listener's own fault" in caplog.text


async def test_a_strangers_crash_is_not_hidden(make_client):
    class Crashing:
        async def generate(self, entry, request):
            raise KeyError("a bug")

    events = []
    client = make_client(entry(1), providers={"first": Crashing()}, listeners=[events.append])
    Crashing.aclose = ScriptedProvider.aclose
    Crashing.closed = 0
    with pytest.raises(KeyError, match="a bug"):
        await client.generate("x", tier="standard")
    assert isinstance(events[-1].error, KeyError)


async def test_importing_an_sdk_is_not_taken_off_the_vendors_time(make_client, clock: SteppingClock, monkeypatch):
    from creative_services.llms import shelf

    def slow_import(name):
        clock.advance(30)
        return ScriptedProvider("here")

    monkeypatch.setattr(shelf, "load_provider", slow_import)
    client = make_client(entry(1, "heavy"), providers={"other": ScriptedProvider()})
    assert str(await client.generate("x", tier="standard", timeout=1)) == "here"


async def test_warm_up_imports_what_the_active_entries_need(make_client, monkeypatch):
    from creative_services.llms import shelf

    loaded = []
    monkeypatch.setattr(shelf, "load_provider", lambda name: loaded.append(name) or ScriptedProvider())
    entries = (entry(1, "a"), entry(2, "b"), entry(3, "b"), entry(4, "c", is_active=False))
    client = make_client(*entries, providers={"another": ScriptedProvider()})
    await client.warm_up()
    assert loaded == ["a", "b"]
