"""The routing service as seen by those who use it: an address, a token, and one request at a time. Blocking."""

import http.client
import json
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import SplitResult, urlencode, urlsplit

from creative_services.core.errors import ConfigurationError, ReplicaError, ReplicaRefusedError
from creative_services.core.secrets import Secret

TIMEOUT: Final = 5.0


class Doorway:
    """One routing service."""

    def __init__(self, api_server: str, token: Secret | str | None = None) -> None:
        self._parts: SplitResult = urlsplit(api_server.strip().rstrip("/"))
        if self._parts.scheme not in ("http", "https") or not self._parts.hostname:
            raise ConfigurationError(f"api_server {api_server!r} is no URL. Write http://host:8080.")
        self.url = self._parts._replace(netloc=self._parts.netloc.rpartition("@")[2]).geturl()
        self._token = Secret(token) if isinstance(token, str) else token

    def open(
        self, method: str, path: str, body: Any = None, *, timeout: float = TIMEOUT
    ) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
        """(connection, answer) whose head has come; whoever gets them closes the connection."""
        secure = self._parts.scheme == "https"
        kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        assert self._parts.hostname
        connection = kind(self._parts.hostname, self._parts.port, timeout=timeout)
        try:
            sent = None if body is None else json.dumps(body).encode()
            connection.request(method, self._parts.path + path, sent, self._headers())
            return connection, connection.getresponse()
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            raise ReplicaError(
                f"{self.url} could not be asked: {error or type(error).__name__}. Does it run?"
            ) from error

    def ask(self, method: str, path: str, query: Mapping[str, str] | None = None) -> tuple[int, Any]:
        """(status, document) of a short answer."""
        connection, response = self.open(method, path + (f"?{urlencode(query)}" if query else ""))
        try:
            return response.status, json.loads(response.read())
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise ReplicaError(
                f"{self.url} gave no answer that can be read: {error}. Is it the routing service?"
            ) from error
        finally:
            connection.close()

    def refusal(self, status: int, document: Any) -> ReplicaRefusedError:
        """What an answer other than 200 means to its caller."""
        detail = document.get("detail", document) if isinstance(document, Mapping) else document
        return ReplicaRefusedError(f"{self.url} answered {status}: {detail}.", status=status, body=json.dumps(document))

    def _headers(self) -> dict[str, str]:
        shown = {"Authorization": f"Bearer {self._token.reveal()}"} if self._token else {}
        return {"Content-Type": "application/json", "Accept": "*/*", **shown}
