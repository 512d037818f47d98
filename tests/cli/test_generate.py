"""One answer: text to standard output, its account to standard error."""

import json

import pytest

from creative_services.testing.vendors import Fault, Reply, VendorServer
from creative_services.testing.vendors.replies import Tokens
from tests.cli.conftest import KEY, Cli


def test_the_first_command_needs_no_key(cli: Cli, nobody: None) -> None:
    ended = cli("generate", "Write a haiku about tiers", "--tier", "economy", "--demo")
    assert ended.code == 0
    assert "Write a haiku about tiers" in ended.out
    assert ended.err.startswith("Offline demo (economy) (offline/echo): ")


def test_the_answer_alone_goes_to_standard_output(cli: Cli, vendors: VendorServer) -> None:
    vendors.script(Reply(text="Blue.", usage=Tokens(input=1000, output=100)))
    ended = cli("generate", "Name a colour.", "--llm-id", "2")
    assert (ended.code, ended.out) == (0, "Blue.\n")
    assert ended.err.startswith("GPT-4o-mini (openai/gpt-4o-mini): 1000 + 100 tokens, 0.00021 USD, ")


def test_options_reach_the_vendor(cli: Cli, vendors: VendorServer) -> None:
    words = ("--system", "Be brief.", "--max-tokens", "7", "--temperature", "0.1")
    assert cli("generate", "Name a colour.", "-t", "standard", *words).code == 0
    (seen,) = vendors.requests
    assert seen.body["messages"][0]["content"] == "Be brief."
    assert seen.body["temperature"] == 0.1
    assert 7 in (seen.body.get("max_tokens"), seen.body.get("max_completion_tokens"))


def test_json_has_the_whole_account(cli: Cli, vendors: VendorServer) -> None:
    vendors.script_for("claude-3-haiku-20240307", Fault.status(503))
    ended = cli("generate", "hi", "--tier", "economy", "--json")
    told = ended.json
    assert told["content"] == "Hello from gpt-3.5-turbo."
    assert told["llm"]["id"] == 1
    assert isinstance(told["cost_usd"], str)
    assert [attempt["error"] and attempt["error"]["kind"] for attempt in told["attempts"]] == ["OverloadedError", None]
    assert ended.err == ""


def test_a_failed_attempt_is_mentioned(cli: Cli, vendors: VendorServer) -> None:
    vendors.script_for("claude-3-haiku-20240307", Fault.status(503))
    assert "after 1 failed attempt" in cli("generate", "hi", "--tier", "economy").err


def test_a_stream_prints_the_same_text(cli: Cli, vendors: VendorServer) -> None:
    ended = cli("generate", "hi", "--llm-id", "2", "--stream")
    assert ended.out == "Hello from gpt-4o-mini.\n"
    assert "GPT-4o-mini" in ended.err


def test_a_json_stream_is_a_line_per_piece_and_the_account_last(cli: Cli, vendors: VendorServer) -> None:
    *pieces, last = cli("generate", "hi", "--llm-id", "2", "--stream", "--json").lines
    assert "".join(piece["text"] for piece in pieces) == last["content"] == "Hello from gpt-4o-mini."
    assert last["cost_usd"] is not None


def test_a_broken_stream_keeps_what_was_said_and_ends_in_an_error(cli: Cli, vendors: VendorServer) -> None:
    vendors.script(Fault.cut(after=2, reply=Reply(text="one two three four")))
    ended = cli("generate", "hi", "--llm-id", "2", "--stream")
    assert ended.code == 1
    assert ended.out == "one two\n"
    assert ended.err.startswith("Error: entry 2 'GPT-4o-mini'")


def test_a_dash_reads_standard_input(cli: Cli, vendors: VendorServer) -> None:
    assert cli("generate", "-", "--llm-id", "2", stdin="Name a\ncolour.\n").code == 0
    assert vendors.requests[0].body["messages"][-1]["content"] == "Name a\ncolour."


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("generate", "hi"), "Say which tier to ask"),
        (("generate", "hi", "-t", "economy", "--llm-id", "2"), "one of the two"),
        (("generate", "hi", "-t", "gold"), "gold"),
        (("generate", "hi", "-t", "economy", "--max-tokens", "0"), "--max-tokens"),
        (("generate", "hi", "-t", "economy", "--timeout", "-1"), "--timeout"),
        (("generate", "-", "-t", "economy"), "There is nothing to ask"),
        (("generate",), "PROMPT"),
        (("compare", "hi", "--tiers", "gold,silver"), "no list of tiers"),
        (("sing",), "sing"),
        (("llms", "--bogus"), "--bogus"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_a_mistake_in_the_command_ends_with_2(cli: Cli, words: tuple[str, ...], says: str) -> None:
    ended = cli(*words)
    assert ended.code == 2
    assert ended.out == ""
    assert says in " ".join(ended.err.replace("│", " ").split())


@pytest.mark.parametrize(
    "fault", [Fault.status(401), Fault.status(400), Fault.html(), Fault.drop()], ids=lambda fault: fault.kind
)
def test_every_failure_is_one_line_without_a_traceback_or_key(cli: Cli, vendors: VendorServer, fault: Fault) -> None:
    vendors.script(*[fault] * 4)
    ended = cli("generate", "hi", "--llm-id", "2", "--timeout", "5")
    assert ended.code == 1
    assert ended.out == ""
    assert ended.err.startswith("Error: entry 2 'GPT-4o-mini' (openai gpt-4o-mini): ")
    assert len(ended.err.splitlines()) == 1
    assert KEY not in ended.err


def test_a_deadline_holds(cli: Cli, vendors: VendorServer) -> None:
    vendors.script(Fault.hang())
    ended = cli("generate", "hi", "--llm-id", "2", "--timeout", "0.2")
    assert ended.code == 1
    assert "no answer within" in ended.err


def test_without_any_key_the_way_on_is_shown(cli: Cli, nobody: None) -> None:
    ended = cli("generate", "hi", "-t", "economy")
    error, hint = ended.err.splitlines()
    assert ended.code == 1
    assert error.startswith("Error: Tier economy has no active entry.")
    assert "OPENAI_API_KEY" in hint
    assert "--demo" in hint


def test_with_a_key_the_hint_would_be_noise(cli: Cli, vendors: VendorServer) -> None:
    ended = cli("generate", "hi", "--llm-id", "99")
    assert ended.code == 1
    assert len(ended.err.splitlines()) == 1
    assert "There is no entry with id 99." in ended.err


def test_in_a_demo_the_hint_would_be_noise(cli: Cli, nobody: None) -> None:
    ended = cli("generate", "hi", "--llm-id", "99", "--demo")
    assert ended.code == 1
    assert len(ended.err.splitlines()) == 1


def test_a_piped_answer_is_the_models_own_bytes(cli: Cli, vendors: VendorServer) -> None:
    vendors.script(Reply(text="\x1b[31mred\x1b[0m ☃"))
    assert cli("generate", "hi", "--llm-id", "2").out == "\x1b[31mred\x1b[0m ☃\n"
    assert json.dumps("☃") == '"\\u2603"'  # so that the next line is about us and not about the terminal's encoding
    vendors.script(Reply(text="☃"))
    assert "☃" in cli("generate", "hi", "--llm-id", "2", "--json").out
