"""Every code block of the public reference document runs as printed, in order, against a local vendor."""

import dataclasses
import functools
from collections.abc import Callable
from enum import Enum
from types import SimpleNamespace
from typing import Any, Optional

from sybil import Document
from sybil.parsers.rest import CodeBlockParser

from creative_services import LLMEntry, LLMRegistry, LLMResponse, LLMTier, adapters
from tests.house.examples import ROOT, Notebook

PROMISE = ROOT / "docs" / "reference" / "llm_registry.rst"


def blocks() -> list[tuple[int, str]]:
    """(line, source) of the document's Python blocks."""
    document = Document.parse(str(PROMISE), CodeBlockParser("python", lambda example: None))
    return [(example.line, example.parsed) for example in document]


def block_with(words: str) -> str:
    return next(source for _, source in blocks() if words in source)


def given_names() -> dict[str, Any]:
    """What the document takes as known before its first line."""
    return {
        "Enum": Enum,
        "Optional": Optional,
        # The printed LLMEntry has a field without a default after fields with one, which Python
        # allows only to keyword-only dataclasses; ours is one.
        "dataclass": functools.partial(dataclasses.dataclass, kw_only=True),
    }


def printed(words: str, **names: Any) -> dict[str, Any]:
    """The names that one block defines."""
    namespace = given_names() | names
    exec(block_with(words), namespace)
    return namespace


def test_every_block_runs_as_printed(notebook: Notebook, record_property: Callable[[str, object], None]) -> None:
    notebook.names.update(given_names())
    for line, source in blocks():
        # Runs by itself from the day the adapter exists; until then the summary of every run says that it did not.
        if "DjangoLLMRegistry" in source and "DjangoLLMRegistry" not in dir(adapters):
            record_property(
                "not run", f"{PROMISE.name}:{line}: creative_services.adapters has no DjangoLLMRegistry yet"
            )
            continue
        notebook.python(source, str(PROMISE), line)
        if "registry.list_active()" in source:
            # Here LLMTier is the enum the document printed, not ours, and must be understood all the same.
            assert notebook.names["llm"].tier is LLMTier.STANDARD
    response = notebook.names["response"]
    assert isinstance(response, LLMResponse)
    assert response.llm.id == 2


def test_the_printed_tiers_are_ours() -> None:
    tiers = printed("class LLMTier")["LLMTier"]
    assert {tier.name: tier.value for tier in tiers} == {tier.name: tier.value for tier in LLMTier}


def test_the_printed_entry_is_a_part_of_ours() -> None:
    theirs = printed("class LLMEntry", LLMTier=LLMTier)["LLMEntry"]
    defaults = {field.name: field.default for field in dataclasses.fields(LLMEntry)}
    for field in dataclasses.fields(theirs):
        assert field.name in defaults
        assert field.default in (dataclasses.MISSING, defaults[field.name])


def test_the_printed_rule_chooses_as_we_do(notebook: Notebook) -> None:
    registry = printed("registry.list_active()", LLMTier=LLMTier)["registry"]
    rule = printed("def get_by_tier(self, tier", LLMTier=LLMTier, LLMEntry=LLMEntry)["get_by_tier"]
    for tier in LLMTier:
        assert rule(SimpleNamespace(_entries=registry.list_active()), tier) is registry.get_by_tier(tier)


def test_the_printed_custom_registry_is_a_registry() -> None:
    custom = printed("class MyCustomRegistry", LLMEntry=LLMEntry, LLMTier=LLMTier)["MyCustomRegistry"]
    assert isinstance(custom(), LLMRegistry)
