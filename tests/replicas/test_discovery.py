"""Registration and discovery as programs use them: against the service as a process, over real connections."""

import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from creative_services.core.errors import ConfigurationError, ReplicaError, ReplicaRefusedError, ReplicasExhaustedError
from creative_services.replicas import Client, Registration
from creative_services.replicas.tensors import Tensor, tensor, unpacked
from tests.replicas.kserve_server import kserve_servers
from tests.replicas.service import RoutingServer

grpc = pytest.importorskip("grpc")
CHAT = [{"type": "chat"}]


def until(condition: Callable[[], bool], seconds: float = 15.0) -> None:
    """Wait for what other processes bring about."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_the_documented_client(routing: RoutingServer) -> None:
    with kserve_servers(1) as [server], Registration(routing.url, server.endpoint, CHAT, replica_id="replica-a"):
        client = Client(api_server=routing.url, capability={"type": "chat"})
        assert (client.mode, client.endpoint, client.replica_id) == ("DISCOVERY", None, None)
        result = client.infer(model_name="chat", inputs={"prompt": ["Hello, world!"]})
        assert result["prompt"] == ["HELLO, WORLD!"]
        assert (result.model_name, result.model_version) == ("chat", "1")
        assert (client.endpoint, client.replica_id) == (server.endpoint, "replica-a")
        assert client.is_alive()
        assert client.is_model_ready("chat")
        assert not client.is_model_ready("embed")
        client.close()


def test_a_replica_that_died_is_left_for_another(routing: RoutingServer) -> None:
    with kserve_servers(2) as [dead, alive], Registration(routing.url, dead.endpoint, CHAT, replica_id="dead"):
        client = Client(api_server=routing.url, capability={"type": "chat"}, lazy_connect=False, timeout=10)
        assert client.replica_id == "dead"
        dead.stop()
        with pytest.raises(RuntimeError, match="No matching replica for: type=chat other than dead"):
            client.infer("chat", {"prompt": ["Hi"]})
        with Registration(routing.url, alive.endpoint, CHAT, replica_id="alive"):
            # It may be named the dead one first, as that is still connected.
            assert client.infer("chat", {"prompt": ["Hi"]})["prompt"] == ["HI"]
            assert client.replica_id == "alive"
        client.close()


def test_a_failure_is_not_repeated_when_it_must_not(routing: RoutingServer) -> None:
    with kserve_servers(2) as servers:
        for server in servers:
            server.failing = grpc.StatusCode.INTERNAL
        with Registration(routing.url, servers[0].endpoint, CHAT), Registration(routing.url, servers[1].endpoint, CHAT):
            client = Client(api_server=routing.url, capability={"type": "chat"})
            with pytest.raises(ReplicasExhaustedError, match="INTERNAL"):
                client.infer("chat", {"x": [1]}, retry_on_failure=False)
            assert sum(len(server.seen) for server in servers) == 1
            with pytest.raises(ReplicasExhaustedError, match="INTERNAL"):
                client.infer("chat", {"x": [1]})
            assert sum(len(server.seen) for server in servers) == 3
            for server in servers:
                server.failing = grpc.StatusCode.INVALID_ARGUMENT
            with pytest.raises(ReplicaRefusedError, match="as the test says"):
                client.infer("chat", {"x": [1]})
            assert sum(len(server.seen) for server in servers) == 4
            client.close()


def test_a_silent_replica_leaves_time_for_another(routing: RoutingServer) -> None:
    with kserve_servers(2) as [silent, good]:
        silent.delay = 5.0
        with Registration(routing.url, silent.endpoint, CHAT):
            client = Client(api_server=routing.url, capability={"type": "chat"}, lazy_connect=False)
        with Registration(routing.url, good.endpoint, CHAT):
            started = time.monotonic()
            assert client.infer("chat", {"x": [1.5]}, timeout=1.5)["x"] == [3.0]
            assert time.monotonic() - started < 1.5
        client.close()


def test_a_direct_client_has_one_server() -> None:
    with kserve_servers(1) as [server], Client(endpoint=server.endpoint) as client:
        assert (client.mode, client.endpoint, client.replica_id) == ("DIRECT", server.endpoint, None)
        assert client.infer("chat", {"x": [1.0, 2.0]})["x"] == [2.0, 4.0]
        server.stop()
        with pytest.raises(RuntimeError):
            client.infer("chat", {"x": [1.0]}, timeout=2)
        assert not client.is_alive(timeout=1)


def test_what_a_client_must_be_told() -> None:
    with pytest.raises(ConfigurationError, match="either"):
        Client()
    with pytest.raises(ConfigurationError, match="either"):
        Client(endpoint="h:1", api_server="http://h:2")
    with pytest.raises(ConfigurationError, match="capability="):
        Client(api_server="http://h:2")
    with pytest.raises(ConfigurationError, match="no URL"):
        Client(api_server="h:2", capability={})
    with pytest.raises(ReplicaError, match="could not be asked"):
        Client(api_server="http://127.0.0.1:9", capability={}, lazy_connect=False)


def test_a_registration_outlives_its_service(routing: RoutingServer) -> None:
    with Registration(routing.url, "h:1", CHAT, replica_id="r") as registration:
        assert routing.ask("/route?type=chat") == (200, {"endpoint": "h:1", "replica_id": "r"})
        routing.kill()
        until(lambda: not registration.registered)
        routing.start()
        until(lambda: registration.registered)
        assert routing.ask("/route?type=chat")[0] == 200
    until(lambda: routing.ask("/route?type=chat")[0] == 404, 2)


def test_a_registration_that_is_refused_says_so(routing: RoutingServer) -> None:
    with pytest.raises(ReplicaRefusedError, match="endpoint must be"), Registration(routing.url, "no endpoint", CHAT):
        pass


def test_an_evicted_replica_stays_out(routing: RoutingServer) -> None:
    with Registration(routing.url, "h:1", CHAT, replica_id="r") as registration:
        assert routing.ask("/register/r", "DELETE")[0] == 200
        until(lambda: registration.evicted)
        time.sleep(0.6)
        assert routing.ask("/registry") == (200, {"replicas": []})


@pytest.mark.parametrize("scheme", ["sqlite", "file"])
def test_two_services_over_one_store(tmp_path: Path, scheme: str) -> None:
    pair = [RoutingServer(tmp_path / name) for name in ("one", "two")]
    store = f"sqlite:///{tmp_path}/roster.db" if scheme == "sqlite" else f"file://{tmp_path}/roster"
    for server in pair:
        server.options = ("--store", store)
        server.start()
    one, two = pair
    try:
        with Registration([one.url, two.url], "h:1", CHAT, replica_id="r") as registration:
            until(lambda: two.ask("/route?type=chat")[0] == 200)
            one.kill()
            until(lambda: registration.registered and two.ask("/route?type=chat")[0] == 200)
            # The killed one's lease ends meanwhile, and must not take the replica that moved along.
            end = time.monotonic() + 1.0
            while time.monotonic() < end:
                assert two.ask("/route?type=chat")[0] == 200
                time.sleep(0.05)
        until(lambda: two.ask("/route?type=chat")[0] == 404)
    finally:
        for server in pair:
            server.stop()


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ([1.5], Tensor(datatype="FP32", shape=(1,), values=(1.5,))),
        ([1, 2], Tensor(datatype="INT32", shape=(2,), values=(1, 2))),
        ([2**40], Tensor(datatype="INT64", shape=(1,), values=(2**40,))),
        ([True], Tensor(datatype="BOOL", shape=(1,), values=(True,))),
        (["a", b"b"], Tensor(datatype="BYTES", shape=(2,), values=(b"a", b"b"))),
        ([[1, 2], [3, 4]], Tensor(datatype="INT32", shape=(2, 2), values=(1, 2, 3, 4))),
        ("a", Tensor(datatype="BYTES", shape=(1,), values=(b"a",))),
        ([1, 2.5], Tensor(datatype="FP32", shape=(2,), values=(1, 2.5))),
    ],
)
def test_values_become_tensors(given: object, expected: Tensor) -> None:
    assert tensor("x", given) == expected
    assert tensor("x", expected) is expected


@pytest.mark.parametrize("given", [[], [[1], [2, 3]], [1, "a"], [object()]])
def test_values_that_are_no_tensor_are_refused(given: object) -> None:
    with pytest.raises(ConfigurationError, match="'x'"):
        tensor("x", given)


def test_raw_bytes_are_read_as_the_protocol_packs_them() -> None:
    assert unpacked("INT32", b"\x01\0\0\0\xff\xff\xff\xff") == [1, -1]
    assert unpacked("FP16", b"\x00\x3c") == [1.0]
    assert unpacked("BF16", b"\x80\x3f") == [1.0]
    assert unpacked("BYTES", b"\x02\0\0\0hi\0\0\0\0") == [b"hi", b""]
    for datatype, raw in (("INT32", b"\x01"), ("NEW", b"")):
        with pytest.raises(ReplicaError):
            unpacked(datatype, raw)


TRITON = os.environ.get("TRITON_PYTHON")
READS = """
import sys
from tritonclient.grpc import service_pb2

