"""Frames: what the browser's `frame.js` reads. `tests/fixtures/frame*.bin` are shared with tests/js."""

from pathlib import Path

import numpy as np
import pytest

from monitoring.frames import Frame, Legend, Series, pack, unpack

FIXTURES = Path(__file__).parent.parent / "fixtures"
LEGEND = Legend(
    (
        Series("GPU-a/gpu_utilisation_ratio", "ratio"),
        Series("node1/cpu_utilisation_ratio", "ratio"),
        Series("node1:net:eth0/network_receive_bytes_per_second", "bytes_per_second"),
    )
)
VALUES = np.array([[0.5, 0.25, np.nan, 1.0, 0.75], [np.nan] * 5, [0.0, 1e9, 2.5, 3.5, 4.5]], dtype=np.float32)


def frame(copies: int = 1) -> Frame:
    legend = Legend(LEGEND.series * copies)
    return Frame("node:node1", 7, 1_800_000_000, legend, np.tile(VALUES, (copies, 1)))


def test_a_small_frame_is_plain_and_a_large_one_compressed() -> None:
    assert (frame().full[0], frame(40).full[0]) == (0, 1)


@pytest.mark.parametrize("copies", [1, 40])
def test_header_and_values_come_back(copies: int) -> None:
    header, values = unpack(frame(copies).full)
    assert header["topic"] == "node:node1"
    assert (header["seq"], header["t"], header["step"], header["columns"]) == (7, 1_800_000_000, 1, 5)
    assert header["series"][0] == {"id": "GPU-a/gpu_utilisation_ratio", "unit": "ratio"}
    assert np.array_equal(values.reshape(-1, 5), np.tile(VALUES, (copies, 1)), equal_nan=True)


def test_who_knows_the_layout_is_not_told_again() -> None:
    made = frame()
    assert "series" not in unpack(made.bytes_for(knows_layout=True))[0]
    assert unpack(made.bytes_for(knows_layout=True))[0]["layout"] == LEGEND.layout


def test_everybody_gets_the_same_bytes_object() -> None:
    made = frame()
    assert made.bytes_for(knows_layout=True) is made.bytes_for(knows_layout=True)


def test_values_start_at_a_multiple_of_four() -> None:
    for length in range(8):
        message = pack({"topic": "x" * length}, VALUES)
        assert (len(message) - 1 - VALUES.nbytes) % 4 == 0


@pytest.mark.parametrize(("name", "copies"), [("frame.bin", 1), ("frame-zlib.bin", 40)])
def test_the_shared_fixture_is_what_we_send(name: str, copies: int) -> None:
    """Change the format and the fixture, and run tests/js too: browsers in the field read the old one."""
    ours, theirs = unpack(frame(copies).full), unpack((FIXTURES / name).read_bytes())
    assert ours[0] == theirs[0]
    assert np.array_equal(ours[1], theirs[1], equal_nan=True)
