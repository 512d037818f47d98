"""The open inference protocol (KServe v2) over gRPC: its messages as a table, and the calls we make.

Generated code would tie us to one major version of protobuf, and the one package that ships it brings a GPU vendor's
client along; a table of forty lines does neither. A test reads our bytes with that package's own code.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Final

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from creative_services.core.errors import ReplicaError
from creative_services.replicas.tensors import DATATYPES, Tensor, readable, unpacked

_PACKAGE: Final = "inference"
SERVICE: Final = f"/{_PACKAGE}.GRPCInferenceService/"

# message: ((number, field, type), ...); a type in brackets is repeated, one with a capital is a message of this table.
MESSAGES: Final[Mapping[str, Sequence[tuple[int, str, str]]]] = {
    "ServerLiveRequest": (),
    "ServerLiveResponse": ((1, "live", "bool"),),
    "ModelReadyRequest": ((1, "name", "string"), (2, "version", "string")),
    "ModelReadyResponse": ((1, "ready", "bool"),),
    "InferTensorContents": (
        (1, "bool_contents", "[bool]"),
        (2, "int_contents", "[int32]"),
        (3, "int64_contents", "[int64]"),
        (4, "uint_contents", "[uint32]"),
        (5, "uint64_contents", "[uint64]"),
        (6, "fp32_contents", "[float]"),
        (7, "fp64_contents", "[double]"),
        (8, "bytes_contents", "[bytes]"),
    ),
    # Inputs and outputs are two types in the published file, alike on the wire.
    "InferTensor": (
        (1, "name", "string"),
        (2, "datatype", "string"),
        (3, "shape", "[int64]"),
        (5, "contents", "InferTensorContents"),
    ),
    "ModelInferRequest": (
        (1, "model_name", "string"),
        (2, "model_version", "string"),
        (3, "id", "string"),
        (5, "inputs", "[InferTensor]"),
        (7, "raw_input_contents", "[bytes]"),
    ),
    "ModelInferResponse": (
        (1, "model_name", "string"),
        (2, "model_version", "string"),
        (3, "id", "string"),
        (5, "outputs", "[InferTensor]"),
        (6, "raw_output_contents", "[bytes]"),
    ),
}


@cache
def _pool() -> Any:
    file = descriptor_pb2.FileDescriptorProto(name="creative_services/kserve.proto", package=_PACKAGE, syntax="proto3")
    for name, fields in MESSAGES.items():
        message = file.message_type.add(name=name)
        for number, field, kind in fields:
            _add_field(message, number, field, kind)
    # A pool of our own: other packages may register the same names in the default one.
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return pool


def _add_field(message: Any, number: int, name: str, kind: str) -> None:
    bare = kind.strip("[]")
    field = message.field.add(name=name, number=number)
    field.label = field.LABEL_REPEATED if kind.startswith("[") else field.LABEL_OPTIONAL
    if bare in MESSAGES:
        field.type, field.type_name = field.TYPE_MESSAGE, f".{_PACKAGE}.{bare}"
    else:
        field.type = getattr(field, f"TYPE_{bare.upper()}")


@cache
def message(name: str) -> Any:
    """The class of a message."""
    return message_factory.GetMessageClass(_pool().FindMessageTypeByName(f"{_PACKAGE}.{name}"))


def infer_request(model: str, version: str, inputs: Mapping[str, Tensor]) -> Any:
    """What asks for an inference."""
    request = message("ModelInferRequest")(model_name=model, model_version=version)
    for name, tensor in inputs.items():
        added = request.inputs.add(name=name, datatype=tensor.datatype, shape=tensor.shape)
        getattr(added.contents, DATATYPES[tensor.datatype].field).extend(tensor.values)
    return request


def outputs_of(response: Any) -> dict[str, list[Any]]:
    """The tensors of an answer by name, each as one row of values."""
    raw = list(response.raw_output_contents)
    if raw and len(raw) != len(response.outputs):
        raise ReplicaError(f"The server named {len(response.outputs)} outputs and sent the bytes of {len(raw)}.")
    return {
        output.name: readable(unpacked(output.datatype, raw[place]) if raw else _contents(output))
        for place, output in enumerate(response.outputs)
    }


def _contents(output: Any) -> list[Any]:
    row = DATATYPES.get(output.datatype)
    if row is None:
        raise ReplicaError(f"The server answered {output.name!r} as {output.datatype}, which cannot be read.")
    return list(getattr(output.contents, row.field))
