"""``creative-services up`` as a process, and what its visitors do."""

import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing, suppress
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from tests.servers import free_ports

ROOT = Path(__file__).parents[3]
PATIENCE = 60.0
NOT_OURS = ("DJANGO_SETTINGS_MODULE", "DATABASE_URL", "REDIS_URL", "NATS_URL", "OPENAI_API_KEY", "ANTHROPIC_API_KEY")


def environment(**more: str) -> dict[str, str]:
    """A shell without any settings of its own."""
    plain = {name: value for name, value in os.environ.items() if name not in NOT_OURS}
    return {**plain, "PYTHONPATH": str(ROOT), "COLUMNS": "200", "CREATIVE_SERVICES_GATEWAY_DRAIN": "0.3", **more}


def command(*options: str) -> list[str]:
    return [sys.executable, "-m", "creative_services", "up", *options]


class Up:
    """One start of a site."""

    def __init__(self, data: Path, *options: str, host: str = "127.0.0.1", **environ: str) -> None:
        self.data, self.host = data, host
        (self.port,) = free_ports(1)
        self.url = f"http://{host}:{self.port}"
        self._said = (data.parent / f"said-{self.port}").open("w+")
        self._log = (data.parent / f"log-{self.port}").open("w+")
        words = command("--port", str(self.port), "--data-dir", str(data), *options)
        self.process = subprocess.Popen(
            words, stdout=self._said, stderr=self._log, env=environment(**environ), cwd=data.parent
        )

    def said(self) -> str:
        return Path(self._said.name).read_text()

    def logged(self) -> str:
        return Path(self._log.name).read_text()

    @property
    def password(self) -> str:
        found = re.search(r"user admin, password (\S+) ", self.said())
        assert found, self.said()
        return found[1]

    def all_ready(self, workers: int) -> "Up":
        """Each worker has opened its spool, the last thing it does before it listens."""
        self.ready()
        end = time.monotonic() + PATIENCE
        while len([path for path in (self.data / "gateway" / "spool").iterdir() if path.is_dir()]) < workers:
            assert time.monotonic() < end
            time.sleep(0.05)
        time.sleep(0.5)
        return self

    def ready(self) -> "Up":
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            with suppress(OSError):
                if self.get("/health/ready").status == 200:
                    return self
            assert self.process.poll() is None, self.said() + self.logged()
            time.sleep(0.05)
        raise AssertionError(self.said() + self.logged())

    def ask(self, method: str, path: str, body: bytes | None = None, **headers: str) -> HTTPResponse:
        """One request on a connection of its own; the whole answer, its text in ``content``."""
        with closing(HTTPConnection(self.host, self.port, timeout=PATIENCE)) as connection:
            connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
            answer = connection.getresponse()
            answer.content = answer.read()  # type: ignore[attr-defined]  # kept beside it, the connection ends here
            return answer

    def get(self, path: str, **headers: str) -> Any:
        return self.ask("GET", path, **headers)

    def call(self, request_id: str = "call", **headers: str) -> Any:
        body = b'{"model": "economy", "messages": [{"role": "user", "content": "Hello"}]}'
        return self.ask(
            "POST", "/v1/chat/completions", body, content_type="application/json", x_request_id=request_id, **headers
        )

    def children(self) -> dict[int, str]:
        """Process ids of the workers and of the one that makes pages."""
        pids = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        lines = {int(pid): Path(f"/proc/{pid}/cmdline").read_text() for pid in pids}
        return {pid: line for pid, line in lines.items() if "spawn_main" in line}

    def worker(self) -> int:
        """One of those that answer calls: they hold the port."""
        held = f":{self.port:04X} "
        for pid in self.children():
            sockets = {str(file.readlink()) for file in Path(f"/proc/{pid}/fd").iterdir()}
            lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:] if held in line]
            if sockets & {f"socket:[{line[9]}]" for line in lines}:
                return pid
        raise AssertionError("nobody holds the port")

    def rows(self) -> list[str]:
        """The request ids in the usage table."""
        with closing(sqlite3.connect(self.data / "site.sqlite3")) as database:
            return [row[0] for row in database.execute("SELECT call_id FROM creative_services_usage")]

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)

    def close(self) -> None:
        if self.process.poll() is None:
            for pid in self.children():
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self.process.kill()
            self.process.wait(PATIENCE)
        self._said.close()
        self._log.close()


class Browser:
    """Keeps cookies and shows forms their token, as a browser would."""

    def __init__(self, up: Up, **headers: str) -> None:
        self._up = up
        self._headers = headers
        self.cookies: dict[str, str] = {}
        self.last_cookies: list[str] = []

    def _with_cookies(self, answer: Any) -> Any:
        self.last_cookies = answer.headers.get_all("set-cookie") or []
        for cookie in self.last_cookies:
            name, _, value = cookie.partition(";")[0].partition("=")
            self.cookies[name] = value
        return answer

    @property
    def _cookie(self) -> str:
        return "; ".join(f"{name}={value}" for name, value in self.cookies.items())

    def get(self, path: str) -> Any:
        return self._with_cookies(self._up.get(path, cookie=self._cookie, **self._headers))

    def post(self, path: str, **fields: str) -> Any:
        token = {"csrfmiddlewaretoken": self.cookies.get("creative_services_csrf", "")}
        return self._with_cookies(
            self._up.ask(
                "POST", path, urlencode({**fields, **token}).encode(), cookie=self._cookie,
                content_type="application/x-www-form-urlencoded", **self._headers,
            )
        )  # fmt: skip

    def log_in(self, password: str, username: str = "admin") -> Any:
        self.get("/admin/login/")
        return self.post("/admin/login/?next=/admin/", username=username, password=password)
