"""Nothing in the project knows the machine it was written on, nor whose mirror its packages came from."""

import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]

# Left behind by tools, never part of the project.
LEFTOVERS = {".git", ".venv", "__pycache__", "_build", "build", "dist", "html", "node_modules", ".hypothesis"}

MACHINE_PATH = re.compile(r"(?<![\w.:/])/(?:home|root|Users|tmp|work|mnt|opt)/[\w.-]+")
REGISTRY_HOST = re.compile(
    r"\b(?:[\w-]+\.)*(?:pypi|pythonhosted|npmjs|debian|crates|rubygems|ghcr|docker)\.(?:org|com|io)\b"
)


def project_files() -> Iterator[Path]:
    for path in sorted(ROOT.rglob("*")):
        parts = path.relative_to(ROOT).parts
        if path.is_file() and not any(p in LEFTOVERS or p.endswith(("_cache", ".egg-info")) for p in parts):
            yield path


def found(pattern: re.Pattern[str]) -> list[str]:
    """``path:line: text`` of every match in the project's text files."""
    hits = []
    for path in project_files():
        text = path.read_bytes().decode("utf-8", errors="ignore")
        for match in pattern.finditer(text):
            line = text.count("\n", 0, match.start()) + 1
            hits.append(f"{path.relative_to(ROOT)}:{line}: {match[0]}")
    return hits


def test_the_search_reads_the_project() -> None:
    assert ROOT / "pyproject.toml" in set(project_files())
    assert MACHINE_PATH.search('open("' + "/".join(["", "home", "ada", "x"]) + '")')
    assert REGISTRY_HOST.search("https://" + ".".join(["files", "pythonhosted", "org"]) + "/x")


def test_no_file_names_a_path_of_a_machine() -> None:
    assert found(MACHINE_PATH) == []


def test_no_file_names_a_registry() -> None:
    assert found(REGISTRY_HOST) == []
