"""The offline provider says what it is and keeps the promises that need no vendor."""

import asyncio
import json

import pytest

from creative_services.core.completions import Completion, Piece, Request
from creative_services.core.llm_registry import LLMEntry
from creative_services.core.provider import ListsModels, MakesEmbeddings
from creative_services.providers import load_provider
from creative_services.providers.offline import NOTICE
from creative_services.testing.provider_contract import PERSON

ENTRY = LLMEntry(id=1, name="Demo", provider="offline", model="demo", tier="local")
ASKING = Request(messages=({"role": "system", "content": "x"}, {"role": "user", "content": "How are you?"}))


def test_it_says_what_it_is() -> None:
    answer = asyncio.run(load_provider("offline").generate(ENTRY, ASKING))
    assert answer.content == f"{NOTICE} You said: How are you?"
    assert answer.usage is not None
    assert answer.usage.estimated
    assert answer.usage.input_tokens > 0


def test_it_streams_word_by_word() -> None:
    async def all_of_it() -> list[Piece | Completion]:
        return [item async for item in load_provider("offline").stream(ENTRY, ASKING)]

    *pieces, whole = asyncio.run(all_of_it())
    assert isinstance(whole, Completion)
    assert "".join(str(piece) for piece in pieces) == whole.content
    assert len(pieces) == len(whole.content.split())


def test_a_shape_is_kept() -> None:
    request = Request(messages=ASKING.messages, schema=PERSON)
    assert json.loads(asyncio.run(load_provider("offline").generate(ENTRY, request)).content) == {
        "name": "demo",
        "age": 0,
    }


def test_a_limit_is_kept() -> None:
    answer = asyncio.run(load_provider("offline").generate(ENTRY, Request(messages=ASKING.messages, max_tokens=2)))
    assert (answer.content, answer.finish_reason) == (NOTICE[:8], "length")
    assert answer.usage is not None
    assert answer.usage.output_tokens == 2


def test_vectors_are_the_same_for_the_same_text() -> None:
    provider = load_provider("offline")
    assert isinstance(provider, MakesEmbeddings)
    assert isinstance(provider, ListsModels)
    one, other, again = asyncio.run(provider.embed(ENTRY, ["a", "b", "a"])).vectors
    assert one == again != other
    assert sum(each * each for each in one) == pytest.approx(1.0)
    assert asyncio.run(provider.models(ENTRY)) == ("demo",)


def test_an_empty_conversation_is_no_crash() -> None:
    assert asyncio.run(load_provider("offline").generate(ENTRY, Request(messages=()))).content.startswith(NOTICE)
