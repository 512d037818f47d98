"""A Django project on disk and its processes: what one process cannot show about several."""

import json
import os
import subprocess
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from queue import Empty, Queue
from tempfile import TemporaryFile
from textwrap import dedent
from threading import Thread
from typing import Any

from tests.django_app.nursery import ROOT, Nursery
from tests.django_app.settings import database

PATIENCE = 60.0

nursery = cache(Nursery)  # one for all projects of the session, closed at its end

# The whole project: these are the ten lines of the tutorial, and the keys.
SETTINGS = """
SECRET_KEY = "for tests only"
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django_app.llms",
    "django_app.access",
]
DATABASES = {{"default": {database!r}}}
USE_TZ = True
CREATIVE_SERVICES = {creative_services!r}
"""

MANAGE = """
import sys
from django.core.management import execute_from_command_line
execute_from_command_line(sys.argv)
"""

PREAMBLE = """
import json, sys, time
import django
django.setup()
from django_app.llms.models import Llms, Revision
from creative_services import LLMTier
from creative_services.adapters import DjangoLLMRegistry

def say(*words):
    print(json.dumps(words), flush=True)

def hear():
    return json.loads(sys.stdin.readline())
"""


class Project:
    """Settings in a directory, and Python processes that use them."""

    def __init__(self, directory: Path, url: str = "", **creative_services: Any) -> None:
        self.directory = directory
        self.file = directory / "db.sqlite3"
        settings = database(url) if url else {"ENGINE": "django.db.backends.sqlite3", "NAME": str(self.file)}
        self.configure(settings, creative_services)
        self._children: list[Child] = []

    def configure(self, settings: Mapping[str, Any], creative_services: Mapping[str, Any]) -> None:
        """Write the settings module."""
        text = SETTINGS.format(database=dict(settings), creative_services=dict(creative_services))
        (self.directory / "project_settings.py").write_text(text)

    @property
    def environment(self) -> dict[str, str]:
        path = os.pathsep.join([str(ROOT), str(self.directory)])
        return {**os.environ, "PYTHONPATH": path, "DJANGO_SETTINGS_MODULE": "project_settings"}

    def manage(self, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """``manage.py`` with these words."""
        with TemporaryFile("w+") as said, TemporaryFile("w+") as complained, Path(os.devnull).open() as nothing:
            files = [file.fileno() for file in (nothing, said, complained)]
            code = nursery().bear(MANAGE, files, self.environment, words).wait(PATIENCE)
            texts = [file.seek(0) or file.read() for file in (said, complained)]
        assert not check or code == 0, "".join(texts)
        return subprocess.CompletedProcess(words, code, *texts)

    def run(self, code: str) -> list[Any]:
        """What a process of its own says until its end."""
        child = self.start(code)
        said = list(child.rest())
        child.stop()
        return said

    def start(self, code: str) -> "Child":
        """A process of its own, to talk with."""
        child = Child(PREAMBLE + dedent(code), self.environment)
        self._children.append(child)
        return child

    def close(self) -> None:
        """End every process."""
        for child in self._children:
            child.stop()


class Child:
    """A process that says JSON lines, and hears them."""

    def __init__(self, code: str, environment: Mapping[str, str]) -> None:
        pipes = [os.pipe() for _ in range(3)]
        (its_stdin, stdin), (stdout, its_stdout), (stderr, its_stderr) = pipes
        its = (its_stdin, its_stdout, its_stderr)
        self.process = nursery().bear(code, its, environment)
        for file in its:
            os.close(file)
        self._stdin, self._stdout, self._stderr = os.fdopen(stdin, "w"), os.fdopen(stdout), os.fdopen(stderr)
        self._said: Queue[str | None] = Queue()
        self.complaints: list[str] = []
        self._readers = [Thread(target=self._read), Thread(target=self._read_complaints)]
        for reader in self._readers:
            reader.start()

    def _read(self) -> None:
        for line in self._stdout:
            self._said.put(line)
        self._said.put(None)

    def _read_complaints(self) -> None:
        self.complaints.extend(self._stderr)

    def hears(self) -> Any:
        """The next thing it says."""
        try:
            line = self._said.get(timeout=PATIENCE)
        except Empty:
            raise AssertionError(f"The process said nothing. {''.join(self.complaints)}") from None
        assert line is not None, f"The process ended. {''.join(self.complaints)}"
        return json.loads(line)

    def rest(self) -> Any:
        """All it says until its end."""
        while (line := self._said.get(timeout=PATIENCE)) is not None:
            yield json.loads(line)
        assert self.process.wait(PATIENCE) == 0, "".join(self.complaints)

    def tell(self, *words: Any) -> None:
        """Say something to it."""
        self._stdin.write(json.dumps(words) + "\n")
        self._stdin.flush()

    def stop(self) -> None:
        """End it, if it runs."""
        self.process.kill()
        self.process.wait(PATIENCE)
        for reader in self._readers:
            reader.join(PATIENCE)
        for stream in (self._stdin, self._stdout, self._stderr):
            stream.close()
