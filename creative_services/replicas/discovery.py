"""Inference on a replica that is found by what it can do."""

import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Final, Self

from creative_services.core.capabilities import as_text
from creative_services.core.errors import (
    ConfigurationError,
    MissingDependencyError,
    ReplicaError,
    ReplicaRefusedError,
    ReplicasExhaustedError,
)
from creative_services.core.secrets import Secret
from creative_services.replicas.doorway import Doorway
from creative_services.replicas.tensors import tensor

# What another replica would answer too; everything else may be this one's trouble alone.
_REFUSALS: Final = frozenset(
    {"INVALID_ARGUMENT", "UNAUTHENTICATED", "PERMISSION_DENIED", "OUT_OF_RANGE", "UNIMPLEMENTED"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class InferenceResult(Mapping[str, list[Any]]):
    """The outputs by name, each as one row of values."""

    model_name: str
    model_version: str = ""
    outputs: Mapping[str, list[Any]] = field(default_factory=dict)

    def __getitem__(self, name: str) -> list[Any]:
        return self.outputs[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.outputs)

    def __len__(self) -> int:
        return len(self.outputs)


class Client:
    """Infers over gRPC (KServe v2), at ``endpoint`` or where the routing service at ``api_server`` says.

    With ``api_server`` a replica that fails is left: the service is asked once for another one. Threads may share it.
    """

    def __init__(
        self,
        endpoint: str | None = None,
        api_server: str | None = None,
        capability: Mapping[str, Any] | None = None,
        lazy_connect: bool = True,
        *,
        timeout: float = 60.0,
        token: Secret | str | None = None,
    ) -> None:
        if (endpoint is None) == (api_server is None):
            raise ConfigurationError("Say either endpoint= (one server) or api_server= (ask the routing service).")
        if api_server is not None and capability is None:
            raise ConfigurationError(
                'With api_server= say what the replica must be able to do: capability={"type": "chat"}.'
            )
        self.mode = "DIRECT" if endpoint is not None else "DISCOVERY"
        self._door = None if api_server is None else Doorway(api_server, token)
        self._wish = {name: as_text(value) for name, value in (capability or {}).items()}
        self._endpoint, self._replica_id = endpoint, None if endpoint is None else ""
        self._timeout = timeout
        self._channel: Any = None
        self._lock = threading.RLock()
        if not lazy_connect:
            self._connected()

    @property
    def endpoint(self) -> str | None:
        """Where inferences go; None before the first one has made us look."""
        return self._endpoint

    @property
    def replica_id(self) -> str | None:
        """Whom the routing service named; None without one, and before it was asked."""
        return self._replica_id or None

    def infer(
        self,
        model_name: str,
        inputs: Mapping[str, Any],
        version: str = "",
        retry_on_failure: bool = True,
        *,
        timeout: float | None = None,
    ) -> InferenceResult:
        """The outputs of one inference. ``retry_on_failure`` may run it a second time, on another replica."""
        from creative_services.replicas import kserve

        request = kserve.infer_request(model_name, version, {name: tensor(name, each) for name, each in inputs.items()})
        response = self._call("ModelInfer", request, timeout, again=retry_on_failure)
        return InferenceResult(
            model_name=response.model_name,
            model_version=response.model_version,
            outputs=kserve.outputs_of(response),
        )

    def is_alive(self, timeout: float = 5.0) -> bool:
        """Whether the server we go to answers."""
        return self._says("ServerLive", {}, "live", timeout)

    def is_model_ready(self, model_name: str, version: str = "", timeout: float = 5.0) -> bool:
        """Whether it can answer for this model."""
        return self._says("ModelReady", {"name": model_name, "version": version}, "ready", timeout)

    def close(self) -> None:
        """Close the connection."""
        with self._lock:
            channel, self._channel = self._channel, None
        if channel is not None:
            channel.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _says(self, method: str, asked: Mapping[str, str], word: str, timeout: float) -> bool:
        from creative_services.replicas.kserve import message

        try:
            response = self._call(method, message(f"{method}Request")(**asked), timeout, again=False)
        except ReplicaError:
            return False
        return bool(getattr(response, word))

    def _call(self, method: str, request: Any, timeout: float | None, *, again: bool) -> Any:
        ends = time.monotonic() + (self._timeout if timeout is None else timeout)
        channel, replica_id = self._connected()
        again = again and self._door is not None
        try:
            # A silent replica must leave time for another one.
            return self._ask(channel, method, request, (ends - time.monotonic()) * (2 / 3 if again else 1))
        except ReplicasExhaustedError:
            self._leave(channel)
            if not again:
                raise
        channel, _ = self._connected(exclude=replica_id)
        try:
            return self._ask(channel, method, request, ends - time.monotonic())
        except ReplicasExhaustedError:
            self._leave(channel)
            raise

    def _ask(self, channel: Any, method: str, request: Any, seconds: float) -> Any:
        import grpc

        from creative_services.replicas.kserve import SERVICE, message

        call = channel.unary_unary(
            SERVICE + method,
            request_serializer=lambda each: each.SerializeToString(),
            response_deserializer=message(f"{method}Response").FromString,
        )
        try:
            return call(request, timeout=max(0.001, seconds))
        except grpc.RpcError as error:
            status, said = error.code().name, error.details()
            where = f"{self._endpoint} answered {status}: {said}"
            if status in _REFUSALS:
                raise ReplicaRefusedError(f"{where}. No other was asked.", status=400, body=str(said)) from error
            raise ReplicasExhaustedError(f"{where}. Look at that server's own log.") from error

    def _connected(self, exclude: str | None = None) -> tuple[Any, str | None]:
        with self._lock:
            if self._channel is None:
                if self._door is not None:
                    self._discover(self._door, exclude)
                self._channel = _channel(self._endpoint or "")
            return self._channel, self._replica_id

    def _leave(self, channel: Any) -> None:
        """Another thread may be on its way to the next replica already; then that one stays."""
        with self._lock:
            if self._channel is channel:
                self._channel = None
        channel.close()

    def _discover(self, door: Doorway, exclude: str | None) -> None:
        status, answer = door.ask("GET", "/route", {**self._wish, **({"exclude": exclude} if exclude else {})})
        if status == 404:
            wanted = ", ".join(f"{name}={value}" for name, value in self._wish.items()) or "anything"
            other = f" other than {exclude}, which failed" if exclude else ""
            raise ReplicasExhaustedError(f"No matching replica for: {wanted}{other}. Is one registered at {door.url}?")
        if status != 200:
            raise door.refusal(status, answer)
        self._endpoint, self._replica_id = answer["endpoint"], answer["replica_id"]


def _channel(endpoint: str) -> Any:
    try:
        import grpc
    except ModuleNotFoundError as error:
        raise MissingDependencyError("Client", extra="grpc", missing=error.name or "grpcio") from error
    scheme, _, address = endpoint.rpartition("://")
    # A model's answer may be large; the library's own limit is 4 MB.
    options = [("grpc.max_receive_message_length", 128 * 1024 * 1024)]
    if scheme in ("https", "grpcs"):
        return grpc.secure_channel(address, grpc.ssl_channel_credentials(), options=options)
    return grpc.insecure_channel(address, options=options)
