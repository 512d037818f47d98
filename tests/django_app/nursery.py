"""Starts Python processes in a tenth of the time: one process imports what all of them need, and forks.

Each born process is a real one, with its own pid, environment, pipes, signals and end (``atexit`` included); only its
imports were made before. Run as a program, this module is the process that forks.
"""

import json
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryFile

ROOT = Path(__file__).parents[2]

# Whatever needs no settings. Modules with models do, so each process imports those by itself.
IMPORTS = (
    "asyncio", "concurrent.futures", "logging.config", "multiprocessing.pool", "sqlite3", "psycopg", "aiohttp",
    "django.core.management", "django.db.backends.sqlite3.base", "django.db.backends.postgresql.base",
    "django.db.migrations.executor", "django.test.client", "django.contrib.auth.hashers",
    "creative_services.llms.client", "creative_services.llms.blocking", "creative_services.providers.offline",
    "creative_services.catalog.prices",
)  # fmt: skip


class Born:
    """A process of the nursery, with what ``subprocess.Popen`` has for one."""

    def __init__(self, told: int) -> None:
        self._told = os.fdopen(told)
        self.pid = int(self._told.readline())
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """How it ended; None while it runs."""
        with suppress(subprocess.TimeoutExpired):
            self.wait(0)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end."""
        if self.returncode is None:
            if not select.select([self._told], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired(f"process {self.pid}", timeout or 0)
            self.returncode = int(self._told.readline())
            self._told.close()
        return self.returncode

    def kill(self) -> None:
        """``kill -9``, if it still runs."""
        if self.poll() is None:
            os.kill(self.pid, signal.SIGKILL)


class Nursery:
    """The process that forks, from the side of who asks."""

    def __init__(self) -> None:
        self._requests, theirs = socket.socketpair()
        with theirs:
            command = [sys.executable, "-P", "-X", "dev", __file__]
            environment = {**os.environ, "PYTHONPATH": str(ROOT)}
            self._process = subprocess.Popen(command, stdin=theirs, env=environment)

    def bear(self, code: str, files: Sequence[int], environment: Mapping[str, str], words: Sequence[str] = ()) -> Born:
        """A process that runs ``code``, with these files as its standard input, output and error."""
        ours, theirs = os.pipe()
        with TemporaryFile("w+") as request:
            json.dump({"code": code, "environment": dict(environment), "words": list(words)}, request)
            request.flush()
            socket.send_fds(self._requests, [b"!"], [*files, theirs, request.fileno()])
            os.close(theirs)
            return Born(ours)

    def close(self) -> None:
        """No more processes; those that live go on."""
        self._requests.close()
        self._process.wait()


def serve(requests: socket.socket) -> tuple[str, list[str]]:
    """Fork for every request until nobody can ask any more; returns only in the forked process."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the keepers
    while True:
        message, files, _, _ = socket.recv_fds(requests, 1, 5)
        if not message:
            os._exit(0)
        if os.fork() == 0:
            requests.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            return become(*files)
        for file in files:
            os.close(file)


def become(stdin: int, stdout: int, stderr: int, told: int, asked: int) -> tuple[str, list[str]]:
    """The code and words of a process that is now born; its keeper stays behind here."""
    if (child := os.fork()) != 0:
        keep(child, told, stdin, stdout, stderr)
    os.close(told)
    for number, file in enumerate((stdin, stdout, stderr)):
        os.dup2(file, number)
        os.close(file)
    with os.fdopen(asked) as file_of_request:
        file_of_request.seek(0)
        request = json.load(file_of_request)
    os.environ.clear()
    os.environ.update(request["environment"])
    sys.path[:0] = os.environ["PYTHONPATH"].split(os.pathsep)
    return request["code"], request["words"]


def keep(child: int, told: int, *others: int) -> None:
    """Tell the child's pid, and then how it ended."""
    for file in (*others, 0):
        os.close(file)
    with suppress(BrokenPipeError):  # whoever asked may be gone by then
        os.write(told, f"{child}\n".encode())
        _, status = os.waitpid(child, 0)
        os.write(told, f"{os.waitstatus_to_exitcode(status)}\n".encode())
    os._exit(0)


if __name__ == "__main__":
    for name in IMPORTS:
        import_module(name)
    _code, _words = serve(socket.socket(fileno=os.dup(0)))
    sys.argv = ["-c", *_words]
    exec(compile(_code, "<string>", "exec"))
