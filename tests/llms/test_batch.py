"""Many prompts: order, bounds, failures as values, and going on after a crash."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from creative_services.core import errors as e
from creative_services.llms.journal import JournalError
from creative_services.testing import Delayed, ScriptedProvider, fails

from .conftest import entry


class Echo(ScriptedProvider):
    """Answers with the prompt, fails where it says so, and counts how many are asked at once."""

    most = now = 0

    async def generate(self, entry, request):
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            text = request.messages[-1]["content"]
            self._steps = [fails(e.BadRequestError, status=400) if text == "bad" else Delayed(0.001, f"echo {text}")]
            return await super().generate(entry, request)
        finally:
            self.now -= 1


async def test_in_order_and_bounded(make_client):
    provider, seen = Echo(), []
    client = make_client(entry(1), providers={"first": provider})
    results = await client.generate_many(
        [str(n) for n in range(50)], tier="standard", concurrency=7, progress=seen.append
    )
    assert [result.content for result in results] == [f"echo {n}" for n in range(50)]
    assert provider.most == 7
    assert (seen[-1].done, seen[-1].failed) == (50, 0)


async def test_a_failure_is_a_value(make_client):
    client = make_client(entry(1), providers={"first": Echo()})
    results = await client.generate_many(["a", "bad", {"prompt": "c", "max_tokens": 5}], tier="standard")
    assert [result.ok for result in results] == [True, False, True]
    assert isinstance(results[1].error, e.BadRequestError)
    with pytest.raises(e.BadRequestError):
        _ = results[1].content


async def test_a_question_is_spelled_out_only_when_its_turn_comes(make_client, monkeypatch):
    from creative_services.llms import batch

    spelled = []
    monkeypatch.setattr(batch, "understand", lambda *given: spelled.append(given) or understand(*given))
    from creative_services.llms.asking import understand

    seen = []
    client = make_client(entry(1), providers={"first": Echo()})
    await client.generate_many(
        (str(n) for n in range(1000)), tier="standard", concurrency=2, progress=lambda tally: seen.append(len(spelled))
    )
    assert seen[0] < 10, "of a million prompts the rest must not lie in memory twice"


async def test_options_that_are_generators_serve_every_prompt(make_client):
    provider = Echo()
    client = make_client(entry(1), providers={"first": provider})
    tools = ({"name": name} for name in "ab")
    own = {"messages": ({"role": "user", "content": text} for text in ["c"])}
    results = await client.generate_many(["a", own, "b"], tier="standard", tools=tools, concurrency=1)
    assert [result.content for result in results] == ["echo a", "echo c", "echo b"]
    assert [len(request.tools) for _, request in provider.asked] == [2, 2, 2]


async def test_half_an_emoji_is_kept(make_client, tmp_path: Path):
    provider = ScriptedProvider("cut \ud83d")
    client = make_client(entry(1), providers={"first": provider})
    for _ in range(2):
        results = await client.generate_many(["x"], tier="standard", journal=tmp_path / "run.jsonl")
        assert results[0].content == "cut \ud83d"
    assert len(provider.asked) == 1


async def test_the_bar_leaves_a_scripts_own_output_alone(make_client, capfd):
    await make_client(entry(1)).generate_many(["a", "b"], tier="standard", progress=True)
    out, err = capfd.readouterr()
    assert out == ""
    assert "2/2" in err


async def test_nothing_to_ask(make_client):
    assert await make_client(entry(1)).generate_many([], tier="standard") == []


async def test_a_journal_is_gone_on_with(make_client, tmp_path: Path):
    journal, provider = tmp_path / "run.jsonl", Echo()
    client = make_client(entry(1), providers={"first": provider})
    await client.generate_many(["a", "bad", "c"], tier="standard", journal=journal)
    again = await client.generate_many(["a", "good", "changed"], tier="standard", journal=journal)
    assert [result.content for result in again] == ["echo a", "echo good", "echo changed"]
    assert len(provider.asked) == 5, "only what failed and what changed is asked again"
    assert again[0].response.usage.output_tokens
    assert again[0].cost is not None
    assert "sk-never" not in journal.read_text()


async def test_a_torn_last_line_is_forgotten(make_client, tmp_path: Path):
    journal, provider = tmp_path / "run.jsonl", Echo()
    client = make_client(entry(1), providers={"first": provider})
    await client.generate_many(["a", "b"], tier="standard", journal=journal, concurrency=1)
    journal.write_bytes(journal.read_bytes()[:-20])
    results = await client.generate_many(["a", "b"], tier="standard", journal=journal)
    assert [result.content for result in results] == ["echo a", "echo b"]
    assert len(provider.asked) == 3
    assert all(json.loads(line) for line in journal.read_text().splitlines())


async def test_a_file_that_is_no_journal_is_left_alone(make_client, tmp_path: Path):
    precious = tmp_path / "notes.txt"
    precious.write_text("dear diary\n")
    with pytest.raises(JournalError, match="is not a journal of ours"):
        await make_client(entry(1)).generate_many(["a"], tier="standard", journal=precious)
    assert precious.read_text() == "dear diary\n"


async def test_two_runs_do_not_share_a_journal(make_client, tmp_path: Path):
    client = make_client(entry(1), providers={"first": ScriptedProvider("x")})

    async def meanwhile(tally):
        raise AssertionError

    errors = []

    def start_another(tally):
        from creative_services.llms.journal import Journal

        try:
            Journal(tmp_path / "run.jsonl").__enter__()
        except e.ConfigurationError as error:
            errors.append(str(error))

    await client.generate_many(["a"], tier="standard", journal=tmp_path / "run.jsonl", progress=start_another)
    assert "in use by another run" in errors[0]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
async def test_a_full_disk_ends_the_batch_with_a_plain_word(make_client, tmp_path: Path):
    from creative_services.llms import journal as module

    journal = module.Journal(tmp_path / "run.jsonl")
    with journal, Path("/dev/full").open("a+b", buffering=0) as full:
        kept, journal._file = journal._file, full
        from creative_services.llms.asking import understand

        response = await make_client(entry(1)).generate("x", tier="standard")
        with pytest.raises(JournalError, match="No space left"):
            journal.keep(0, understand("x", {"tier": "standard"}), response)
        journal._file = kept


_CHILD = """
import asyncio, sys
from creative_services import DictRegistry, DynamicLLMClient, LLMEntry
from creative_services.testing import Delayed, ScriptedProvider
entry = LLMEntry(id=1, name="m", provider="p", model="m", tier="standard", cost_per_1k_input=0, cost_per_1k_output=0)
async def main():
    async with DynamicLLMClient(DictRegistry([entry]), providers={"p": ScriptedProvider(Delayed(0.01, "x"))}) as client:
        await client.generate_many([str(n) for n in range(500)], tier="standard", journal=sys.argv[1], concurrency=2)
asyncio.run(main())
"""


async def test_kill_nine_loses_no_finished_answer(make_client, tmp_path: Path):
    journal = tmp_path / "run.jsonl"
    child = subprocess.Popen([sys.executable, "-c", _CHILD, str(journal)], env={**os.environ, "PYTHONPATH": "."})
    while not journal.exists() or journal.read_bytes().count(b"\n") < 20:
        assert child.poll() is None
        time.sleep(0.01)
    child.send_signal(signal.SIGKILL)
    child.wait()
    kept = journal.read_bytes().count(b"\n")
    provider = ScriptedProvider("y")
    client = make_client(entry(1), providers={"first": provider})
    results = await client.generate_many([str(n) for n in range(500)], tier="standard", journal=journal)
    assert len(provider.asked) == 500 - kept
    assert [result.content for result in results].count("x") == kept
