"""Several tiers at once."""

from creative_services.testing.vendors import Fault, Reply, VendorServer
from tests.cli.conftest import Cli


def test_each_tier_answers_with_its_account(cli: Cli, vendors: VendorServer) -> None:
    ended = cli("compare", "hi", "--tiers", "premium, economy")
    assert ended.code == 0
    lines = ended.out.splitlines()
    assert lines[:2] == ["== premium", "Hello from gpt-4o."]
    assert lines[2].startswith("-- GPT-4o (openai/gpt-4o): ")
    assert lines[4:6] == ["== economy", "Hello from claude-3-haiku-20240307."]


def test_they_are_asked_at_the_same_time(cli: Cli, vendors: VendorServer) -> None:
    vendors.default = Reply(text="late", delay=0.5)
    assert cli("compare", "hi", "--tiers", "economy,standard,premium").code == 0
    asked = [seen.at for seen in vendors.requests]
    assert max(asked) - min(asked) < 0.5  # one after the other, each would wait for the one before


def test_a_tier_without_an_answer_does_not_spoil_the_others(cli: Cli, vendors: VendorServer) -> None:
    vendors.script_for("gpt-4o", Fault.status(400))
    ended = cli("compare", "hi", "--tiers", "premium,standard", "--json")
    assert ended.code == 1
    premium, standard = ended.json
    assert premium["error"]["kind"] == "BadRequestError"
    assert standard["response"]["content"] == "Hello from gpt-4o-mini."
