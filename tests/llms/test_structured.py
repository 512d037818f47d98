"""Answers in a shape: pydantic, dataclass, TypedDict, JSON schema; one repair; the bill for both."""

from dataclasses import dataclass
from decimal import Decimal

import pydantic
import pytest
from typing_extensions import TypedDict

from creative_services.core.completions import Completion
from creative_services.core.errors import ParsedAnswerError
from creative_services.core.usage import Usage
from creative_services.testing import ScriptedProvider

from .conftest import entry


class City(pydantic.BaseModel):
    name: str
    people: int


@dataclass
class Town:
    name: str
    people: int


class Hamlet(TypedDict):
    name: str
    people: int


SCHEMA = {
    "title": "Place",
    "type": "object",
    "properties": {"name": {"type": "string"}, "people": {"type": "integer"}},
    "required": ["name", "people"],
}
GOOD = '{"name": "Ulm", "people": 128000}'


@pytest.mark.parametrize(
    ("wanted", "parsed"),
    [
        (City, City(name="Ulm", people=128000)),
        (Town, Town("Ulm", 128000)),
        (Hamlet, {"name": "Ulm", "people": 128000}),
        (SCHEMA, {"name": "Ulm", "people": 128000}),
        (list[int] | City, City(name="Ulm", people=128000)),
    ],
)
async def test_parsed(make_client, wanted, parsed):
    provider = ScriptedProvider(f"```json\n{GOOD}\n```")
    response = await make_client(entry(1), providers={"first": provider}).generate(
        "x", tier="standard", response_model=wanted
    )
    assert response.parsed == parsed
    assert provider.asked[0][1].schema


async def test_one_repair_with_both_bills(make_client):
    usage = Usage(input_tokens=10, output_tokens=10)
    provider = ScriptedProvider(
        Completion(content='{"name": "Ulm"}', usage=usage), Completion(content=GOOD, usage=usage)
    )
    response = await make_client(entry(1), providers={"first": provider}).generate(
        "x", tier="standard", response_model=City
    )
    assert response.parsed.people == 128000
    assert (response.usage.total_tokens, response.cost, len(response.attempts)) == (40, Decimal("0.04"), 2)
    assert "people" in provider.asked[1][1].messages[-1]["content"]


async def test_after_one_repair_the_misfit_is_the_callers(make_client):
    provider = ScriptedProvider("not json at all")
    with pytest.raises(ParsedAnswerError, match="does not fit City") as caught:
        await make_client(entry(1), providers={"first": provider}).generate("x", tier="standard", response_model=City)
    assert caught.value.content == "not json at all"
    assert len(provider.asked) == 2


async def test_streams_parse_at_their_end(make_client):
    client = make_client(entry(1), providers={"first": ScriptedProvider(GOOD)})
    assert (await client.stream("x", tier="standard", response_model=Town).final()).parsed == Town("Ulm", 128000)


async def test_a_schema_names_the_place_of_the_misfit(make_client):
    client = make_client(entry(1), providers={"first": ScriptedProvider('{"name": "Ulm", "people": "many"}')})
    with pytest.raises(ParsedAnswerError, match=r"\$\.people"):
        await client.generate("x", tier="standard", response_model=SCHEMA)


@pytest.mark.parametrize("said", ["[1, 2]", '{"answer": [1, 2]}'])
async def test_a_list_travels_in_an_object_since_vendors_hold_only_those(make_client, said):
    provider = ScriptedProvider(said)
    client = make_client(entry(1), providers={"first": provider})
    response = await client.generate("x", tier="standard", response_model=list[int])
    assert response.parsed == [1, 2]
    schema = provider.asked[0][1].schema
    assert (schema["type"], schema["required"]) == ("object", ["answer"])


async def test_what_a_wrapped_schema_refers_to_stays_at_its_root(make_client):
    provider = ScriptedProvider('{"answer": [{"name": "Ulm", "people": 1}]}')
    client = make_client(entry(1), providers={"first": provider})
    response = await client.generate("x", tier="standard", response_model=list[Town])
    assert response.parsed == [Town("Ulm", 1)]
    assert "Town" in provider.asked[0][1].schema["$defs"]
