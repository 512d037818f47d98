"""Requests in the log, for who wants them there: never a prompt, an answer or a key."""

import json
from typing import Any

import pytest

from creative_services.server.logs import JSONFormatter
from creative_services.testing.vendors import Fault, Reply, VendorServer
from tests.server.house import KEY, House

SECRET = "the secret of the pyramids"


def lines(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    mine = [record for record in caplog.records if record.name == "creative_services.access"]
    return [json.loads(JSONFormatter().format(record)) for record in mine]


@pytest.mark.parametrize("streamed", [False, True])
async def test_a_line_per_request(
    open_house: Any, vendor: VendorServer, caplog: pytest.LogCaptureFixture, streamed: bool
) -> None:
    caplog.set_level("INFO")
    house: House = await open_house(keys=f"ada={KEY}", settings={"access_log": True})
    vendor.script(Reply(text=SECRET), Fault.status(400, message=SECRET))
    turns = [{"role": "user", "content": SECRET}]
    for request_id, model in (("good", "economy"), ("bad", "economy"), ("lost", "gpt-99")):
        await house.ask(model=model, messages=turns, stream=streamed, headers={"x-request-id": request_id})
    good, bad, lost = lines(caplog)
    known = {"key": "ada", "llm_id": 1, "provider": "openai", "model": "gpt-small", "tier": "economy", "attempts": 1}
    assert known.items() <= good.items()
    assert (good["request_id"], good["status"], good["surface"], good["streamed"]) == ("good", 200, "chat", streamed)
    assert good["output_tokens"] > 0
    assert float(good["cost"]) > 0
    assert (bad["request_id"], bad["status"], bad["error"]) == ("bad", 400, "BadRequestError")
    assert (lost["request_id"], lost["status"], lost["attempts"]) == ("lost", 404, 0)
    written = json.dumps([good, bad, lost])
    assert SECRET not in written
    assert KEY not in written


async def test_none_unless_asked_for(house: House, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    await house.ask()
    await house.ask(model="gpt-99")
    assert not lines(caplog)
