"""A recorded configuration as it reads best: `history.config.method.ipc`."""

from collections.abc import Iterator, Mapping
from typing import Any

from wddkit.codec import Json, unknown


class Fields(Mapping[str, Any]):
    """Read-only JSON object whose values are read as attributes or as items, at any depth.

    Lists come back as tuples. Equal to another mapping of the same content; `as_dict()` is a plain copy.
    """

    __slots__ = ("_data",)

    def __init__(self, data: Mapping[str, Json]) -> None:
        self._data = {key: _frozen(value) for key, value in data.items()}

    def __getitem__(self, key: str) -> Any:
        return self._data[key]

    def __getattr__(self, name: str) -> Any:
        # Names with underscores are asked for by copy and pickle before there is any data.
        if name.startswith("_") or name not in self._data:
            raise AttributeError(str(unknown("field", name, () if name.startswith("_") else self._data)))
        return self._data[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._data)

    def __len__(self) -> int:
        return len(self._data)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Mapping) and _plain(self) == _plain(other)

    __hash__ = None  # type: ignore[assignment]  # equal to plain dicts, which have no hash either

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self._data]

    def __repr__(self) -> str:
        return f"Fields({self.as_dict()!r})"

    def as_dict(self) -> dict[str, Json]:
        """A plain copy: dicts, lists, numbers and text."""
        return {key: _plain(value) for key, value in self._data.items()}


def _frozen(value: Json) -> Any:
    if isinstance(value, Mapping):
        return Fields(value)
    return tuple(_frozen(item) for item in value) if isinstance(value, (list, tuple)) else value


def _plain(value: Any) -> Json:
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, (list, tuple)) else value
