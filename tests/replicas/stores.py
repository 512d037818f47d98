"""Every store there is, for suites that run over each. What it needs is started, or the test skips and says why."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from tests.servers import ConsulDouble, EtcdServer, NATSServer, RedisServer, Server

StartServer = Callable[[type[Server]], Server]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One of them; ``server`` is what has to run for it."""

    scheme: str
    server: type[Server] | None = None

    def url(self, folder: Path, start: StartServer) -> str:
        """A new roster in it, by the address that ``open_store`` takes."""
        if self.server is None:
            return {"memory": f"memory://{uuid4()}", "sqlite": f"sqlite:///{folder}/roster.db"}.get(
                self.scheme, f"file://{folder}/roster"
            )
        return start(self.server).url


EMBEDDED = {name: Kind(scheme=name) for name in ("memory", "file", "sqlite")}
SERVED = {
    "redis": Kind(scheme="redis", server=RedisServer),
    "etcd": Kind(scheme="etcd", server=EtcdServer),
    "nats": Kind(scheme="nats", server=NATSServer),
    "consul": Kind(scheme="consul", server=ConsulDouble),
}
EVERY = {**EMBEDDED, **SERVED}
