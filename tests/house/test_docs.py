"""Every code block of the README and of the documentation runs, and prints what the page says it prints."""

import re
from pathlib import Path

import pytest

from tests.house.examples import LANGUAGES, PAGES, ROOT, Notebook, read

# The reference document describes shapes as well as calls; it has a test of its own.
PROMISE = ROOT / "docs" / "reference" / "llm_registry.rst"
# Pages that need servers around them: tests/replicas/test_pages.py and tests/server/test_pages.py.
SERVED = (ROOT / "docs" / "replicas", ROOT / "docs" / "gateway")


@pytest.mark.parametrize(
    "page", [p for p in PAGES if p != PROMISE and p.parent not in SERVED], ids=lambda p: str(p.relative_to(ROOT))
)
def test_every_block_runs(page: Path, notebook: Notebook) -> None:
    read(page, notebook)


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_every_block_is_in_a_language_that_is_checked(page: Path) -> None:
    languages = re.findall(r"^\s*\.\. (?:code-block|code|sourcecode)::[ \t]*(\S*)", page.read_text(), re.MULTILINE)
    assert sorted(set(languages) - set(LANGUAGES)) == []
