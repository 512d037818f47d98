"""Load: as many requests as some connections can make, by wrk, or by our own callers where it is not installed."""

import json
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from benchmarks.gateway.processes import OTHER_CORE, ROOT, cpu_seconds, pinned

KEY = "sk-a-key-for-measuring-0123456789"
BODY: dict[str, Any] = {
    "model": "economy",
    "messages": [
        {"role": "system", "content": "You are a helpful assistant that answers briefly and to the point."},
        {"role": "user", "content": "Tell me something about the sea in one sentence, and mention at least one fish."},
    ],
    "max_tokens": 100,
    "temperature": 0.2,
}
_SCRIPT = """
wrk.method = "POST"
wrk.headers["content-type"] = "application/json"
wrk.headers["authorization"] = "Bearer {key}"
wrk.body = [[{body}]]
"""
_UNITS = {"us": 1e-6, "ms": 1e-3, "s": 1.0}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """What one run saw, and what it cost the server."""

    per_second: float
    p50: float
    p99: float
    cpu: float  # seconds per answer
    bad: int


def body_of(*, streamed: bool) -> bytes:
    """What is asked."""
    return json.dumps({**BODY, "stream": True} if streamed else BODY, separators=(",", ":")).encode()


def request(url: str, *, streamed: bool) -> bytes:
    """One request as bytes."""
    body = body_of(streamed=streamed)
    head = (
        f"POST /v1/chat/completions HTTP/1.1\r\nhost: {urlsplit(url).netloc}\r\ncontent-type: application/json\r\n"
        f"authorization: Bearer {KEY}\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def hammer(url: str, pid: int, *, connections: int, seconds: int, streamed: bool = False) -> Rate:
    """As many requests as the connections can make."""
    before = cpu_seconds(pid)
    run = _wrk if shutil.which("wrk") else _own
    answers, per_second, p50, p99, bad = run(url, connections, seconds, streamed)
    spent = cpu_seconds(pid) - before
    return Rate(per_second=per_second, p50=p50, p99=p99, cpu=spent / max(1, answers), bad=bad)


Seen = tuple[int, float, float, float, int]  # answers, answers per second, p50, p99, answers that were none


def _wrk(url: str, connections: int, seconds: int, streamed: bool) -> Seen:
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "post.lua"
        script.write_text(_SCRIPT.format(key=KEY, body=body_of(streamed=streamed).decode()))
        command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "-s", str(script)]
        said = _said([*command, f"{url}/v1/chat/completions"])
    return (
        int(_found(r"(\d+) requests in", said)),
        float(_found(r"Requests/sec:\s+([\d.]+)", said)),
        _seconds(_found(r"^ +50% +(\S+)", said)),
        _seconds(_found(r"^ +99% +(\S+)", said)),
        int(_found(r"Non-2xx or 3xx responses: (\d+)", said) or 0),
    )


def _own(url: str, connections: int, seconds: int, streamed: bool) -> Seen:
    command = [sys.executable, "-m", "benchmarks.gateway.callers", url, str(connections), str(seconds)]
    answers, per_second, p50, p99, bad = json.loads(_said([*command, *(["--streamed"] if streamed else [])]))
    return answers, per_second, p50, p99, bad


def _said(command: list[str]) -> str:
    done = subprocess.run([*pinned(OTHER_CORE), *command], capture_output=True, text=True, check=True, cwd=ROOT)
    return done.stdout


def _found(pattern: str, text: str) -> str:
    match = re.search(pattern, text, re.MULTILINE)
    return match[1] if match else ""


def _seconds(written: str) -> float:
    number, unit = re.fullmatch(r"([\d.]+)(us|ms|s)", written).groups()  # type: ignore[union-attr]  # wrk's own format
    return float(number) * _UNITS[unit]