request = service_pb2.ModelInferRequest.FromString(sys.stdin.buffer.read())
assert (request.model_name, request.model_version) == ("m", "1"), request
told = [(each.name, each.datatype, list(each.shape)) for each in request.inputs]
assert told == [("p", "BYTES", [1]), ("n", "INT32", [1, 2]), ("f", "FP32", [1])], told
assert list(request.inputs[1].contents.int_contents) == [1, 2]
assert list(request.inputs[0].contents.bytes_contents) == [b"a"]
answer = service_pb2.ModelInferResponse(model_name="m", raw_output_contents=[b"\\x01\\0\\0\\0"])
answer.outputs.add(name="n", datatype="INT32", shape=[1])
answer.parameters["x"].string_param = "y"
sys.stdout.buffer.write(answer.SerializeToString())
"""


def test_our_bytes_are_those_of_the_published_protocol() -> None:
    """Read and answered by the code that tritonclient generated from the published file."""
    if not TRITON:
        pytest.xfail("no other implementation is here: TRITON_PYTHON names no interpreter that has tritonclient[grpc]")
    from creative_services.replicas import kserve

    inputs = {"p": tensor("p", ["a"]), "n": tensor("n", [[1, 2]]), "f": tensor("f", [0.5])}
    ours = kserve.infer_request("m", "1", inputs).SerializeToString()
    done = subprocess.run([TRITON, "-c", READS], input=ours, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    answer = kserve.message("ModelInferResponse").FromString(done.stdout)
    assert kserve.outputs_of(answer) == {"n": [1]}
