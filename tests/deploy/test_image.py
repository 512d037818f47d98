"""The Dockerfile: linted, and true to the code. CI's job `deploy` takes its steps one by one, with .ci/image.py."""

import importlib.util
import re
from functools import cache
from typing import Any

import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement

from tests.deploy.files import DEPLOY, PROJECT, ROOT, passes, program
from tests.deploy.promises import parsed, serves, variables


@cache
def steps() -> Any:
    spec = importlib.util.spec_from_file_location("image", ROOT / ".ci/image.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    import sys

    sys.modules["image"] = module  # its dataclasses look themselves up there
    spec.loader.exec_module(module)
    return module


@cache
def stages() -> Any:
    return steps().stages((DEPLOY / "Dockerfile").read_text())


def pinned(name: str) -> dict[str, str]:
    """Each requirement of a lock and its version, for this Python."""
    found = {}
    for line in (DEPLOY / "locks" / name).read_text().splitlines():
        if line[:1].isalnum():
            requirement = Requirement(line.rstrip(" \\"))
            if requirement.marker is None or requirement.marker.evaluate():
                (version,) = requirement.specifier
                found[requirement.name] = version.version
    return found


def test_hadolint_has_nothing_to_say() -> None:
    passes(program("hadolint"), "--failure-threshold", "style", str(DEPLOY / "Dockerfile"))


def test_what_it_starts_is_a_command_of_ours() -> None:
    last = stages()[-1]
    entry, command = last.listed("ENTRYPOINT"), last.listed("CMD")
    assert entry == ["tini", "--", "creative-services"]
    assert parsed(command)["host"] == "0.0.0.0"
    assert str(parsed(command)["port"]) == last.all("EXPOSE")[-1]


def test_its_variables_are_read() -> None:
    ours = {name for name in stages()[-1].environment() if name.startswith("CREATIVE_SERVICES_")}
    assert ours
    assert ours <= variables()


def test_its_health_check_asks_a_path_that_is_served_and_needs_no_other_program() -> None:
    python, _, code = stages()[-1].listed("HEALTHCHECK")
    assert python == "python"
    (path,) = re.findall(r"8080(/[\w/]+)'", code)
    assert serves(path)


def test_it_runs_as_a_number_that_is_not_root() -> None:
    assert re.fullmatch(r"[1-9]\d+:[1-9]\d+", stages()[-1].all("USER")[-1])


def test_no_layer_is_given_a_secret() -> None:
    written = "\n".join(f"{word} {rest}" for stage in stages() for word, rest in stage.steps if word in ("ARG", "ENV"))
    assert not re.search(r"(?i)password|secret|token|_key\b|_keys\b", written)


def test_the_builder_is_sent_the_source_and_nothing_else() -> None:
    sent = {str(path.relative_to(ROOT)) for path in steps().sent(ROOT)}
    assert {"pyproject.toml", "creative_services/__init__.py", "deploy/locks/image.txt"} <= sent
    tops = {name.partition("/")[0] for name in sent}
    assert tops == {"LICENSE", "README.rst", "creative_services", "deploy", "django_app", "pyproject.toml"}
    assert not [name for name in sent if name.endswith((".pyc", ".sqlite3")) or "/.env" in name]


def test_every_copy_finds_what_it_copies() -> None:
    sources = [name for rest in stages()[1].all("COPY") for name in rest.split()[:-1]]
    assert sources
    assert [name for name in sources if not (ROOT / name).exists()] == []


def extras() -> list[str]:
    (words,) = re.findall(r"^EXTRAS=\((.*)\)$", (DEPLOY / "lock").read_text(), re.MULTILINE)
    return str(words).split()


@pytest.mark.parametrize("extra", extras())
def test_the_lock_keeps_what_an_extra_asks_for(extra: str) -> None:
    have = pinned("image.txt")
    environment = default_environment()
    for written in PROJECT["optional-dependencies"][extra]:
        wanted = Requirement(written)
        if wanted.name == "creative-services" or (wanted.marker and not wanted.marker.evaluate(dict(environment))):
            continue
        assert wanted.name in have, f"{written} is not locked: run deploy/lock"
        assert wanted.specifier.contains(have[wanted.name]), (
            f"{wanted} is locked at {have[wanted.name]}: run deploy/lock"
        )


def test_what_up_serve_and_entries_need_is_locked() -> None:
    assert {"up", "server", "cli", "postgres", "redis", "nats", "openai", "anthropic", "groq"} <= set(extras())


def test_the_wheel_is_made_with_what_pyproject_asks_for() -> None:
    assert "hatchling" in pinned("build.txt")


@pytest.mark.parametrize("name", ["build.txt", "image.txt"])
def test_every_pin_has_its_hashes(name: str) -> None:
    blocks = re.split(r"\n(?=\S)", (DEPLOY / "locks" / name).read_text().strip())
    assert [block.splitlines()[0] for block in blocks if "--hash=sha256:" not in block] == []
