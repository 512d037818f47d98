"""A Django project on disk and its processes: what one process cannot show about several."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from queue import Empty, Queue
from textwrap import dedent
from threading import Thread
from typing import Any

from tests.django_app.settings import database

ROOT = Path(__file__).parents[2]
PATIENCE = 60.0

# The whole project: these are the ten lines of the tutorial.
SETTINGS = """
SECRET_KEY = "for tests only"
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django_app.llms",
]
DATABASES = {{"default": {database!r}}}
USE_TZ = True
CREATIVE_SERVICES = {creative_services!r}
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
        command = [sys.executable, "-m", "django", *words]
        done = subprocess.run(
            command, env=self.environment, capture_output=True, text=True, timeout=PATIENCE, check=False
        )
        assert not check or done.returncode == 0, done.stdout + done.stderr
        return done

    def run(self, code: str) -> list[Any]:
        """What a process of its own says until its end."""
        child = self.start(code)
        said = list(child.rest())
        child.stop()
        return said

    def start(self, code: str) -> "Child":
        """A process of its own, to talk with."""
        child = Child([sys.executable, "-X", "dev", "-c", PREAMBLE + dedent(code)], self.environment)
        self._children.append(child)
        return child

    def close(self) -> None:
        """End every process."""
        for child in self._children:
            child.stop()


class Child:
    """A process that says JSON lines, and hears them."""

    def __init__(self, command: list[str], environment: Mapping[str, str]) -> None:
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, env=environment, stdin=pipe, stdout=pipe, stderr=pipe, text=True)
        self._said: Queue[str | None] = Queue()
        self.complaints: list[str] = []
        self._readers = [Thread(target=self._read), Thread(target=self._read_complaints)]
        for reader in self._readers:
            reader.start()

    def _read(self) -> None:
        for line in self.process.stdout or ():
            self._said.put(line)
        self._said.put(None)

    def _read_complaints(self) -> None:
        self.complaints.extend(self.process.stderr or ())

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
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(words) + "\n")
        self.process.stdin.flush()

    def stop(self) -> None:
        """End it, if it runs."""
        self.process.kill()
        self.process.wait(PATIENCE)
        for reader in self._readers:
            reader.join(PATIENCE)
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            if stream:
                stream.close()
