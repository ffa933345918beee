"""32-bit or bf16 arithmetic; weights, gradients and sums are 32-bit either way."""

from __future__ import annotations

import contextlib

import torch


def autocast(precision: str, device: torch.device) -> contextlib.AbstractContextManager[object]:
    """Context in which the forward pass runs; reusable, built once."""
    if precision == "fp32":
        return contextlib.nullcontext()
    return torch.autocast(device.type, dtype=torch.bfloat16)
