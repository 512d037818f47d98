"""Why this one?"""

import pytest

from creative_services.testing.vendors import VendorServer
from tests.cli.conftest import Cli


def test_every_candidate_has_a_reason(cli: Cli, vendors: VendorServer) -> None:
    ended = cli("explain", "--tier", "economy", "--json")
    assert ended.code == 0
    told = ended.json
    assert told["winner"]["id"] == 10
    assert [(each["id"], each["place"]) for each in told["candidates"]] == [(10, 1), (1, 2), (20, 3)]
    assert told["candidates"][0]["reason"].startswith("wins at 0.00025/0.00125 USD")


def test_needs_rule_entries_out(cli: Cli, vendors: VendorServer) -> None:
    lines = cli("explain", "-t", "economy", "--vision").out.splitlines()
    assert lines[0].split() == ["PLACE", "ID", "NAME", "MODEL", "WHY"]
    assert sum("lacks vision" in line for line in lines) == 2


@pytest.mark.parametrize("words", [("--context", "9000000"), ("--json-mode", "--vision", "--tools")])
def test_when_none_fits_the_exit_code_says_so(cli: Cli, vendors: VendorServer, words: tuple[str, ...]) -> None:
    ended = cli("explain", "-t", "economy", *words)
    assert ended.code == 1
    assert len(ended.out.splitlines()) == 4
    assert "Error: No entry answers tier economy with these needs." in ended.err


def test_nobody_is_asked(cli: Cli, vendors: VendorServer) -> None:
    cli("explain", "-t", "premium")
    assert vendors.requests == []
