"""The nginx of the deployment in front of a gateway: a stream's pieces pass as they come, and words stay whole."""

import asyncio
import getpass
import io
import json
import re
import socket
import ssl
import subprocess
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from yarl import URL

from creative_services.server.settings import Settings
from creative_services.testing.vendors import Reply, VendorServer
from tests.deploy.files import DEPLOY, passes, program
from tests.server.house import CHAT, KEY, MESSAGES, House
from tests.servers import free_ports

TEXT = (DEPLOY / "nginx/creative-services.conf").read_text()
HEADERS = {"authorization": f"Bearer {KEY}"}
GAP = 0.15
# The gateway's own X-Accel-Buffering is not listened to: the file must say it too, for answers that come without.
FRAME = """
daemon off;
user {user};
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ }}
http {{
    access_log off;
    proxy_ignore_headers X-Accel-Buffering;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    {inside}
}}
"""


def configured(folder: Path, port: int, gateway: int) -> Path:
    """The file as it is, with this machine's ports and certificate."""
    key, pem = folder / "key.pem", folder / "cert.pem"
    subject = ["-subj", "/CN=llm.example.com", "-days", "1"]
    made = ["-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", str(key), "-out", str(pem)]
    passes(program("openssl"), "req", *made, *subject)
    inside = TEXT.replace("127.0.0.1:8080", f"127.0.0.1:{gateway}").replace("listen 443", f"listen 127.0.0.1:{port}")
    inside = inside.replace("/etc/nginx/tls/llm.example.com.pem", str(pem))
    inside = inside.replace("/etc/nginx/tls/llm.example.com.key", str(key))
    path = folder / "nginx.conf"
    path.write_text(FRAME.format(folder=folder, user=getpass.getuser(), inside=inside))
    return path


@pytest.fixture
async def house(open_house: Callable[..., Any]) -> House:
    opened: House = await open_house()
    return opened


@pytest.fixture
async def through(house: House, tmp_path: Path) -> AsyncIterator[aiohttp.ClientSession]:
    """Callers of nginx, which asks the gateway."""
    (port,) = free_ports(1)
    nginx, config = program("nginx"), str(configured(tmp_path, port, house.port))
    passes(nginx, "-t", "-q", "-p", str(tmp_path), "-c", config)
    process = subprocess.Popen([nginx, "-p", str(tmp_path), "-c", config])
    connector = aiohttp.TCPConnector(ssl=False)  # the certificate is made for this test alone
    session = aiohttp.ClientSession(f"https://127.0.0.1:{port}", connector=connector)
    try:
        await _until_it_answers(session)
        yield session
    finally:
        await session.close()
        process.terminate()
        process.wait(30)


async def _until_it_answers(session: aiohttp.ClientSession) -> None:
    end = time.monotonic() + 30
    while True:
        try:
            async with session.get("/health/ready") as response:
                assert response.status == 200
                return
        except aiohttp.ClientConnectorError:
            assert time.monotonic() < end


@pytest.mark.thorough
async def test_pieces_pass_as_they_come(through: aiohttp.ClientSession, vendor: VendorServer) -> None:
    vendor.default = Reply(text="one two three four five six", gap=GAP)
    body = {"model": "economy", "messages": MESSAGES, "stream": True}
    arrivals: list[float] = []
    async with through.post(CHAT, json=body, headers={**HEADERS, "accept-encoding": "gzip"}) as response:
        assert "content-encoding" not in response.headers
        async for chunk in response.content.iter_any():
            if b'"content"' in chunk:
                arrivals.append(time.monotonic())
    assert len(arrivals) >= 6
    # Gathered, they would all arrive together with the last.
    assert arrivals[-1] - arrivals[0] > 4 * GAP


def hang_up(port: int, body: dict[str, Any]) -> None:
    """Ask, read the beginning, and go. By hand: a client library takes its time to say good-bye over TLS."""
    content = json.dumps(body)
    head = f"POST {CHAT} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {KEY}\r\ncontent-type: application/json\r\n"
    context = ssl._create_unverified_context()
    with context.wrap_socket(socket.create_connection(("127.0.0.1", port))) as caller:
        caller.sendall(f"{head}content-length: {len(content)}\r\n\r\n{content}".encode())
        assert caller.recv(100).startswith(b"HTTP/1.1 200")


@pytest.mark.thorough
async def test_a_caller_who_hangs_up_is_told_to_the_gateway(
    through: aiohttp.ClientSession, house: House, vendor: VendorServer
) -> None:
    vendor.default = Reply(text=" ".join(["word"] * 300), gap=GAP)
    port = (await _address(through)).port
    await asyncio.to_thread(hang_up, port or 0, {"model": "economy", "messages": MESSAGES, "stream": True})
    end = time.monotonic() + 30
    while not (records := house.ledger()):
        assert time.monotonic() < end, "the call goes on without a caller"
        await asyncio.sleep(0.05)
    assert [record.status for record in records] == [499]


async def _address(through: aiohttp.ClientSession) -> URL:
    async with through.get("/health/live") as response:
        return response.url


@pytest.mark.thorough
@pytest.mark.parametrize(("megabytes", "status"), [(20, 200), (40, 413)])
async def test_large_bodies_pass_and_larger_ones_do_not(
    through: aiohttp.ClientSession, megabytes: int, status: int
) -> None:
    body = {"model": "economy", "messages": [{"role": "user", "content": "x" * megabytes * 1_000_000}]}
    headers = {**HEADERS, "content-type": "application/json"}
    async with through.post(CHAT, data=io.BytesIO(json.dumps(body).encode()), headers=headers) as response:
        assert response.status == status


@pytest.mark.thorough
async def test_the_gateways_words_reach_the_caller_and_its_metrics_do_not(through: aiohttp.ClientSession) -> None:
    async with through.post(CHAT, json={"model": "nonsense", "messages": MESSAGES}, headers=HEADERS) as response:
        assert response.status == 404
        assert (await response.json())["error"]["code"] == "model_not_found"
    async with through.get("/metrics") as response:
        assert response.status == 404
        assert "creative_services" not in await response.text()


def test_its_limits_are_not_below_the_gateways() -> None:
    settings = Settings.from_env({})
    (megabytes,) = re.findall(r"client_max_body_size (\d+)m;", TEXT)
    assert int(megabytes) * 1024 * 1024 == settings.largest_body
    (seconds,) = re.findall(r"proxy_read_timeout (\d+)s;", TEXT)
    assert int(seconds) > settings.timeout


def test_it_lets_connections_go_before_the_gateway_does() -> None:
    from creative_services.server.serve import _KEEP_ALIVE_SECONDS

    (seconds,) = re.findall(r"keepalive_timeout (\d+)s;", TEXT)
    assert int(seconds) < _KEEP_ALIVE_SECONDS
