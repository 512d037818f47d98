"""The price list."""

from tests.cli.conftest import Cli


def test_long_prompts_have_a_line_of_their_own(cli: Cli) -> None:
    rows = cli("prices", "--provider", "openai", "--json").json
    luna = [row for row in rows if row["model"] == "gpt-6-luna"]
    assert [row["prompts_above"] for row in luna] == [0, 272_000]
    assert luna[0]["usd_per_1m"]["output"] == "0.50"


def test_every_described_vendor_is_listed(cli: Cli) -> None:
    vendors = {line.split()[0] for line in cli("prices").out.splitlines()[1:]}
    assert {"openai", "anthropic", "groq"} <= vendors


def test_an_unknown_vendor_is_said(cli: Cli) -> None:
    ended = cli("prices", "--provider", "nobody")
    assert ended.code == 1
    assert "No model of 'nobody' is described here." in ended.err
