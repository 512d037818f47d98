"""The log tells figures and never content."""

import asyncio
import io
import json
import logging
import sys
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from creative_services import NoEntryError
from creative_services.core.errors import RateLimitedError
from creative_services.telemetry import JsonFormatter, LogListener
from creative_services.testing import Delayed
from tests.telemetry.conftest import ANSWER, GOOD, KEY, LIMITED, PROMPT, Made, entry


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    with caplog.at_level(logging.INFO, logger="creative_services.calls"):
        yield caplog


def fields(record: logging.LogRecord) -> dict[str, Any]:
    return vars(record)


async def test_an_answer_is_one_line_with_its_figures(made: Made, log: pytest.LogCaptureFixture) -> None:
    await made(LogListener(), first=GOOD).generate(PROMPT, tier="standard", user_id="ada")
    (record,) = log.records
    assert record.levelno == logging.INFO
    assert "'Model 1' (vendor1 model-1) answered" in record.getMessage()
    assert "1000 + 200 tokens, 1.2 USD, 1 attempt." in record.getMessage()
    expected = {
        "entry": "Model 1",
        "llm_id": 1,
        "tier": "standard",
        "user_id": "ada",
        "input_tokens": 1000,
        "output_tokens": 200,
        "cost": Decimal("1.2"),
        "attempts": 1,
        "request_id": "req_good_1",
        "outcome": "ok",
    }
    assert {name: fields(record)[name] for name in expected} == expected
    assert len(fields(record)["call_id"]) == 16


async def test_a_failed_try_is_a_warning_and_the_answer_counts_it(made: Made, log: pytest.LogCaptureFixture) -> None:
    await made(LogListener()).generate(PROMPT, tier="standard")
    failed, answered = log.records
    assert failed.levelno == logging.WARNING
    assert "attempt 1 at entry 1 'Model 1'" in failed.getMessage()
    assert "RateLimitedError 429, request id req_bad_1" in failed.getMessage()
    assert fields(failed)["retry_after"] == 7.0
    assert "2 attempts" in answered.getMessage()
    assert fields(failed)["call_id"] == fields(answered)["call_id"]


async def test_a_failed_call_is_a_warning(made: Made, log: pytest.LogCaptureFixture) -> None:
    with pytest.raises(RateLimitedError):
        await made(LogListener(), second=LIMITED).generate(PROMPT, tier="standard", timeout=1)
    last = log.records[-1]
    assert last.levelno == logging.WARNING
    assert "to tier standard ended without an answer" in last.getMessage()
    assert fields(last)["attempts"] == 2


async def test_a_wish_nobody_answers_is_logged_too(made: Made, log: pytest.LogCaptureFixture) -> None:
    with pytest.raises(NoEntryError):
        await made(LogListener()).generate(PROMPT, llm_id=99)
    (record,) = log.records
    assert "to llm_id=99 ended without an answer" in record.getMessage()
    assert fields(record)["outcome"] == "NoEntryError"


async def test_a_caller_who_gives_up_is_no_warning(made: Made, log: pytest.LogCaptureFixture) -> None:
    client = made(LogListener(), first=Delayed(float("inf")), entries=[entry(1)])
    call = asyncio.create_task(client.generate(PROMPT, tier="standard"))
    await asyncio.sleep(0.01)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert [record.levelno for record in log.records] == [logging.INFO, logging.INFO]
    assert {fields(record)["outcome"] for record in log.records} == {"cancelled"}


async def test_an_unknown_price_is_called_unknown(made: Made, log: pytest.LogCaptureFixture) -> None:
    unpriced = entry(2, cost_per_1k_input=None, cost_per_1k_output=None)
    await made(LogListener(), entries=[unpriced]).generate(PROMPT, tier="standard")
    assert "at an unknown price" in log.records[0].getMessage()
    assert fields(log.records[0])["cost"] is None


async def test_neither_prompt_nor_answer_nor_key_is_written(made: Made) -> None:
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(JsonFormatter())
    logger = logging.Logger("anywhere")
    logger.addHandler(handler)
    await made(LogListener(logger)).generate(PROMPT, tier="standard", system_prompt=PROMPT)
    assert len(written.getvalue().splitlines()) == 2
    for secret in (PROMPT, ANSWER, KEY):
        assert secret not in written.getvalue()


async def test_the_json_formatter_writes_one_object_per_line(made: Made, log: pytest.LogCaptureFixture) -> None:
    await made(LogListener(), first=GOOD).generate(PROMPT, tier="standard", user_id="Ada\nLovelace")
    line = JsonFormatter().format(log.records[0])
    assert "\n" not in line
    told = json.loads(line)
    assert told["level"] == "INFO"
    assert told["logger"] == "creative_services.calls"
    assert told["cost"] == "1.2"  # text, so that no digit of a Decimal is lost
    assert told["user_id"] == "Ada\nLovelace"
    assert told["request_id"] == "req_good_1"
    assert told["time"].endswith("+00:00")
    assert "args" not in told


def test_a_tiny_cost_is_written_out() -> None:
    record = logging.makeLogRecord({"msg": "x", "cost": Decimal("2E-10")})
    assert json.loads(JsonFormatter().format(record))["cost"] == "0.0000000002"


def test_the_json_formatter_keeps_keys_out_of_tracebacks() -> None:
    try:
        raise ValueError(f"refused {KEY}")
    except ValueError:
        told = logging.getLogger("x").makeRecord("x", logging.ERROR, "f", 1, "broke: %s", (KEY,), sys.exc_info())
    written = JsonFormatter().format(told)
    assert "ValueError" in json.loads(written)["traceback"]
    assert KEY not in written


async def test_a_silent_logger_costs_no_line(made: Made) -> None:
    logger = logging.Logger("quiet", level=logging.ERROR)
    heard: list[logging.LogRecord] = []
    logger.addFilter(lambda record: heard.append(record) or True)
    await made(LogListener(logger)).generate(PROMPT, tier="standard")
    assert heard == []
