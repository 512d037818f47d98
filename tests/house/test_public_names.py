"""The door has one sorted list of names, the type checker sees the same ones, and each is documented."""

import ast
from pathlib import Path

import pytest

import creative_services

ROOT = Path(__file__).parents[2]
HOMES: dict[str, str] = creative_services._HOMES


def seen_by_type_checkers() -> list[tuple[str, str]]:
    """(module, name) of every import under ``if TYPE_CHECKING`` in the door, in the order written."""
    tree = ast.parse((ROOT / "creative_services" / "__init__.py").read_text())
    block = next(n for n in tree.body if isinstance(n, ast.If) and ast.unparse(n.test) == "TYPE_CHECKING")
    imports = [node for node in block.body if isinstance(node, ast.ImportFrom)]
    for node in imports:
        assert all(alias.name == alias.asname for alias in node.names), f"line {node.lineno} does not re-export"
    return [(str(node.module), alias.name) for node in imports for alias in node.names]


def test_the_names_are_sorted() -> None:
    assert list(HOMES) == sorted(HOMES)
    assert creative_services.__all__ == sorted([*HOMES, "__version__"])
    assert sorted(dir(creative_services)) == creative_services.__all__


def test_type_checkers_see_the_same_names_at_the_same_homes() -> None:
    assert sorted(seen_by_type_checkers()) == sorted(
        (f"creative_services.{home}", name) for name, home in HOMES.items()
    )


@pytest.mark.parametrize("name", creative_services.__all__)
def test_every_name_is_importable_and_says_what_it_is(name: str) -> None:
    value = getattr(creative_services, name)
    assert value
    if name != "__version__":
        assert (value.__doc__ or "").strip(), f"{name} has no docstring"


def test_every_name_is_in_the_reference() -> None:
    pages = "\n".join(page.read_text() for page in (ROOT / "docs" / "reference").glob("*.rst"))
    missing = [name for name in HOMES if f":: creative_services.{name}\n" not in pages]
    assert missing == [], "docs/reference documents every public name"
