"""A KServe v2 server over gRPC that speaks our table of messages, and does as a test says."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import grpc

from creative_services.replicas.kserve import message


class KServe:
    """Answers ``prompt`` with the prompt in capitals, and doubles numbers."""

    def __init__(self) -> None:
        self.seen: list[Any] = []
        self.failing: grpc.StatusCode | None = None
        self.delay = 0.0
        self.raw = False
        self._server = grpc.server(ThreadPoolExecutor(8))
        self._server.add_generic_rpc_handlers((_Handler(self),))
        self.port = self._server.add_insecure_port("127.0.0.1:0")
        self.endpoint = f"127.0.0.1:{self.port}"
        self._server.start()

    def stop(self) -> None:
        """Refuse connections."""
        self._server.stop(None).wait(5)

    def model_infer(self, request: Any, context: Any) -> Any:
        """One inference."""
        self.seen.append(request)
        time.sleep(self.delay)
        if self.failing:
            context.abort(self.failing, "as the test says")
        response = message("ModelInferResponse")(model_name=request.model_name, model_version="1")
        for given in request.inputs:
            output = response.outputs.add(name=given.name, datatype=given.datatype, shape=given.shape)
            if given.datatype == "BYTES":
                output.contents.bytes_contents.extend(each.upper() for each in given.contents.bytes_contents)
            elif given.datatype == "FP32":
                output.contents.fp32_contents.extend(2 * each for each in given.contents.fp32_contents)
            else:
                output.contents.MergeFrom(given.contents)
        return response


class _Handler(grpc.GenericRpcHandler):
    def __init__(self, server: KServe) -> None:
        self._methods: dict[str, Callable[[Any, Any], Any]] = {
            "ModelInfer": server.model_infer,
            "ServerLive": lambda _, __: message("ServerLiveResponse")(live=True),
            "ModelReady": lambda asked, _: message("ModelReadyResponse")(ready=asked.name == "chat"),
        }

    def service(self, details: Any) -> Any:
        name = details.method.rpartition("/")[2]
        return grpc.unary_unary_rpc_method_handler(
            self._methods[name],
            request_deserializer=message(f"{name}Request").FromString,
            response_serializer=lambda answer: answer.SerializeToString(),
        )


@contextmanager
def kserve_servers(count: int) -> Iterator[list[KServe]]:
    """Several at once."""
    servers = [KServe() for _ in range(count)]
    try:
        yield servers
    finally:
        for server in servers:
            server.stop()
