"""An immutable mapping that shares its parts with the mapping it came from.

Every block gives a new state, and states of several branches are kept side by side. Copying a dictionary of all
accounts for each block would cost more the older the chain is; here a change adds a small layer and joins layers of
like size, so an entry is copied about log2(n) times in its life and a look-up asks about log2(n) layers.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class LayeredMap(Generic[K, V]):
    """Looked up like a dictionary, never changed; `with_changes` gives the next one."""

    __slots__ = ("_layers",)

    def __init__(self, layers: tuple[Mapping[K, V], ...] = ()) -> None:
        self._layers = layers

    def get(self, key: K) -> V | None:
        """Return the value of a key, or None."""
        for layer in reversed(self._layers):
            if key in layer:
                return layer[key]
        return None

    def __contains__(self, key: K) -> bool:
        return any(key in layer for layer in self._layers)

    def items(self) -> Iterator[tuple[K, V]]:
        """Yield every key with its newest value, in no particular order."""
        merged: dict[K, V] = {}
        for layer in self._layers:
            merged.update(layer)
        return iter(merged.items())

    def with_changes(self, changes: Mapping[K, V], *, keep: Callable[[V], bool] | None = None) -> "LayeredMap[K, V]":
        """Return the mapping with new values.

        Args:
            changes: What is set.
            keep: Entries for which this is false may be left out when layers are joined, but need not be. Only for
                mappings whose keys are set once: a value that was replaced could come back.
        """
        if not changes:
            return self
        layers = list(self._layers)
        top: Mapping[K, V] = dict(changes)
        while layers and len(layers[-1]) <= 2 * len(top):
            top = {**layers.pop(), **top}
            if keep is not None:
                top = {key: value for key, value in top.items() if keep(value)}
        return LayeredMap((*layers, top))
