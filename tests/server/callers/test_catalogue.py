"""What there is to ask for, and what there is not, in the shape of whoever asks."""

from typing import Any

import pytest

from tests.server.house import KEY, House, Said

OPENAI: dict[str, str] = {}
ANTHROPIC = {"anthropic-version": "2023-06-01"}
TIERS = ["economy", "standard", "premium", "local"]


async def got(house: House, path: str, headers: dict[str, str], **given: Any) -> Said:
    return await house.ask(path, method="GET", headers=headers, **given)


@pytest.mark.parametrize("path", ["/v1/models", "/v1/models/", "/v1/models?limit=1000"])
async def test_the_list_as_openai_writes_it(house: House, path: str) -> None:
    said = await got(house, path, OPENAI)
    assert (said.status, said.document["object"]) == (200, "list")
    assert [row["id"] for row in said.document["data"]][:4] == TIERS
    assert all(
        row.keys() == {"id", "object", "created", "owned_by"} and row["object"] == "model"
        for row in said.document["data"]
    )
    assert said.headers["x-request-id"]


@pytest.mark.parametrize("headers", [ANTHROPIC, {**ANTHROPIC, "x-api-key": KEY}])
async def test_the_list_as_anthropic_writes_it(house: House, headers: dict[str, str]) -> None:
    said = await got(house, "/v1/models?limit=20", headers, key=None if "x-api-key" in headers else KEY)
    document = said.document
    assert [row["id"] for row in document["data"]][:4] == TIERS
    assert all(row.keys() == {"type", "id", "display_name", "created_at"} for row in document["data"])
    assert (document["has_more"], document["first_id"]) == (False, "economy")
    assert document["last_id"] == document["data"][-1]["id"]


async def test_one_of_them(house: House) -> None:
    assert (await got(house, "/v1/models/llm:2", OPENAI)).document["owned_by"] == "anthropic"
    assert (await got(house, "/v1/models/llm%3A2", OPENAI)).document["id"] == "llm:2"
    assert (await got(house, "/v1/models/economy", ANTHROPIC)).document["type"] == "model"


@pytest.mark.parametrize("path", ["/v1/models/gpt-99", "/v1/engines", "/v1/messages/count_tokens"])
async def test_what_is_not_there(house: House, path: str) -> None:
    said = await got(house, path, ANTHROPIC)
    assert said.status == 404
    assert said.document["error"]["type"] == "not_found_error"
    assert said.document["request_id"] == said.headers["x-request-id"]
    if "messages" not in path:
        said = await got(house, path, OPENAI)
        assert (said.status, said.document["error"]["type"]) == (404, "invalid_request_error")


async def test_without_a_key(house: House) -> None:
    for headers, kind in ((OPENAI, "invalid_request_error"), (ANTHROPIC, "authentication_error")):
        said = await got(house, "/v1/models", headers, key=None)
        assert (said.status, said.document["error"]["type"]) == (401, kind)


async def test_a_key_sees_what_it_may_use(open_house: Any) -> None:
    house: House = await open_house(keys=f"{KEY};tiers=economy")
    names = [row["id"] for row in (await got(house, "/v1/models", OPENAI)).document["data"]]
    assert names[0] == "economy"
    assert not {"standard", "premium", "local", "claude-mid", "llm:2"} & set(names)
    assert (await got(house, "/v1/models/llm:2", OPENAI)).status == 404
