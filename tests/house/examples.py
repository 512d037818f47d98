"""Runs the blocks of a documentation page in order, as a reader would type them, against a local vendor."""

import ast
import asyncio
import contextlib
import doctest
import inspect
import io
import os
import subprocess
import sys
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from sybil import Document, Example
from sybil.parsers.rest import CodeBlockParser
from sybil.typing import Parser

from creative_services import DynamicLLMClient
from creative_services.testing.vendors import VendorServer

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.rst", *sorted((ROOT / "docs").rglob("*.rst"))]

_COMPARER = doctest.OutputChecker()
_LENIENT = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE

# Set-up lines: `.ci/run` runs those of the README in a clean copy; a test must not install packages. Engines and
# clusters: tests/deploy looks at what these are given.
_NOT_RUN = (
    "pip install", "python3 -m venv", "pre-commit install", ".ci/run",
    "docker build", "docker run", "docker compose up", "kubectl apply",
)  # fmt: skip


def vendor_environment(vendors: VendorServer) -> dict[str, str]:
    """What a user's shell would export to reach the vendors, pointed at the local one."""
    return {
        "OPENAI_API_KEY": "sk-docs-0123456789abcdef",
        "OPENAI_BASE_URL": vendors.openai_url,
        "ANTHROPIC_API_KEY": "sk-ant-docs-0123456789abcdef",
        "ANTHROPIC_BASE_URL": vendors.anthropic_url,
        "GROQ_API_KEY": "gsk_docs0123456789abcdef",
        "GROQ_BASE_URL": vendors.groq_url,
        "OLLAMA_HOST": vendors.ollama_url,
    }


class Notebook:
    """One page being read: its namespace, its event loop, its directory of files."""

    def __init__(self, home: Path, environment: Mapping[str, str], names: Mapping[str, Any]) -> None:
        self.home = home
        self.environment = environment
        self.names: dict[str, Any] = {"__name__": "__main__", **names}
        self.output = ""
        self._runner = asyncio.Runner()
        self._untested: set[str] = set()
        self._install_commands()

    def _install_commands(self) -> None:
        # The console script may not be installed beside a source checkout; the module always is. Scripts and not links:
        # an interpreter reached through a link would not find its virtual environment.
        commands = self.home / "bin"
        commands.mkdir()
        for name, arguments in {"python": "", "creative-services": "-m creative_services "}.items():
            command = commands / name
            command.write_text(f'#!/bin/sh\nexec {sys.executable} {arguments}"$@"\n')
            command.chmod(0o755)

    def close(self) -> None:
        """A reader's interpreter ends here; whatever the page left open is closed."""
        for value in list(self.names.values()):
            if isinstance(value, DynamicLLMClient):
                self._runner.run(value.aclose())
        self._runner.close()
        assert not self._untested, f"the page shows tests it never runs: {sorted(self._untested)}"

    def python(self, source: str, where: str, line: int) -> None:
        """Run a block; `await` works at top level, as in `python -m asyncio`."""
        code = compile("\n" * line + source, where, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
        with contextlib.redirect_stdout(io.StringIO()) as written:
            result = eval(code, self.names)
            if inspect.iscoroutine(result):
                self._runner.run(result)
        self.output = written.getvalue()

    def console(self, source: str) -> None:
        """Run each line behind a `$`; the lines between are what the commands print."""
        expected: list[str] = []
        self.output = ""
        for line in source.splitlines():
            if line.startswith("$ "):
                self.expect("\n".join(expected))
                expected.clear()
                self.shell(line.removeprefix("$ "))
            else:
                expected.append(line)
        self.expect("\n".join(expected))

    def script(self, source: str) -> None:
        """Run lines that are there to be copied whole."""
        for line in source.replace("\\\n", " ").splitlines():
            if line.strip():
                self.shell(line)

    def shell(self, command: str) -> None:
        """Run one command in the page's directory."""
        if any(words in command for words in _NOT_RUN):
            return
        environment = {
            # The tests of the Django app name their own settings for this whole process; a reader's shell does not.
            **{name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"},
            **self.environment,
            "PATH": f"{self.home / 'bin'}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": os.pathsep.join([str(ROOT), str(self.home)]),
            "COLUMNS": "120",
        }
        done = subprocess.run(
            ["bash", "-c", command], cwd=self.home, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
        self._untested = {name for name in self._untested if name not in command}
        self.output = done.stdout

    def save(self, name: str, source: str) -> None:
        """A captioned block is a file of that name."""
        (self.home / name).write_text(source)
        if name.startswith("test_"):
            self._untested.add(name)

    def expect(self, text: str) -> None:
        """Compare with what was printed; `...` stands for anything."""
        if text.strip():
            same = _COMPARER.check_output(text.strip() + "\n", self.output.strip() + "\n", _LENIENT)
            assert same, f"the page promises:\n{text}\nbut it printed:\n{self.output}"


def _python(notebook: Notebook, example: Example, source: str) -> None:
    name = _caption(example)
    if name:
        notebook.save(name, source)
    if not name.startswith("test_"):
        offset = example.region.lexemes["source"].line_offset
        notebook.python(source, str(example.path), example.line + offset)


def _console(notebook: Notebook, example: Example, source: str) -> None:
    notebook.console(source)


def _bash(notebook: Notebook, example: Example, source: str) -> None:
    notebook.script(source)


def _toml(notebook: Notebook, example: Example, source: str) -> None:
    tomllib.loads(source)
    if name := _caption(example):
        notebook.save(name, source)


def _file(notebook: Notebook, example: Example, source: str) -> None:
    notebook.save(_caption(example), source)


def _output(notebook: Notebook, example: Example, source: str) -> None:
    notebook.expect(source)


def _caption(example: Example) -> str:
    return str(example.region.lexemes["options"].get("caption", ""))


LANGUAGES: dict[str, Callable[[Notebook, Example, str], None]] = {
    "python": _python,
    "console": _console,
    "bash": _bash,
    "toml": _toml,
    "json": _file,
    "yaml": _file,
    "javascript": _file,
    "output": _output,
}


def read(page: Path, notebook: Notebook) -> None:
    """Run every block of ``page``."""
    parsers: list[Parser] = [CodeBlockParser(name, _evaluator(name, notebook)) for name in LANGUAGES]
    for example in Document.parse(str(page), *parsers):
        example.evaluate()


def _evaluator(language: str, notebook: Notebook) -> Callable[[Example], None]:
    return lambda example: LANGUAGES[language](notebook, example, example.parsed)
