"""The HTTP/1.1 below the vendors: bodies in every framing, connections that last, requests that are none."""

import http.client
import json
import socket
from collections.abc import Iterator

import pytest

from creative_services.testing.vendors import Fault, Reply, VendorServer
from creative_services.testing.vendors.http1 import BadRequestError, RequestParser

CHAT = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "hello"}]}


@pytest.fixture
def server() -> Iterator[VendorServer]:
    with VendorServer() as running:
        yield running


def connect(server: VendorServer) -> http.client.HTTPConnection:
    return http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=10)


def raw(server: VendorServer) -> socket.socket:
    host, port = server.url.removeprefix("http://").split(":")
    return socket.create_connection((host, int(port)), timeout=10)


def request_bytes(body: bytes, *lines: str, path: str = "/v1/chat/completions") -> bytes:
    return "\r\n".join([f"POST {path} HTTP/1.1", "Host: here", *lines, "", ""]).encode() + body


COUNTED = request_bytes(b'{"n":1}', "Content-Length: 7", path="/v1/a?x=1")
CHUNKED = request_bytes(
    b'3\r\n{"n\r\n4;ext=1\r\n":1}\r\n0\r\nTrailer: x\r\n\r\n', "Transfer-Encoding: chunked", path="/v1/a"
)


@pytest.mark.parametrize("data", [COUNTED, CHUNKED], ids=["counted", "chunked"])
@pytest.mark.parametrize("step", [1, 2, 3, 7, 1000])
def test_requests_are_read_in_pieces_of_any_size(data: bytes, step: int) -> None:
    parser, stream = RequestParser(), data * 3
    found = [r for start in range(0, len(stream), step) for r in parser.feed(stream[start : start + step])]
    assert [(r.method, r.path, r.body) for r in found] == [("POST", "/v1/a", b'{"n":1}')] * 3


@pytest.mark.parametrize(
    "data",
    [
        b"hello\r\n\r\n",
        b"GET / HTTP/2\r\n\r\n",
        b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
        b"GET / HTTP/1.1\r\nName : spaced\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"GET / HTTP/1.1\r\nx: " + b"y" * 70_000,
    ],
)
def test_what_is_no_request_is_refused(data: bytes) -> None:
    with pytest.raises(BadRequestError):
        RequestParser().feed(data)


def test_a_refusal_is_answered_and_the_connection_closed(server: VendorServer) -> None:
    with raw(server) as client:
        client.sendall(b"hello\r\n\r\n")
        answer = b"".join(iter(lambda: client.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 400 Bad Request\r\n")


def test_a_thousand_calls_leave_one_connection_open(server: VendorServer) -> None:
    client = connect(server)
    try:
        for _ in range(1000):
            client.request("POST", "/v1/chat/completions", json.dumps(CHAT))
            assert client.getresponse().read()
        assert server.open_connections == 1
        assert len(server.requests) == 1000
    finally:
        client.close()


def test_pipelined_requests_are_answered_in_order(server: VendorServer) -> None:
    body = json.dumps(CHAT).encode()
    one = request_bytes(body, f"Content-Length: {len(body)}")
    last = request_bytes(body, f"Content-Length: {len(body)}", "Connection: close")
    server.script(Reply(text="first", delay=0.02), Reply(text="second"), Reply(text="third"))
    with raw(server) as client:
        client.sendall(one + one + last)
        answer = b"".join(iter(lambda: client.recv(65536), b""))
    assert [answer.index(word) for word in (b"first", b"second", b"third")] == sorted(
        answer.index(word) for word in (b"first", b"second", b"third")
    )
    assert answer.count(b"HTTP/1.1 200 OK") == 3


def test_a_chunked_request_body_and_a_large_one_arrive_whole(server: VendorServer) -> None:
    large = {**CHAT, "padding": "x" * 3_000_000}
    client = connect(server)
    try:
        client.request(
            "POST",
            "/v1/chat/completions",
            iter([json.dumps(CHAT).encode()]),
            encode_chunked=True,
            headers={"Transfer-Encoding": "chunked"},
        )
        assert client.getresponse().read()
        client.request("POST", "/v1/chat/completions", json.dumps(large))
        assert client.getresponse().read()
    finally:
        client.close()
    assert [seen.body for seen in server.requests] == [CHAT, large]


def test_a_client_that_waits_for_100_continue_is_told_to(server: VendorServer) -> None:
    body = json.dumps(CHAT).encode()
    with raw(server) as client:
        client.sendall(request_bytes(b"", f"Content-Length: {len(body)}", "Expect: 100-continue", "Connection: close"))
        assert client.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.sendall(body)
        assert b"200 OK" in client.recv(65536)


def test_an_answer_larger_than_the_buffers_arrives_whole(server: VendorServer) -> None:
    text = "All of it. " * 1_000_000
    server.script(Reply(text=text))
    client = connect(server)
    try:
        client.request("POST", "/v1/chat/completions", json.dumps(CHAT))
        assert json.loads(client.getresponse().read())["choices"][0]["message"]["content"] == text
    finally:
        client.close()


def test_a_client_that_leaves_while_a_large_answer_is_sent_is_noticed(server: VendorServer) -> None:
    server.script(Reply(text="Too much of it. " * 2_000_000))
    body = json.dumps(CHAT).encode()
    with raw(server) as client:
        client.sendall(request_bytes(body, f"Content-Length: {len(body)}"))
        client.recv(1000)
    assert server.wait_cancelled(10).path == "/v1/chat/completions"


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/nowhere", None, 404),
        ("GET", "/v1/chat/completions", None, 405),
        ("POST", "/v1/chat/completions", "{not json", 400),
        ("POST", "/v1/chat/completions", "[1]", 400),
        ("POST", "/v1/chat/completions", '{"messages":[{}]}', 400),
        ("POST", "/v1/chat/completions", '{"model":"m","messages":[]}', 400),
        ("POST", "/v1/chat/completions", '{"model":"m","messages":[{}],"stream_options":{}}', 400),
        ("POST", "/v1/embeddings", '{"model":"m","input":[]}', 400),
    ],
)
def test_requests_the_vendor_would_refuse_are_refused(
    server: VendorServer, method: str, path: str, body: str | None, status: int
) -> None:
    client = connect(server)
    try:
        client.request(method, path, body)
        answer = client.getresponse()
        assert answer.status == status
        assert set(json.loads(answer.read())["error"]) == {"message", "type", "param", "code"}
    finally:
        client.close()


def test_a_refused_request_uses_up_no_script(server: VendorServer) -> None:
    server.script(Fault.status(503))
    client = connect(server)
    try:
        client.request("POST", "/v1/chat/completions", "{}")
        assert client.getresponse().read()
        assert server.unused == 1
    finally:
        client.close()
