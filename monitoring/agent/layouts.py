"""The layouts this agent has used: one small number per (node, boot, columns), for its whole life."""

from __future__ import annotations

import threading

from monitoring.protocol import ColumnGroup, Layout


class Layouts:
    """Gives numbers to layouts; the same columns in the same boot get the same number again."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._by_key: dict[tuple[int, str, str], Layout] = {}
        self._by_ref: dict[tuple[int, int], Layout] = {}

    def declare(self, node: int, boot_id: str, groups: list[ColumnGroup]) -> Layout:
        """The layout of these columns, with its number."""
        with self._lock:
            layout = Layout(node=node, layout=len(self._by_ref), boot_id=boot_id, groups=groups)
            key = (node, boot_id, layout.layout_id())
            if key not in self._by_key:
                self._by_key[key] = self._by_ref[node, layout.layout] = layout
            return self._by_key[key]

    def get(self, node: int, ref: int) -> Layout:
        """The layout that `declare` numbered `ref`."""
        return self._by_ref[node, ref]
