"""Small rooms: the bar for the length of functions and files, measured over everything we ship."""

import ast
from collections.abc import Iterator
from pathlib import Path
from statistics import median, quantiles

ROOT = Path(__file__).parents[2]

# The bar of the houses we admire: a function is seen whole, a file is read in one sitting.
MEDIAN, P90, LONGEST, FILE_LINES, SMALL_FILES = 8, 25, 60, 300, 0.95


def shipped() -> Iterator[Path]:
    for package in ("creative_services", "django_app"):
        yield from (p for p in sorted((ROOT / package).rglob("*.py")) if "migrations" not in p.parts)


def functions() -> list[tuple[int, str]]:
    """(lines, where) of every function and method."""
    measured = []
    for path in shipped():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                measured.append((lines, f"{path.relative_to(ROOT)}:{node.lineno} {node.name}"))
    return measured


def longest(measured: list[tuple[int, str]], above: int) -> str:
    return "\n".join(f"{lines:4} {where}" for lines, where in sorted(measured, reverse=True) if lines > above)


def test_functions_are_seen_whole() -> None:
    measured = functions()
    lengths = [lines for lines, _ in measured]
    print(f"{len(lengths)} functions: median {median(lengths)}, p90 {quantiles(lengths, n=10)[-1]}, max {max(lengths)}")
    assert max(lengths) <= LONGEST, longest(measured, LONGEST)
    assert median(lengths) <= MEDIAN, longest(measured, P90)
    assert quantiles(lengths, n=10)[-1] <= P90, longest(measured, P90)


def test_files_are_read_in_one_sitting() -> None:
    sizes = [(len(path.read_text().splitlines()), str(path.relative_to(ROOT))) for path in shipped()]
    large = [size for size in sizes if size[0] >= FILE_LINES]
    print(f"{len(sizes)} files, {len(large)} of {FILE_LINES} lines or more")
    assert len(large) <= len(sizes) * (1 - SMALL_FILES), longest(large, 0)
