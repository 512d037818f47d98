"""Every code block of the public reference document runs as printed, in order, against a local vendor."""

import dataclasses
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from creative_services import DictRegistry, LLMEntry, LLMRegistry, LLMTier
from creative_services.testing.vendors import VendorServer
from tests.house.examples import ROOT, vendor_environment
from tests.house.promise import blocks, given_names


def printed(words: str, **names: Any) -> dict[str, Any]:
    """The names that the block with these words defines."""
    namespace = given_names() | names
    exec(next(source for _, source in blocks() if words in source), namespace)
    return namespace


def test_every_block_runs_as_printed(vendor_server: VendorServer, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "tests.house.promise", str(tmp_path)],
        cwd=ROOT,
        env={**os.environ, **vendor_environment(vendor_server)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "7 blocks\n"
    assert [seen.body["messages"][0]["content"] for seen in vendor_server.requests] == ["Write a story"] * 2


def test_the_printed_tiers_are_ours() -> None:
    tiers = printed("class LLMTier")["LLMTier"]
    assert {tier.name: tier.value for tier in tiers} == {tier.name: tier.value for tier in LLMTier}


def test_the_printed_entry_is_a_part_of_ours() -> None:
    theirs = printed("class LLMEntry", LLMTier=LLMTier)["LLMEntry"]
    defaults = {field.name: field.default for field in dataclasses.fields(LLMEntry)}
    for field in dataclasses.fields(theirs):
        assert field.name in defaults
        assert field.default in (dataclasses.MISSING, defaults[field.name])


def test_the_printed_rule_chooses_as_we_do(vendor_server: VendorServer) -> None:
    registry = DictRegistry.from_env(vendor_environment(vendor_server))
    rule = printed("def get_by_tier(self, tier", LLMTier=LLMTier, LLMEntry=LLMEntry)["get_by_tier"]
    for tier in LLMTier:
        assert rule(SimpleNamespace(_entries=registry.list_active()), tier) is registry.get_by_tier(tier)


def test_the_printed_custom_registry_is_a_registry() -> None:
    custom = printed("class MyCustomRegistry", LLMEntry=LLMEntry, LLMTier=LLMTier)["MyCustomRegistry"]
    assert isinstance(custom(), LLMRegistry)
