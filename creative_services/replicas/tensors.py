"""Python values as the tensors of the open inference protocol, and back."""

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from creative_services.core.errors import ConfigurationError, ReplicaError


@dataclass(frozen=True, slots=True, kw_only=True)
class Tensor:
    """Values in one row, their type in the protocol's words, and the shape they stand in."""

    datatype: str
    shape: tuple[int, ...]
    values: tuple[Any, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Datatype:
    """How a type travels: the field of a tensor's contents, and the format of one value in raw bytes."""

    field: str
    raw: str = ""


DATATYPES: Final[Mapping[str, Datatype]] = {
    "BOOL": Datatype(field="bool_contents", raw="?"),
    "INT8": Datatype(field="int_contents", raw="b"),
    "INT16": Datatype(field="int_contents", raw="h"),
    "INT32": Datatype(field="int_contents", raw="i"),
    "INT64": Datatype(field="int64_contents", raw="q"),
    "UINT8": Datatype(field="uint_contents", raw="B"),
    "UINT16": Datatype(field="uint_contents", raw="H"),
    "UINT32": Datatype(field="uint_contents", raw="I"),
    "UINT64": Datatype(field="uint64_contents", raw="Q"),
    "FP16": Datatype(field="fp32_contents", raw="e"),
    "FP32": Datatype(field="fp32_contents", raw="f"),
    "FP64": Datatype(field="fp64_contents", raw="d"),
    "BYTES": Datatype(field="bytes_contents"),
}
_INT32: Final = range(-(2**31), 2**31)


def tensor(name: str, given: Any) -> Tensor:
    """What ``given`` means: a tensor, or lists of one type in any number of dimensions."""
    if isinstance(given, Tensor):
        return given
    values, shape = _flat(name, given.tolist() if hasattr(given, "tolist") else given)
    if not values:
        raise ConfigurationError(f"The input {name!r} is empty, so its type cannot be told. Pass a Tensor.")
    datatype = _datatype(name, values)
    told = tuple(value.encode() if isinstance(value, str) else value for value in values)
    return Tensor(datatype=datatype, shape=shape, values=told)


def _flat(name: str, given: Any) -> tuple[list[Any], tuple[int, ...]]:
    if isinstance(given, str | bytes) or not isinstance(given, Sequence):
        return [given], (1,)
    if not any(isinstance(each, Sequence) and not isinstance(each, str | bytes) for each in given):
        return list(given), (len(given),)
    rows = [_flat(name, each) for each in given]
    shapes = {shape for _, shape in rows}
    if len(shapes) != 1:
        raise ConfigurationError(f"The input {name!r} has rows of different lengths. Make them the same.")
    return [value for values, _ in rows for value in values], (len(rows), *shapes.pop())


def _datatype(name: str, values: Sequence[Any]) -> str:
    kinds = {type(value) for value in values}
    if kinds <= {str, bytes}:
        return "BYTES"
    if kinds == {bool}:
        return "BOOL"
    if kinds == {int}:
        return "INT32" if all(value in _INT32 for value in values) else "INT64"
    if kinds <= {int, float}:
        return "FP32"
    named = ", ".join(sorted(kind.__name__ for kind in kinds))
    raise ConfigurationError(f"The input {name!r} holds {named}. A tensor holds numbers, truths, or texts.")


def unpacked(datatype: str, raw: bytes) -> list[Any]:
    """The values in a tensor's raw bytes: little-endian, texts behind their lengths."""
    if datatype == "BYTES":
        return _texts(raw)
    if datatype == "BF16":
        # The upper half of a 32-bit float.
        return [struct.unpack("<f", b"\0\0" + raw[place : place + 2])[0] for place in range(0, len(raw), 2)]
    row = DATATYPES.get(datatype)
    if row is None or len(raw) % struct.calcsize("<" + row.raw):
        raise ReplicaError(f"The server answered with {len(raw)} bytes of {datatype}, which cannot be read.")
    return [value for (value,) in struct.iter_unpack("<" + row.raw, raw)]


def _texts(raw: bytes) -> list[Any]:
    texts, place = [], 0
    while place < len(raw):
        (length,) = struct.unpack_from("<I", raw, place)
        texts.append(raw[place + 4 : place + 4 + length])
        place += 4 + length
    return texts


def readable(values: Sequence[Any]) -> list[Any]:
    """Texts as ``str`` where they are UTF-8; everything else as it is."""
    return [_text(value) if isinstance(value, bytes) else value for value in values]


def _text(value: bytes) -> str | bytes:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value
