"""What an ONNX file says of itself, before anything runs it.

ONNX Runtime tells neither the opset nor where the weights are, and a graph may name files outside the bundle that no
hash covers. So the few fields in question are looked up in the file's own encoding (Protocol Buffers; onnx.proto).
"""

from collections.abc import Iterator
from pathlib import Path

from inference.errors import BundleError

OLDEST_OPSET = 18
"""A graph may use the operators of this version of ONNX and of any newer one that the installed ONNX Runtime knows."""

_VARINT, _FIXED_64, _BYTES, _FIXED_32 = 0, 1, 2, 5
_OPSET_IMPORT, _DOMAIN, _VERSION, _EXTERNAL_DATA = 8, 1, 2, 13
_INNER = {
    "model": {7: "graph", 25: "function"},
    "graph": {1: "node", 5: "tensor"},
    "function": {7: "node"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph"},
}
"""Message and field number: where tensors can be."""

_Fields = Iterator[tuple[int, int | memoryview]]


def check(path: Path) -> None:
    """Refuse a graph of other opsets, or one whose weights are elsewhere.

    Raises:
        BundleError: it is one of these, or no ONNX file.
    """
    try:
        data = path.read_bytes()
        imported = opsets(data)
        elsewhere = _has_external_data(memoryview(data))
    except (ValueError, IndexError) as error:
        raise BundleError(f"{path.name} is not an ONNX file.") from error
    if elsewhere:
        raise BundleError(f"{path.name} keeps its weights in other files; export it with the weights inside.")
    for domain, version in imported.items():
        if domain not in ("", "ai.onnx"):
            raise BundleError(f"{path.name} needs the operators {domain}, which are not ONNX's own.")
        if version < OLDEST_OPSET:
            raise BundleError(f"{path.name} is written in opset {version}; export it in opset {OLDEST_OPSET} or newer.")
    if not imported:
        raise BundleError(f"{path.name} is not an ONNX file.")


def opsets(data: bytes) -> dict[str, int]:
    """The operator sets a model imports: domain ("" is ONNX's own) and version.

    Raises:
        ValueError, IndexError: this is not a model.
    """
    found = {}
    for number, value in _fields(memoryview(data)):
        if number == _OPSET_IMPORT and isinstance(value, memoryview):
            words = dict(_fields(value))
            domain, version = words.get(_DOMAIN, memoryview(b"")), words.get(_VERSION, 0)
            if not isinstance(domain, memoryview) or not isinstance(version, int):
                raise ValueError("an operator set has a domain and a version")
            found[bytes(domain).decode()] = version
    return found


def _has_external_data(model: memoryview) -> bool:
    waiting = [("model", model)]
    while waiting:
        kind, message = waiting.pop()
        for number, value in _fields(message):
            if kind == "tensor" and number == _EXTERNAL_DATA:
                return True
            inner = _INNER.get(kind, {}).get(number)
            if inner is not None and isinstance(value, memoryview):
                waiting.append((inner, value))
    return False


def _fields(message: memoryview) -> _Fields:
    """The fields of a message: number, and the integer or the bytes."""
    place = 0
    while place < len(message):
        key, place = _varint(message, place)
        number, wire = key >> 3, key & 7
        if wire == _VARINT:
            value, place = _varint(message, place)
            yield number, value
            continue
        if wire == _BYTES:
            length, place = _varint(message, place)
        elif wire in (_FIXED_32, _FIXED_64):
            length = 4 if wire == _FIXED_32 else 8
        else:
            raise ValueError("no such kind of field")
        if place + length > len(message):
            raise ValueError("a field is cut off")
        yield number, message[place : place + length]
        place += length


def _varint(message: memoryview, place: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[place]
        place += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, place
        shift += 7
        if shift > 63:
            raise ValueError("a number is too long")
