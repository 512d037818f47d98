"""The gateway as a process with workers, as ``creative-services serve`` starts it."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import aiohttp

from creative_services.server.ledger.sqlite_sink import SQLiteSink
from creative_services.testing.vendors import VendorServer
from tests.server.house import KEY
from tests.servers import free_ports

ROOT = Path(__file__).parents[2]
HEADERS = {"authorization": f"Bearer {KEY}"}


class Served:
    """A server process and its workers."""

    def __init__(self, vendor: VendorServer, state: Path, *, workers: int, **environ: str) -> None:
        (self.port,) = free_ports(1)
        self.url = f"http://127.0.0.1:{self.port}"
        self.state = state
        given = {
            "OPENAI_API_KEY": "sk-upstream-0123456789abcdef", "OPENAI_BASE_URL": vendor.openai_url, "OLLAMA_HOST": "",
            "CREATIVE_SERVICES_GATEWAY_KEYS": f"tests={KEY}", "CREATIVE_SERVICES_STATE_DIR": str(state),
            "CREATIVE_SERVICES_GATEWAY_DRAIN": "0.3", "PYTHONPATH": str(ROOT),
        }  # fmt: skip
        command = [
            sys.executable,
            "-m",
            "creative_services",
            "serve",
            "--port",
            str(self.port),
            "--workers",
            str(workers),
        ]
        self.log = (state.parent / f"log-{self.port}").open("w+")
        self.process = subprocess.Popen(
            command, stderr=self.log, env={**os.environ, **given, **environ}, cwd=state.parent
        )

    def workers(self) -> list[int]:
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        # Besides the workers there is multiprocessing's own tracker of resources.
        return [pid for pid in map(int, children) if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()]

    async def ready(self, session: aiohttp.ClientSession) -> None:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            with suppress(aiohttp.ClientError):
                async with session.get(f"{self.url}/health/ready") as response:
                    if response.status == 200:
                        return
            assert self.process.poll() is None, self.said()
            await asyncio.sleep(0.05)
        raise AssertionError(self.said())

    def said(self) -> str:
        self.log.flush()
        return Path(self.log.name).read_text()

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)

    def close(self) -> None:
        if self.process.poll() is None:
            for pid in self.workers():
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self.process.kill()
            self.process.wait()
        self.log.close()

    def ledger(self) -> list[Any]:
        sink = SQLiteSink(self.state / "ledger.sqlite3")
        records = list(sink.records())
        sink.close()
        return records
