"""Who is measured: the gateway as people start it, other programs' gateways and routers, and nginx as the bound.

What cannot be installed here is left out, and said so.
"""

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.gateway.load import KEY
from benchmarks.gateway.processes import ROOT, SERVER_CORE, free_port, running
from benchmarks.gateway.servers import KEYS

ENVIRONMENTS = ROOT / ".benchmarks"


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A server under way."""

    url: str
    pid: int


@contextmanager
def gateway(vendor: str, folder: Path, *, workers: int = 1) -> Iterator[Served]:
    """``creative-services serve`` with keys, limits, usage and its ledger, everything of it on the one core."""
    environ = {
        "OPENAI_API_KEY": "sk-upstream-0123456789", "OPENAI_BASE_URL": f"{vendor}/v1", "OLLAMA_HOST": "",
        "CREATIVE_SERVICES_GATEWAY_KEYS": KEYS, "CREATIVE_SERVICES_STATE_DIR": str(folder / "state"),
        "CREATIVE_SERVICES_GATEWAY_DRAIN": "0.1",
    }  # fmt: skip
    port = free_port()
    command = [sys.executable, "-m", "creative_services", "serve", "--port", str(port), "--workers", str(workers)]
    with running(command, port, SERVER_CORE, environ) as process:
        yield Served(url=f"http://127.0.0.1:{port}", pid=process.pid)


@contextmanager
def own(name: str, vendor: str) -> Iterator[Served]:
    """One of ``servers``."""
    port = free_port()
    command = [sys.executable, "-m", "benchmarks.gateway.servers", name, str(port), vendor]
    with running(command, port, SERVER_CORE) as process:
        yield Served(url=f"http://127.0.0.1:{port}", pid=process.pid)


_NGINX = """
worker_processes 1; daemon off; error_log /dev/null; pid {folder}/nginx.pid;
events {{ worker_connections 4096; }}
http {{
  access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s; keepalive_requests 1000000;
  upstream vendor {{ server {vendor}; keepalive 256; keepalive_requests 1000000; }}
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass http://vendor; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffering off;
    }}
  }}
}}
"""
_LITELLM = """
model_list:
  - model_name: economy
    litellm_params: {{model: openai/gpt-x, api_base: "{vendor}/v1", api_key: sk-upstream-0123456789}}
general_settings: {{master_key: {key}}}
"""


def _nginx(vendor: str, folder: Path, port: int) -> list[str] | None:
    # Not on everybody's path: servers are the administrator's.
    program = shutil.which("nginx", path="/usr/local/bin:/usr/bin:/usr/sbin:/usr/local/sbin")
    config = folder / "nginx.conf"
    config.write_text(_NGINX.format(folder=folder, port=port, vendor=vendor.removeprefix("http://")))
    return [program, "-c", str(config), "-p", str(folder)] if program else None


def _litellm(vendor: str, folder: Path, port: int) -> list[str] | None:
    program = _installed("litellm_proxy", "litellm[proxy]", "litellm")
    config = folder / "litellm.yaml"
    config.write_text(_LITELLM.format(vendor=vendor, key=KEY))
    where = ["--config", str(config), "--host", "127.0.0.1", "--port", str(port), "--num_workers", "1"]
    return [program, *where] if program else None


def _router(package: str, *words: str) -> Callable[[str, Path, int], list[str] | None]:
    def command(vendor: str, folder: Path, port: int) -> list[str] | None:
        # What their wheels leave out and their start-up imports.
        program = _installed(package, package, package, "setproctitle", "aiohttp", "requests")
        options = ["--worker-urls", vendor, "--policy", "round_robin", "--prometheus-port", str(free_port())]
        return [program, *words, "--host", "127.0.0.1", "--port", str(port), *options] if program else None

    return command


def _installed(environment: str, requirement: str, program: str, *more: str) -> str | None:
    where = ENVIRONMENTS / environment
    marker = where / ".installed"
    if not marker.exists():
        print(f"installing {requirement} ...", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", where], check=True)
        done = subprocess.run([where / "bin/python", "-m", "pip", "install", "-q", requirement, *more], check=False)
        if done.returncode:
            return None
        marker.touch()
    return str(where / "bin" / program)


OTHERS: dict[str, Callable[[str, Path, int], list[str] | None]] = {
    "nginx (a pure relay)": _nginx,
    "vLLM router (Rust)": _router("vllm-router"),
    "SGLang router (Rust)": _router("sglang-router", "launch"),
    "LiteLLM proxy": _litellm,
}


def others(stack: ExitStack, vendor: str, folder: Path) -> dict[str, Served]:
    """Those that could be had, started."""
    found = {}
    for name, command_of in OTHERS.items():
        port = free_port()
        command = command_of(vendor, folder, port)
        if command is None:
            print(f"{name}: not to be had here, left out")
            continue
        try:
            process = stack.enter_context(running(command, port, SERVER_CORE, {"LITELLM_LOCAL_MODEL_COST_MAP": "True"}))
        except RuntimeError as error:
            print(f"{name}: left out, {error}")
            continue
        found[name] = Served(url=f"http://127.0.0.1:{port}", pid=process.pid)
    return found
