"""The catalogue's promises: units in names, scales that do not change."""

from __future__ import annotations

import hashlib

import pytest

from monitoring import catalog

UNIT_IN_NAME = {
    "ratio": "_ratio",
    "bytes": "_bytes",
    "watts": "_watts",
    "joules": "_joules",
    "celsius": "_celsius",
    "megahertz": "_megahertz",
    "seconds": "_seconds",
    "bytes_per_second": "_bytes_per_second",
    "bitmask": "_bitmask",
}


@pytest.mark.parametrize("metric", catalog.METRICS.values(), ids=lambda metric: metric.id)
def test_the_name_ends_in_its_unit(metric):
    name = metric.id.removesuffix("_total")
    assert name.endswith(UNIT_IN_NAME.get(metric.unit, ""))
    assert metric.id.endswith("_total") == (metric.kind == "counter")


def test_scales_and_dtypes_never_change():
    """Stored blocks depend on them. A new scale is a new metric: then this hash changes by addition only."""
    frozen = sorted((m.id, m.scale, m.dtype, m.kind, m.unit) for m in catalog.METRICS.values())
    assert len(frozen) == 53
    assert hashlib.sha256(repr(frozen).encode()).hexdigest()[:16] == "adf8311b0958edec"


def test_nvml_units_are_kept_without_loss():
    power = catalog.METRICS["gpu_power_draw_watts"]
    assert power.to_stored(412.345) == 412345
    assert power.from_stored(412345) == 412.345


def test_missing_stays_missing():
    metric = catalog.METRICS["gpu_temperature_celsius"]
    assert metric.to_stored(None) is None
    assert metric.from_stored(None) is None
    assert metric.to_stored(0) == 0


@pytest.mark.parametrize(
    ("entity", "kind"),
    [
        ("", ("node", None)),
        ("disk:nvme0n1", ("node", "disk")),
        ("mount:/var/lib", ("node", "mount")),
        ("core:3", ("node", "core")),
        ("GPU-57ab0000", ("accelerator", None)),
        ("weird:thing", ("accelerator", None)),
    ],
)
def test_entities_say_what_they_are(entity, kind):
    assert catalog.entity_kind(entity) == kind
