"""Pieces: another entry may step in until the first one, nothing is repeated after it."""

import asyncio
from decimal import Decimal

import pytest

from creative_services import Budget
from creative_services.core import errors as e
from creative_services.core.completions import Completion
from creative_services.core.usage import Usage
from creative_services.llms.accounts import MemoryBudgets
from creative_services.llms.desk import Patience
from creative_services.testing import Broken, Delayed, ScriptedProvider, fails

from .conftest import entry

CUT = Broken("Once upon ", fails(e.UnreachableError, "connection reset"))


async def test_pieces_then_the_response(make_client):
    said = Completion(content="Once upon a time", usage=Usage(input_tokens=10, output_tokens=20))
    client = make_client(entry(1), providers={"first": ScriptedProvider(said)})
    stream = client.stream(prompt="x", tier="standard")
    pieces = [piece async for piece in stream]
    assert [str(piece) for piece in pieces[:-1]] == ["Once ", "upon ", "a ", "time"]
    assert (str(pieces[-1]), pieces[-1].usage.total_tokens, pieces[-1].cost) == ("", 30, Decimal("0.03"))
    assert stream.response.content == "Once upon a time"


async def test_final_reads_to_the_end(make_client):
    assert (await make_client(entry(1)).stream("x", tier="standard").final()).content == "a scripted answer"


async def test_before_the_first_piece_another_entry_steps_in(make_client):
    client = make_client(
        entry(1), entry(2, "second"),
        providers={"first": ScriptedProvider(fails(e.OverloadedError)), "second": ScriptedProvider("here")},
    )  # fmt: skip
    response = await client.stream("x", tier="standard").final()
    assert response.llm.id == 2
    assert len(response.attempts) == 2


async def test_after_the_first_piece_nothing_is_repeated(make_client):
    second, events = ScriptedProvider("never"), []
    client = make_client(
        entry(1),
        entry(2, "second"),
        providers={"first": ScriptedProvider(CUT), "second": second},
        listeners=[events.append],
    )
    seen = []
    with pytest.raises(e.StreamInterruptedError) as caught:
        async for piece in client.stream("x", tier="standard"):
            seen.append(piece.text)
    assert seen == ["Once upon "]
    assert caught.value.partial_text == "Once upon "
    assert caught.value.usage.estimated
    assert isinstance(caught.value.__cause__, e.UnreachableError)
    assert not second.asked
    assert events[-1].error is caught.value
    assert events[0].attempt.cost is not None


async def test_cut_streams_count_against_the_entry(make_client):
    client = make_client(
        entry(1), entry(2, "second"), providers={"first": ScriptedProvider(CUT), "second": ScriptedProvider()}
    )
    for _ in range(3):
        with pytest.raises(e.StreamInterruptedError):
            await client.stream("x", tier="standard").final()
    assert (await client.stream("x", tier="standard").final()).llm.id == 2


async def test_a_stream_that_falls_silent_is_interrupted(make_client):
    class Stalling(ScriptedProvider):
        async def stream(self, entry, request):
            async for item in super().stream(entry, request):
                yield item
                await asyncio.Event().wait()

    client = make_client(entry(1), providers={"first": Stalling()}, patience=Patience(idle_timeout=0.05))
    with pytest.raises(e.StreamInterruptedError, match="fell silent"):
        await client.stream("x", tier="standard").final()


async def test_leaving_early_cancels_the_vendor_and_settles_the_account(make_client):
    provider, events, spending = ScriptedProvider("one two three four"), [], MemoryBudgets()
    client = make_client(
        entry(1), providers={"first": provider}, listeners=[events.append],
        budgets=[Budget(limit=Decimal(1), per="ever")], budget_store=spending,
    )  # fmt: skip
    async with client.stream("x", tier="standard") as stream:
        async for _ in stream:
            break
    assert provider.cancelled == 1
    assert isinstance(events[0].attempt.error, e.CallCancelledError)
    assert Decimal(0) < spending.spent("client::") < Decimal("0.05")


async def test_an_empty_stream_is_a_failure_like_any_other(make_client):
    class Empty(ScriptedProvider):
        async def stream(self, entry, request):
            self.asked.append((entry, request))
            for nothing in ():
                yield nothing

    client = make_client(entry(1), entry(2, "second"), providers={"first": Empty(), "second": ScriptedProvider("here")})
    assert (await client.stream("x", tier="standard").final()).content == "here"


async def test_a_stream_without_its_end_is_no_answer(make_client):
    class Endless(ScriptedProvider):
        async def stream(self, entry, request):
            async for item in super().stream(entry, request):
                if not isinstance(item, Completion):
                    yield item

    client = make_client(entry(1), providers={"first": Endless("half a")})
    with pytest.raises(e.StreamInterruptedError, match="without its last event"):
        await client.stream("x", tier="standard").final()


async def test_silence_before_the_first_piece_hands_over(make_client):
    client = make_client(
        entry(1), entry(2, "second"), clock=None,
        providers={"first": ScriptedProvider(Delayed(float("inf"))), "second": ScriptedProvider("here")},
    )  # fmt: skip
    assert (await client.stream("x", tier="standard", timeout=0.2).final()).llm.id == 2
