"""A file of prompts: answers in order, mistakes told before money is spent, and a second run that pays for the rest."""

import json
from pathlib import Path

import pytest

from creative_services.testing.vendors import Fault, VendorServer
from tests.cli.conftest import Cli


@pytest.fixture(autouse=True)
def _at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def prompts(*lines: str) -> Path:
    path = Path("prompts.jsonl")
    path.write_text("\n".join(lines) + "\n")
    return path


def answers(path: str = "out.jsonl") -> list[dict[str, object]]:
    return [json.loads(line) for line in Path(path).read_text().splitlines()]


def test_text_and_objects_are_answered_in_order(cli: Cli, vendors: VendorServer) -> None:
    path = prompts("Name a colour.", "", '{"id": "fruit", "prompt": "Name a fruit.", "llm_id": 3}', '"quoted"')
    ended = cli("batch", path, "--tier", "standard", "-o", "out.jsonl")
    assert (ended.code, ended.out) == (0, "")
    assert ended.err.startswith("3 of 3 answered in out.jsonl: 0.000")
    told = answers()
    assert [(each["line"], each.get("id"), each["content"]) for each in told] == [
        (1, None, "Hello from gpt-4o-mini."),
        (3, "fruit", "Hello from gpt-4o."),
        (4, None, "Hello from gpt-4o-mini."),
    ]
    assert not Path("out.jsonl.journal").exists()


def test_a_tier_in_the_line_overrules_an_entry_of_the_command(cli: Cli, vendors: VendorServer) -> None:
    path = prompts('{"prompt": "hi", "tier": "premium"}', "hi")
    assert [each["llm"]["id"] for each in cli("batch", path, "--llm-id", "2").lines] == [3, 2]


def test_without_output_the_answers_are_printed(cli: Cli, vendors: VendorServer) -> None:
    ended = cli("batch", "-", "--tier", "standard", stdin="one\ntwo\n")
    assert [each["ok"] for each in ended.lines] == [True, True]
    assert ended.err.startswith("2 of 2 answered: ")


def test_failures_are_named_and_only_they_are_asked_again(cli: Cli, vendors: VendorServer) -> None:
    path = prompts("one", '{"prompt": "two", "llm_id": 3}', "three")
    vendors.script_for("gpt-4o", Fault.status(400, message="no twos"))
    ended = cli("batch", path, "--tier", "standard", "-o", "out.jsonl")
    assert ended.code == 1
    assert "2 of 3 answered" in ended.err
    assert "line 2: BadRequestError" in ended.err
    assert "asks only those without an answer again" in ended.err
    assert [each["ok"] for each in answers()] == [True, False, True]
    assert Path("out.jsonl.journal").exists()
    before = len(vendors.requests)
    assert cli("batch", path, "--tier", "standard", "-o", "out.jsonl").code == 0
    assert len(vendors.requests) - before == 1
    assert [each["ok"] for each in answers()] == [True, True, True]


def test_a_journal_of_ones_own_stays(cli: Cli, vendors: VendorServer) -> None:
    path = prompts("one", "two")
    for _ in range(2):
        assert cli("batch", path, "-t", "standard", "-o", "out.jsonl", "--journal", "kept.jsonl").code == 0
    assert len(vendors.requests) == 2
    assert Path("kept.jsonl").exists()


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ('{"prompt": ', "line 2 begins like JSON and is none"),
        ('{"prompt": "x", "max_token": 3}', "line 2: A call has no option 'max_token'. Did you mean 'max_tokens'?"),
        ('{"prompt": "x", "max_tokens": "3"}', 'line 2: max_tokens must be a whole number, not "3".'),
        ('{"prompt": "x", "max_tokens": true}', "line 2: max_tokens must be a whole number, not true."),
        ('{"prompt": "x", "tier": "gold"}', "line 2: There is no tier 'gold'."),
        ('{"prompt": "x", "messages": []}', "line 2: A call needs prompt=... or messages=[...]; one of the two."),
        ('{"prompt": 7}', "line 2: prompt must be text, not 7."),
        ('{"id": 1}', "line 2: A call needs prompt="),
    ],
)
def test_a_mistake_is_told_with_its_line_before_anyone_is_asked(
    cli: Cli, vendors: VendorServer, line: str, says: str
) -> None:
    ended = cli("batch", prompts("fine", line), "-t", "standard", "-o", "out.jsonl")
    assert ended.code == 1
    assert says in ended.err
    assert len(ended.err.splitlines()) == 1
    assert vendors.requests == []


@pytest.mark.parametrize("output", ["no/such/directory/out.jsonl", "."])
def test_answers_with_nowhere_to_go_are_not_bought(cli: Cli, vendors: VendorServer, output: str) -> None:
    ended = cli("batch", prompts("one"), "-t", "standard", "-o", output)
    assert ended.code == 1
    assert "cannot be written" in ended.err
    assert vendors.requests == []


def test_files_that_hold_nothing_or_are_not_there(cli: Cli) -> None:
    assert "prompts.jsonl holds no prompt." in cli("batch", prompts("", " "), "-t", "economy").err
    assert "nope.jsonl cannot be read" in cli("batch", "nope.jsonl", "-t", "economy").err
    Path("bytes.txt").write_bytes(b"\xff\xfe\xff")
    assert "is not UTF-8 text" in cli("batch", "bytes.txt", "-t", "economy").err


def test_another_run_on_the_same_journal_is_refused(cli: Cli, vendors: VendorServer) -> None:
    fcntl = pytest.importorskip("fcntl")
    with Path("out.jsonl.journal").open("a") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        ended = cli("batch", prompts("one"), "-t", "standard", "-o", "out.jsonl")
    assert ended.code == 1
    assert "in use by another run" in ended.err


def test_many_failures_are_not_all_listed(cli: Cli, vendors: VendorServer) -> None:
    vendors.script_for("gpt-4o-mini", *[Fault.status(400)] * 30)
    ended = cli("batch", prompts(*map(str, range(30))), "--llm-id", "2")
    assert ended.err.count("BadRequestError") == 20
    assert "and 10 more" in ended.err
    assert "again" not in ended.err.splitlines()[-1]  # printed answers have no journal to go on from
