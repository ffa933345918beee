"""Integers to bytes and back: one frame per metric of zigzag deltas, byte-shuffled, zstd. Pure.

A matrix is int64 of shape (columns, slots); MISSING marks a slot without a reading. Readings are scaled
integers, so the round trip is exact (float32 would corrupt an energy counter in millijoules).
"""

import struct
import threading
from collections.abc import Sequence

import numpy as np
import zstandard

from monitoring.store.layout import Layout

MISSING = np.iinfo(np.int64).min
HOT_LEVEL = 3
PACK_LEVEL = 9

_WIDTHS = (0, 1, 2, 4, 8)
_STORED = 0x80  # frame kept uncompressed because zstd would not have made it smaller
_HAS_GAPS = 1
_HEAD = struct.Struct("<BHI")  # flags, number of frames, length of the presence frame
_local = threading.local()


class BadBlock(ValueError):
    """The bytes are not a block this version can read."""


def encode(matrix: np.ndarray, layout: Layout, level: int = HOT_LEVEL) -> bytes:
    """Bytes of `matrix` (columns, slots): presence if something is missing, then one frame a metric."""
    present = matrix != MISSING
    gaps = b"" if present.all() else _squeeze(np.packbits(present, axis=1).tobytes(), level)[1]
    filled = forward_fill(matrix, present)
    frames = [_frame(filled[group], level) for group in layout.groups]
    tags = bytes(tag for tag, _ in frames)
    lengths = np.array([len(data) for _, data in frames], dtype="<u4").tobytes()
    head = _HEAD.pack(_HAS_GAPS if gaps else 0, len(frames), len(gaps))
    return b"".join([head, tags, lengths, gaps, *(data for _, data in frames)])


def decode(body: bytes, layout: Layout, slots: int, columns: Sequence[int] | None = None) -> np.ndarray:
    """The rows named by `columns` (all when None) as int64 (rows, slots); only their frames are unpacked."""
    wanted = np.arange(len(layout.columns)) if columns is None else np.asarray(columns, dtype=np.int64)
    try:
        flags, count, gap_length = _HEAD.unpack_from(body)
        if count != len(layout.groups):
            raise BadBlock(f"{count} frames where the layout has {len(layout.groups)}")
        at = _HEAD.size + 5 * count
        tags = body[_HEAD.size : _HEAD.size + count]
        lengths = np.frombuffer(body, dtype="<u4", count=count, offset=_HEAD.size + count)
        starts = at + gap_length + np.concatenate(([0], np.cumsum(lengths, dtype=np.int64)))
        out = np.empty((len(wanted), slots), dtype=np.int64)
        group_of, row_of = layout.places
        for index in sorted(set(group_of[wanted].tolist())):
            frame = body[starts[index] : starts[index + 1]]
            whole = _unframe(frame, tags[index], len(layout.groups[index]), slots)
            rows = np.nonzero(group_of[wanted] == index)[0]
            out[rows] = whole[row_of[wanted[rows]]]
        if flags & _HAS_GAPS:
            _punch(out, body[at : at + gap_length], wanted, len(layout.columns), slots)
    except (struct.error, zstandard.ZstdError, IndexError, ValueError) as error:
        raise BadBlock(str(error)) from error
    return out


def forward_fill(matrix: np.ndarray, present: np.ndarray) -> np.ndarray:
    """Missing slots take the reading before them (the first reading at the start, 0 in an empty row)."""
    if present.all():
        return matrix
    slots = matrix.shape[1]
    last = np.maximum.accumulate(np.where(present, np.arange(slots), -1), axis=1)
    first = np.argmax(present, axis=1)[:, None]
    filled = np.take_along_axis(matrix, np.where(last < 0, first, last), axis=1)
    filled[~present.any(axis=1)] = 0
    return filled


def _frame(rows: np.ndarray, level: int) -> tuple[int, bytes]:
    base = _zigzag(rows[:, :1])
    deltas = _zigzag(np.diff(rows, axis=1))
    base_width, delta_width = _width_code(base), _width_code(deltas)
    raw = _shuffle(base, _WIDTHS[base_width]) + _shuffle(deltas, _WIDTHS[delta_width])
    stored, data = _squeeze(raw, level, keep_small=True)
    return (stored | base_width << 3 | delta_width), data


def _unframe(data: bytes, tag: int, rows: int, slots: int) -> np.ndarray:
    base_width, delta_width = _WIDTHS[tag >> 3 & 7], _WIDTHS[tag & 7]
    raw = data if tag & _STORED else _unsqueeze(data)
    cut = rows * base_width
    whole = np.empty((rows, slots), dtype=np.int64)
    whole[:, :1] = _unzigzag(_unshuffle(raw[:cut], base_width, rows, 1))
    whole[:, 1:] = _unzigzag(_unshuffle(raw[cut:], delta_width, rows, slots - 1))
    return np.cumsum(whole, axis=1, out=whole)


def _zigzag(values: np.ndarray) -> np.ndarray:
    return ((values << 1) ^ (values >> 63)).view(np.uint64)


def _unzigzag(values: np.ndarray) -> np.ndarray:
    return (values >> np.uint64(1)).view(np.int64) ^ -(values & np.uint64(1)).view(np.int64)


def _width_code(values: np.ndarray) -> int:
    largest = int(values.max()) if values.size else 0
    return next(code for code, width in enumerate(_WIDTHS) if largest < 1 << 8 * width)


def _shuffle(values: np.ndarray, width: int) -> bytes:
    if width == 0:
        return b""
    flat = np.ascontiguousarray(values.astype(f"<u{width}")).view(np.uint8)
    return flat.reshape(-1, width).T.tobytes()


def _unshuffle(raw: bytes, width: int, rows: int, slots: int) -> np.ndarray:
    if width == 0:
        return np.zeros((rows, slots), dtype=np.uint64)
    flat = np.frombuffer(raw, dtype=np.uint8).reshape(width, -1).T
    return np.ascontiguousarray(flat).view(f"<u{width}").reshape(rows, slots).astype(np.uint64)


def _punch(out: np.ndarray, packed: bytes, wanted: np.ndarray, columns: int, slots: int) -> None:
    bits = np.frombuffer(_unsqueeze(packed), dtype=np.uint8).reshape(columns, -1)
    out[np.unpackbits(bits[wanted], axis=1, count=slots) == 0] = MISSING


def _squeeze(raw: bytes, level: int, keep_small: bool = False) -> tuple[int, bytes]:
    data = _compressor(level).compress(raw)
    return (_STORED, raw) if keep_small and len(data) >= len(raw) else (0, data)


def _unsqueeze(data: bytes) -> bytes:
    if not hasattr(_local, "decompressor"):
        _local.decompressor = zstandard.ZstdDecompressor(format=zstandard.FORMAT_ZSTD1_MAGICLESS)
    return _local.decompressor.decompress(data)


def _compressor(level: int) -> zstandard.ZstdCompressor:
    """One per thread and level: zstd contexts are not thread-safe."""
    cache: dict[int, zstandard.ZstdCompressor] = _local.__dict__.setdefault("compressors", {})
    if level not in cache:
        options = zstandard.ZstdCompressionParameters.from_level(
            level, format=zstandard.FORMAT_ZSTD1_MAGICLESS, write_checksum=False, write_content_size=True
        )
        cache[level] = zstandard.ZstdCompressor(compression_params=options)
    return cache[level]
