"""The routing service as a process of its own, that a test may kill, freeze and start again."""

import json
import sys
from contextlib import suppress
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from tests.servers import Server

ROOT = Path(__file__).parents[2]


class RoutingServer(Server):
    """``creative-services replicas serve`` on a free port."""

    program, package, scheme = "creative-services", "this project", "http"
    options: tuple[str, ...] = ()

    def command(self) -> list[str]:
        serve = [sys.executable, "-m", "creative_services", "replicas", "serve", "--port", str(self.port)]
        return ["env", f"PYTHONPATH={ROOT}", *serve, *self.options]

    def ask(self, path: str, method: str = "GET", body: Any = None, **headers: str) -> tuple[int, Any]:
        """(status, document) of a request."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=10)
        sent = None if body is None else json.dumps(body)
        connection.request(method, path, sent, {"Content-Type": "application/json", **headers})
        response = connection.getresponse()
        document = json.loads(response.read())
        connection.close()
        return response.status, document

    def ready(self) -> bool:
        with suppress(OSError), urlopen(f"{self.url}/health", timeout=1) as answer:
            return bool(answer.status == 200)
        return False
