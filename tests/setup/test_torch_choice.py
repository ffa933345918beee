"""TORCH=auto|cpu|cuda|skip against what the driver reports."""

import pytest

from dcportal.setup.gpus import Gpus, parse_capability
from dcportal.setup.torch_choice import UnknownChoice, choose

H200 = Gpus("580.95.05", ((9, 0),))


@pytest.mark.parametrize(
    ("wanted", "gpus", "backend"),
    [
        ("auto", None, "cpu"),
        ("auto", H200, "cu130"),
        ("auto", Gpus("560.35.03", ((8, 0),)), "cu126"),
        ("auto", Gpus("580.95.05", ((7, 0),)), "cu126"),
        ("auto", Gpus("580.95.05", ((9, 0), (6, 1))), "cu126"),
        ("auto", Gpus("470.256.02", ((7, 5),)), "cpu"),
        ("auto", Gpus("580.95.05", ((3, 5),)), "cpu"),
        ("cpu", H200, "cpu"),
        ("cuda", None, "cu130"),
        ("cuda", Gpus("560.35.03", ((8, 0),)), "cu126"),
        ("skip", H200, ""),
    ],
)
def test_the_build_fits_driver_and_oldest_gpu(wanted: str, gpus: Gpus | None, backend: str) -> None:
    choice = choose(wanted, gpus)

    assert choice.backend == backend
    assert choice.reason


def test_a_misspelt_choice_names_the_right_ones() -> None:
    with pytest.raises(UnknownChoice, match="auto, cpu, cuda, skip"):
        choose("gpu", None)


def test_capabilities_are_read_as_numbers() -> None:
    assert parse_capability(" 12.0\n") > parse_capability("9.0")
