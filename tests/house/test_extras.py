"""A message that says ``pip install 'creative-services[x]'`` names an extra that exists."""

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]


def named_extras() -> Iterator[tuple[str, str]]:
    """(where, extra) of every ``extra="..."`` written in a call of the source."""
    for path in sorted(ROOT.glob("creative_services/**/*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call):
                for word in node.keywords:
                    if (
                        word.arg == "extra"
                        and isinstance(word.value, ast.Constant)
                        and isinstance(word.value.value, str)
                    ):
                        yield f"{path.relative_to(ROOT)}:{node.lineno}", word.value.value


def test_every_extra_named_in_the_source_exists() -> None:
    named = list(named_extras())
    assert named, "no source names an extra: this test looks at nothing"
    assert [f"{where} names [{extra}]" for where, extra in named if extra not in EXTRAS] == []


def test_all_brings_every_extra() -> None:
    (everything,) = EXTRAS["all"]
    inside = everything.partition("[")[2].rstrip("]").split(",")
    assert sorted(inside) == sorted(EXTRAS.keys() - {"all", "dev"})


def test_dev_stands_on_all() -> None:
    assert "creative-services[all]" in EXTRAS["dev"]


def test_nothing_is_required() -> None:
    assert PROJECT["dependencies"] == []


@pytest.mark.parametrize("extra", sorted(EXTRAS.keys() - {"all"}))
def test_every_requirement_says_its_oldest_version(extra: str) -> None:
    floating = [r for r in EXTRAS[extra] if ">=" not in r and not r.startswith(("creative-services[", "types-"))]
    assert floating == []


def test_every_library_has_a_reason_in_the_docs() -> None:
    page = (ROOT / "docs" / "explanation" / "dependencies.rst").read_text()
    rows = page.partition(".. list-table::")[2].partition("\nTo work on")[0]
    explained = set(re.findall(r"``([\w-]+)``", "".join(re.findall(r"\* - (.*)", rows))))
    wanted = {re.split(r"[>=<\[]", r)[0] for extra in EXTRAS.keys() - {"all", "dev"} for r in EXTRAS[extra]}
    assert explained == wanted - {PROJECT["name"]}  # an extra may stand on others
