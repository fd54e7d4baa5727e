"""Frozen dataclasses to and from JSON, and to other values by dotted field.

Nothing is executed on reading: a class is chosen by its name from a registry that the caller passes in.
"""

import dataclasses
import difflib
import hashlib
import json
import math
import sys
import types
import typing
from collections.abc import Iterable, Mapping
from typing import Any, Literal, TypeAlias, TypeVar, Union

Registry: TypeAlias = Mapping[str, type]
Json: TypeAlias = Any  # None, bool, int, float, str, and lists and dicts of these
T = TypeVar("T")

KIND = "kind"  # the key under which a registered class writes its name


def unknown(what: str, name: object, known: Iterable[str]) -> ValueError:
    """The error for a name that is not in a table: lists what is known, suggests a near miss."""
    names = sorted(known)
    near = difflib.get_close_matches(str(name), names, n=1, cutoff=0.6)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    return ValueError(f"unknown {what} {name!r}.{hint} Known: {', '.join(names)}")


def encode(value: object, registry: Registry | None = None) -> Json:
    """JSON-ready copy of a value made of dataclasses, tuples, mappings, numbers, strings and None."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        hints = _hints(type(value))
        fields = {name: encode(_as_read(hint, getattr(value, name)), registry) for name, hint in hints.items()}
        names = [name for name, kind in (registry or {}).items() if kind is type(value)]
        return {KIND: names[0], **fields} if names else fields
    if isinstance(value, Mapping):
        return {str(key): encode(item, registry) for key, item in value.items()}
    if isinstance(value, (tuple, list)):
        return [encode(item, registry) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"cannot store the number {value} in JSON; expected a finite one")
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise ValueError(f"cannot store a {type(value).__name__} in JSON; expected a frozen dataclass or a plain value")


def decode(kind: type[T], data: object, registry: Registry | None = None, where: str = "") -> T:
    """The value of type `kind` that `encode` wrote.

    Raises ValueError naming the field for a field that is missing, unknown or of another type.
    """
    return typing.cast(T, _decode(kind, data, registry or {}, where or getattr(kind, "__name__", str(kind))))


def digest(value: object, registry: Registry | None = None) -> str:
    """64 hex digits that change when any field of the value changes."""
    text = json.dumps(encode(value, registry), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def change(value: T, field: str, new: object) -> T:
    """A copy with one dotted field changed: `change(config, "method.ipc", 10)`."""
    return _change(value, field, new, field)


def _change(value: T, rest: str, new: object, field: str) -> T:
    head, _, rest = rest.partition(".")
    if not dataclasses.is_dataclass(value) or isinstance(value, type):
        raise ValueError(f"cannot set {field!r}: a {type(value).__name__} has no fields")
    hints = _hints(type(value))
    if head not in hints:
        raise unknown(f"field of {type(value).__name__}", head, hints)
    new = _change(getattr(value, head), rest, new, field) if rest else _decode(hints[head], new, {}, field)
    return dataclasses.replace(value, **{head: new})


def _hints(kind: type) -> dict[str, Any]:
    hints = typing.get_type_hints(kind)
    return {f.name: hints[f.name] for f in dataclasses.fields(kind) if f.init}


def _as_read(hint: Any, value: Any) -> Any:
    """The value as it will be read again, 1 as 1.0 in a field of floats: equal values are written and hashed alike."""
    try:
        return _decode(hint, value, {}, "")
    except ValueError:  # not of its field's type, which reading will say with the field's name
        return value


def _decode(kind: Any, data: Any, registry: Registry, where: str) -> Any:
    if isinstance(data, kind if isinstance(kind, type) and dataclasses.is_dataclass(kind) else ()):
        return data
    origin = typing.get_origin(kind)
    if origin in (Union, types.UnionType):
        return _decode_union(kind, data, registry, where)
    if origin is Literal:
        choices = typing.get_args(kind)
        # With their types, because True == 1.
        same = [choice for choice in choices if choice == data and isinstance(data, bool) == isinstance(choice, bool)]
        if not same or not isinstance(data, type(same[0])):
            raise unknown(f"value of {where}", data, map(str, choices))
        return same[0]
    if origin is tuple:
        return _decode_tuple(kind, data, registry, where)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        if not isinstance(data, Mapping):
            raise ValueError(f"{where}: expected names with values, got {data!r}")
        item = typing.get_args(kind)[1]
        return {key: _decode(item, each, registry, f"{where}.{key}") for key, each in data.items()}
    if isinstance(kind, type) and dataclasses.is_dataclass(kind):
        return _decode_dataclass(kind, data, registry, where)
    if kind in (int, float, str, bool, type(None)):
        return _decode_plain(kind, data, where)
    return _decode_registered(data, registry, where)


def _decode_union(kind: Any, data: Any, registry: Registry, where: str) -> Any:
    problems = []
    for choice in typing.get_args(kind):
        try:
            return _decode(choice, data, registry, where)
        except ValueError as error:
            problems.append(str(error))
    raise ValueError("; or ".join(dict.fromkeys(problems)))


def _decode_tuple(kind: Any, data: Any, registry: Registry, where: str) -> Any:
    if not isinstance(data, (list, tuple)):
        raise ValueError(f"{where}: expected a list, got {data!r}")
    items = typing.get_args(kind)
    if items[1:] == (Ellipsis,):
        return tuple(_decode(items[0], each, registry, f"{where}[{i}]") for i, each in enumerate(data))
    if len(items) != len(data):
        raise ValueError(f"{where}: expected {len(items)} values, got {len(data)}")
    pairs = zip(items, data, strict=True)
    return tuple(_decode(item, each, registry, f"{where}[{i}]") for i, (item, each) in enumerate(pairs))


def _decode_dataclass(kind: type, data: Any, registry: Registry, where: str) -> Any:
    if not isinstance(data, Mapping):
        raise ValueError(f"{where}: expected the fields of {kind.__name__}, got {data!r}")
    hints = _hints(kind)
    fields = {key: value for key, value in data.items() if key != KIND or key in hints}
    written = kind if KIND in hints else registry.get(str(data.get(KIND)), kind)
    if written is not kind:
        raise ValueError(f"{where}: expected a {kind.__name__}, got a {written.__name__}")
    for key in fields:
        if key not in hints:
            raise unknown(f"field of {where}", key, hints)
    try:
        return kind(**{key: _decode(hints[key], value, registry, f"{where}.{key}") for key, value in fields.items()})
    except TypeError as error:  # a field without a default is missing
        raise ValueError(f"{where}: {error}") from None


def _decode_plain(kind: Any, data: Any, where: str) -> Any:
    whole = isinstance(data, int) and not isinstance(data, bool)
    if not (isinstance(data, kind) or (kind is float and whole)) or (isinstance(data, bool) and kind is not bool):
        raise ValueError(f"{where}: expected {kind.__name__}, got {data!r}")
    if kind is not float:
        return data
    if not abs(data) <= sys.float_info.max:  # not isfinite: that takes no integer beyond the floats
        raise ValueError(f"{where}: expected a finite number, got {data!r}")
    return float(data)


def _decode_registered(data: Any, registry: Registry, where: str) -> Any:
    if dataclasses.is_dataclass(data) and not isinstance(data, type):
        return data  # a value of a registered class, set from Python
    if not isinstance(data, Mapping) or KIND not in data:
        raise ValueError(f"{where}: expected fields with {KIND!r}, one of {', '.join(sorted(registry))}; got {data!r}")
    if str(data[KIND]) not in registry:
        raise unknown(where, data[KIND], registry)
    return _decode_dataclass(registry[str(data[KIND])], data, registry, where)
