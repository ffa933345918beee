"""Blocks: a header that says whose readings these are, and one coded plane (samples) or four (rollups)."""

import struct
from dataclasses import dataclass, replace

import numpy as np

from monitoring.store.codec import HOT_LEVEL, MISSING, BadBlock, decode, encode
from monitoring.store.layout import Layout

FORMAT_VERSION = 1
_MAGIC = b"DCPB"
# magic, version, planes, step seconds, slots, layout id, start (unix), clock skew ms, duplicates,
# length of the node uid, length of the boot id
_HEAD = struct.Struct("<4sHBIH8sqiIBB")


@dataclass(frozen=True, slots=True)
class BlockKey:
    """Whose readings and from when: node uid, start (unix seconds), layout id, boot id."""

    node: str
    start: int
    layout: bytes
    boot: str


@dataclass(frozen=True, slots=True)
class BlockHead:
    """What a block says of itself. `skew_milliseconds` = agent's wall clock minus ours."""

    key: BlockKey
    step: int
    slots: int
    planes: int = 1
    skew_milliseconds: int = 0
    duplicates: int = 0


def pack(head: BlockHead, planes: np.ndarray, layout: Layout, level: int = HOT_LEVEL) -> bytes:
    """Bytes of a block; `planes` is int64 (planes, columns, slots)."""
    node, boot = head.key.node.encode(), head.key.boot.encode()
    skew = max(-(2**31), min(2**31 - 1, head.skew_milliseconds))
    shape = head.planes, head.step, head.slots
    tail = min(head.duplicates, 2**32 - 1), len(node), len(boot)
    fixed = _HEAD.pack(_MAGIC, FORMAT_VERSION, *shape, head.key.layout, head.key.start, skew, *tail)
    bodies = [encode(plane, layout, level) for plane in planes]
    sizes = b"".join(struct.pack("<I", len(body)) for body in bodies)
    return b"".join([fixed, node, boot, sizes, *bodies])


def read_head(data: bytes) -> tuple[BlockHead, int]:
    """The header and the offset behind it. Raises BadBlock for other formats and newer versions."""
    try:
        magic, version, planes, step, slots, layout, start, skew, duplicates, node, boot = _HEAD.unpack_from(
            data
        )
    except struct.error as error:
        raise BadBlock(str(error)) from error
    if magic != _MAGIC or version != FORMAT_VERSION:
        raise BadBlock(f"not a block of format {FORMAT_VERSION}")
    at = _HEAD.size
    names = data[at : at + node].decode(), data[at + node : at + node + boot].decode()
    key = BlockKey(names[0], start, layout, names[1])
    return BlockHead(key, step, slots, planes, skew, duplicates), at + node + boot


def unpack(data: bytes, layout: Layout, columns: list[int] | None = None) -> tuple[BlockHead, np.ndarray]:
    """Header and int64 (planes, columns, slots)."""
    head, at = read_head(data)
    sizes = struct.unpack_from(f"<{head.planes}I", data, at)
    at += 4 * head.planes
    planes = []
    for size in sizes:
        planes.append(decode(data[at : at + size], layout, head.slots, columns))
        at += size
    return head, np.stack(planes)


def overlay(old: np.ndarray, new: np.ndarray) -> np.ndarray:
    """`new` over `old`, slot by slot: a missing reading never hides one that is there."""
    return np.where(new == MISSING, old, new)


def merge(old: bytes, new: bytes, layout: Layout, level: int = HOT_LEVEL) -> bytes:
    """One block out of two of the same key; where both have a reading the newer block wins."""
    old_head, old_planes = unpack(old, layout)
    new_head, new_planes = unpack(new, layout)
    head = replace(new_head, duplicates=old_head.duplicates + new_head.duplicates)
    return pack(head, overlay(old_planes, new_planes), layout, level)
