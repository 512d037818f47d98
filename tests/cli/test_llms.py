"""The listing: who wins, what it costs, when it retires."""

from datetime import date
from pathlib import Path

import pytest

from creative_services import DictRegistry, LLMEntry, LLMTier
from creative_services.cli.standing import standings
from creative_services.testing.vendors import VendorServer
from tests.cli.conftest import KEY, Cli


def test_every_entry_is_listed_tier_by_tier_with_its_winner(cli: Cli, vendors: VendorServer) -> None:
    listed = cli("llms", "--json").json
    assert [row["id"] for row in listed] == [10, 1, 20, 2, 11, 3, 12, 30]
    assert {row["tier"]: row["id"] for row in listed if row["wins"]} == {
        "economy": 10, "standard": 2, "premium": 3, "local": 30,
    }  # fmt: skip
    mini = next(row for row in listed if row["id"] == 2)
    assert mini["usd_per_1k"] == {"input": "0.00015", "output": "0.0006"}
    assert mini["usd_per_1m"] == {"input": "0.15", "output": "0.6"}
    assert mini["retires_on"] == "2027-01-14"
    assert mini["successor"] == "gpt-6.1-terra"


def test_one_tier_alone(cli: Cli, vendors: VendorServer) -> None:
    assert [row["id"] for row in cli("llms", "--tier", "Premium", "--json").json] == [3, 12]


def test_plain_output_is_one_aligned_line_per_entry(cli: Cli, vendors: VendorServer) -> None:
    heading, *rows = cli("llms").out.splitlines()
    assert heading.split() == [
        "WINS", "ID", "TIER", "NAME", "MODEL", "IN/1K", "OUT/1K", "IN/1M", "OUT/1M", "STATUS", "RETIRES", "SUCCESSOR",
        "REPLACES",
    ]  # fmt: skip
    assert len(rows) == 8
    column = heading.index("MODEL")
    assert all(row[column - 2 : column] == "  " and row[column] != " " for row in rows)
    assert "\x1b" not in heading + "".join(rows)


def test_no_key_is_shown(cli: Cli, vendors: VendorServer) -> None:
    assert KEY not in cli("llms").out + cli("llms", "--json").out


def test_nothing_to_list_is_said(cli: Cli, nobody: None) -> None:
    ended = cli("llms")
    assert (ended.code, ended.out) == (0, "")
    assert "There is no entry." in ended.err
    assert cli("llms", "--json").json == []


def test_entries_of_a_file_are_listed(cli: Cli, nobody: None, tmp_path: Path) -> None:
    config = tmp_path / "entries.toml"
    config.write_text('[[entries]]\nid = 7\nprovider = "offline"\nmodel = "echo"\ntier = "premium"\nname = "Echo"\n')
    assert [row["name"] for row in cli("llms", "--config", config, "--json").json] == ["Echo"]


def test_a_file_that_is_not_there_is_one_line(cli: Cli, tmp_path: Path) -> None:
    ended = cli("llms", "--config", tmp_path / "nope.toml")
    assert ended.code == 1
    assert ended.err.startswith("Error: The configuration file")
    assert len(ended.err.splitlines()) == 1


@pytest.mark.parametrize(
    ("on", "status", "says"),
    [
        (date(2026, 11, 1), "active", "retires 2027-01-14"),
        (date(2026, 11, 21), "retiring", "retires 2027-01-14"),
        (date(2027, 1, 14), "retired", "retired 2027-01-14"),
    ],
)
def test_an_entry_that_retires_says_so(on: date, status: str, says: str) -> None:
    llm = LLMEntry(
        id=1, name="Old", provider="openai", model="old", tier="standard", retires_on=date(2027, 1, 14), successor="new"
    )
    (found,) = standings(DictRegistry([llm]), on)
    assert (found.status, found.says) == (status, says)


def test_a_successor_says_whose_place_it_has() -> None:
    registry = DictRegistry.from_env({"OPENAI_API_KEY": KEY, "OLLAMA_HOST": ""})
    after_all_retirements = standings(registry, date(2027, 2, 1))
    assert all(each.replaces for each in after_all_retirements if each.llm.id == 1)


def test_an_entry_that_is_switched_off_is_listed_last_and_wins_nothing() -> None:
    def entry(llm_id: int, active: bool) -> LLMEntry:
        return LLMEntry(id=llm_id, name="x", provider="offline", model="x", tier=LLMTier.LOCAL, is_active=active)

    off, on = standings(DictRegistry([entry(1, False), entry(2, True)]), date(2030, 1, 1))[::-1]
    assert (off.llm.id, off.says, off.wins) == (1, "switched off", False)
    assert (on.llm.id, on.wins) == (2, True)
