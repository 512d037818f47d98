"""A replica's side of a registration: hold the connection, and hold it again whenever it breaks."""

import asyncio
import http.client
import json
import socket
import threading
import uuid
from collections.abc import Mapping, Sequence
from contextlib import suppress
from logging import getLogger
from random import random
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import quote

from creative_services.core.errors import ReplicaError, ReplicaRefusedError
from creative_services.core.retries import full_jitter
from creative_services.core.secrets import Secret
from creative_services.replicas.doorway import Doorway

# The service shows life every 5 s; one that is silent for three times as long is gone without a farewell.
_SILENT_SECONDS: Final = 15.0
_LONGEST_PAUSE: Final = 30.0
# How often a replica that counts tells what it counted.
_TELLS_EVERY: Final = 10.0
# Said when somebody wanted this replica out; coming back would undo it.
_FINAL: Final = "evicted"
_log = getLogger("creative_services.replicas")


class Registration:
    """``with Registration("http://localhost:8080", "localhost:50051", [{"model": "qwen2"}]):`` is routed to.

    A thread holds the connection; when it breaks, it is made again after a short pause that grows and that differs
    from replica to replica. ``api_server`` may be several addresses: the next one is tried when one does not answer.
    """

    def __init__(
        self,
        api_server: str | Sequence[str],
        endpoint: str,
        capabilities: Sequence[Mapping[str, Any]],
        *,
        replica_id: str | None = None,
        weight: float = 1.0,
        token: Secret | str | None = None,
        wait: float = 5.0,
    ) -> None:
        """``wait`` is for how many seconds the beginning of the block waits for a service that does not answer yet."""
        servers = [api_server] if isinstance(api_server, str) else list(api_server)
        self._doors = [Doorway(server, token) for server in servers]
        self.replica_id = replica_id or f"replica-{endpoint.rpartition(':')[2]}-{uuid.uuid4().hex[:8]}"
        self.lease = _TELLS_EVERY * 3  # what middleware divides by three
        self._body: dict[str, Any] = {
            "replica_id": self.replica_id,
            "endpoint": endpoint,
            "capabilities": list(capabilities),
        }
        if weight != 1.0:
            self._body["weight"] = weight
        self._wait = wait
        self._registered, self._over = threading.Event(), threading.Event()
        self._settled = threading.Event()  # registered, or refused
        self.refusal: ReplicaRefusedError | None = None
        self.evicted = False
        self._connection: http.client.HTTPConnection | None = None
        self._thread: threading.Thread | None = None

    @property
    def registered(self) -> bool:
        """Whether the service routes to us at the moment."""
        return self._registered.is_set()

    def __enter__(self) -> Self:
        self._over.clear()
        self._thread = threading.Thread(
            target=self._hold_for_ever, name=f"registration of {self.replica_id}", daemon=True
        )
        self._thread.start()
        self._settled.wait(self._wait)
        if self.refusal is not None:
            self.close()
            raise self.refusal
        if not self.registered:
            _log.warning(
                "%s is not registered yet: %s does not answer. Trying on.", self.replica_id, self._doors[0].url
            )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Leave: whoever asks from now on is sent to others."""
        self._over.set()
        connection, thread = self._connection, self._thread
        if connection is not None and connection.sock is not None:
            with suppress(OSError):
                connection.sock.shutdown(socket.SHUT_RDWR)  # wakes the thread, which waits for a sign of life
        if thread is not None and thread is not threading.current_thread():
            thread.join(2 * _SILENT_SECONDS)
        self._thread = None

    async def heartbeat(self, data: Mapping[str, Any] | None = None) -> bool:
        """Tell the service what is counted here; False when we are not registered. Presence needs no heartbeat."""
        if not self.registered or not data:
            return False
        return await asyncio.to_thread(self._tell, data)

    def _tell(self, data: Mapping[str, Any]) -> bool:
        path = f"/register/{quote(self.replica_id, safe='')}"
        for door in self._doors:
            with suppress(ReplicaError):
                connection, response = door.open("PUT", path, data)
                connection.close()
                if response.status == 200:
                    return True
        return False

    def _hold_for_ever(self) -> None:
        failures = 0
        while not self._over.is_set():
            door = self._doors[failures % len(self._doors)]
            try:
                if self._hold(door):
                    failures = 0
            except ReplicaRefusedError as error:
                self.refusal = error
                self._settled.set()
                _log.error("%s is not taken: %s", self.replica_id, error)
                return
            except ReplicaError as error:
                _log.info("%s lost its registration: %s", self.replica_id, error)
            self._registered.clear()
            if self.evicted:
                _log.warning("%s was evicted from %s and does not come back by itself.", self.replica_id, door.url)
                return
            failures += 1
            self._over.wait(full_jitter(failures, random(), base=0.5, longest=_LONGEST_PAUSE))  # noqa: S311 - spreading

    def _hold(self, door: Doorway) -> bool:
        """Stay connected for as long as that goes; whether we were registered."""
        connection, response = door.open("POST", "/register", self._body, timeout=_SILENT_SECONDS)
        self._connection = connection
        try:
            if response.status >= 500:
                raise ReplicaError(f"{door.url} answered {response.status}")
            if response.status != 200:
                raise door.refusal(response.status, _document(response))
            return self._listen(response)
        except ReplicaError:
            raise
        except (OSError, http.client.HTTPException, ValueError):
            return self.registered
        finally:
            self._connection = None
            connection.close()

    def _listen(self, response: http.client.HTTPResponse) -> bool:
        while not self._over.is_set() and (line := response.readline()):
            if not line.startswith(b"data: "):
                continue
            status = json.loads(line.removeprefix(b"data: ")).get("status")
            if status == "registered":
                self._registered.set()
                self._settled.set()
            elif status == "replaced":
                _log.error("Somebody else registered as %s. Give each replica an id of its own.", self.replica_id)
                self._over.wait(_LONGEST_PAUSE)
            elif status == _FINAL:
                self.evicted = True
        return self.registered


def _document(response: http.client.HTTPResponse) -> Any:
    try:
        return json.loads(response.read())
    except ValueError:
        return "no JSON"
