"""Made-up contents for the style guide and the chart bench; every figure is invented."""

import json
import random
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

from tests.bench.page_harness import Source, page

GPUS = range(8)
STATES = [
    "draft",
    "queued",
    "held",
    "starting",
    "running",
    "stopping",
    "succeeded",
    "failed",
    "cancelled",
    "active",
    "drained",
    "stale",
    "lost",
    "new",
    "watch_only",
    "simulated",
    "holds",
    "at_risk",
    "fails",
]


def sources() -> dict[str, Source]:
    """The live topics of the pages below."""
    lines = []
    for gpu in GPUS:
        lines += [
            (f"gpu-{gpu}/util", "ratio", 0.86, 0.16),
            (f"gpu-{gpu}/memory", "ratio", 0.7, 0.06),
            (f"gpu-{gpu}/power", "watts", 560, 120),
            (f"gpu-{gpu}/temp", "celsius", 61, 6),
        ]
    fleet = [
        (f"r{rack:02d}n{node}g{gpu}/util", "ratio", 0.7, 0.5)
        for rack in range(32)
        for node in range(4)
        for gpu in GPUS
    ]
    bench = [(f"c{chart}s{gpu}", "ratio", 0.5, 0.4) for chart in range(64) for gpu in GPUS]
    return {
        "node:demo": Source("node:demo", lines),
        "overview": Source("overview", fleet, history=5),
        "bench": Source("bench", bench[: 8 * 8]),
        "bench64": Source("bench64", bench),
    }


def live_figure(
    metric: str, unit: str, limits: list[dict[str, Any]], top: float | None = None
) -> dict[str, Any]:
    data = [
        {"type": "scatter", "mode": "lines", "name": f"GPU {gpu}", "meta": {"series": f"gpu-{gpu}/{metric}"}}
        for gpu in GPUS
    ]
    layout: dict[str, Any] = {"meta": {"unit": unit, "window_seconds": 300, "limits": limits}}
    if top is not None:
        layout["yaxis"] = {"range": [0, top]}
    return {"data": data, "layout": layout}


def loss_figure() -> dict[str, Any]:
    start = datetime(2026, 11, 24, 10, 44, tzinfo=UTC).timestamp()
    noise = random.Random(3)
    xs = [start + 30 * i for i in range(300)]
    loss = [1.0 + 1.4 * 0.985**i + noise.uniform(-0.03, 0.03) for i in range(300)]
    meta = {
        "unit": "",
        "digits": 3,
        "zero_based": False,
        "marks": [{"x": start + 2400}, {"x": start + 4900}],
        "bands": [{"from": start + 4600, "to": start + 4850}],
    }
    data = [
        {"name": "train", "x": xs, "y": loss, "meta": {"series": "loss"}},
        {
            "name": "eval",
            "x": xs[::25],
            "y": [v + 0.06 for v in loss[::25]],
            "meta": {"hue": 6, "series": "eval"},
            "line": {"dash": "dash"},
        },
    ]
    return {"data": data, "layout": {"meta": meta}}


def band_figure() -> dict[str, Any]:
    start = datetime(2026, 11, 24, 10, 44, tzinfo=UTC).timestamp()
    noise = random.Random(5)
    xs = [start + 30 * i for i in range(300)]
    mean = [0.93 + noise.uniform(-0.03, 0.03) for _ in xs]
    data = [
        {
            "name": "",
            "x": xs,
            "y": [v - 0.1 for v in mean],
            "meta": {"role": "low", "series": "low", "hue": 1},
        },
        {
            "name": "min – max",
            "x": xs,
            "y": [min(1, v + 0.05) for v in mean],
            "meta": {"role": "high", "series": "high", "hue": 1},
        },
        {"name": "mean of 16", "x": xs, "y": mean, "meta": {"series": "mean", "hue": 1}},
    ]
    return {"data": data, "layout": {"meta": {"unit": "ratio"}, "yaxis": {"range": [0, 1]}}}


def fleet() -> dict[str, Any]:
    """32 racks of 4 nodes of 8 GPUs with a few that are no value."""
    chance = random.Random(7)
    racks = []
    for rack in range(32):
        name = f"{'AB'[rack // 16]}{rack % 16 + 1:02d}"
        nodes = [fleet_node(rack, node, name, chance) for node in range(4)]
        racks.append({"uid": f"r{rack}", "name": name, "url": f"#rack-{name}", "nodes": nodes})
    metrics = [
        {"key": "util", "label": "Utilisation", "unit": "ratio", "low": 0, "high": 1, "series": "{id}/util"},
        {"key": "temp", "label": "Temp", "unit": "celsius", "low": 30, "high": 90, "series": "{id}/temp"},
    ]
    return {"racks": racks, "metrics": metrics}


def fleet_node(rack: int, node: int, name: str, chance: random.Random) -> dict[str, Any]:
    state = {(6, 1): "drained", (29, 3): "stale", (20, 2): "drained"}.get((rack, node))
    free = chance.random() < 0.12
    cells = [
        {
            "id": f"r{rack:02d}n{node}g{gpu}",
            "label": f"GPU {gpu}",
            "state": "lost"
            if (rack, node, gpu) == (6, 1, 5)
            else state or ("free" if free and chance.random() < 0.8 else "busy"),
        }
        for gpu in GPUS
    ]
    line = "Xid 79 on GPU 5, drained 14:19" if (rack, node) == (6, 1) else "8 × H100 SXM"
    return {
        "uid": f"r{rack}n{node}",
        "name": f"gpu-{name.lower()}-{node + 1}",
        "url": f"#gpu-{name}-{node}",
        "note": line,
        "cells": cells,
    }


def steps() -> list[dict[str, str]]:
    return [
        {"title": "Requested", "status": "done", "time": "11:02:14", "note": "by a.keller"},
        {"title": "Queued", "status": "done", "time": "41 min 06 s", "note": "waited for 2 whole nodes"},
        {"title": "Allocated", "status": "done", "time": "11:43:20", "note": "gpu-a09-1, gpu-a09-2"},
        {
            "title": "Starting",
            "status": "done",
            "time": "1 min 11 s",
            "note": "image 38, data 21, ranks 12 s",
        },
        {"title": "Running", "status": "now", "icon": "play", "time": "2 h 47 min", "note": "since 11:44:31"},
        {"title": "Done", "status": "todo", "icon": "flag", "time": "17:38 – 17:59", "note": "if pace holds"},
    ]


def rows() -> list[dict[str, Any]]:
    names = [
        "llama3-8b-sft-de-v4",
        "vit-det-coco-ablation-3",
        "wav2vec2-baltic-ft",
        "gpt-neox-20b-pretrain",
        "moe-8x7b-align-dpo",
        "dbg-nccl-bcast",
        "clip-vit-l14-laion40m",
        "mixtral-router-abl",
        "resnet50-bf16-baseline",
    ]
    states = [
        "running",
        "running",
        "starting",
        "queued",
        "held",
        "stopping",
        "succeeded",
        "failed",
        "cancelled",
    ]
    now = [
        "ETA 17:38 – 17:59",
        "ETA 15:10 – 15:20",
        "pulling image, 62 %",
        "8 whole nodes, 17:40 – 21:30",
        "held by a.keller",
        "15 of 16 processes gone",
        "used 38 % of memory asked",
        "GPU lost, Xid 79; requeued",
        "by r.silva, gone in 3.1 s",
    ]
    ratios = [0.46, 0.45, None, None, None, None, 1.0, 0.64, 0.41]
    tones = ["", "", "", "", "", "", "ok", "critical", "neutral"]
    return [
        {
            "name": name,
            "state": state,
            "now": text,
            "ratio": ratio,
            "tone": tone,
            "user": "a.keller",
            "gpus": "16 × H100",
        }
        for name, state, text, ratio, tone in zip(names, states, now, ratios, tones, strict=True)
    ]


def example_form() -> Any:
    from django import forms

    class Example(forms.Form):
        name = forms.CharField(label="Job name", initial="llama3-8b-sft-de-v5")
        team = forms.ChoiceField(label="Team", choices=[("a", "research-nlp"), ("b", "speech")])
        ranks = forms.IntegerField(label="GPUs", max_value=16, help_text="2 whole nodes, one rack preferred")
        note = forms.CharField(label="Note", required=False, widget=forms.Textarea(attrs={"rows": 3}))
        priority = forms.CharField(label="Priority", disabled=True, initial="normal", required=False)
        preemptible = forms.BooleanField(label="May be preempted", required=False)

    return Example({"name": "", "team": "a", "ranks": "99", "priority": "normal"})


def example_context() -> dict[str, Any]:
    now = datetime.now(UTC)
    return {
        "chrome": {
            "site_name": "FRA1 · Hall 2",
            "num_nodes": 128,
            "num_jobs_open": 180,
            "telemetry": {"newest": now, "age_seconds": 1, "num_reporting": 127, "num_agents": 128},
        },
        "messages": [],
        "states": STATES,
        "steps": steps(),
        "steps_down": [
            *steps()[:3],
            {
                "title": "Checkpoint saved",
                "status": "waiting",
                "time": "15 of 16",
                "note": "rank 11 writes its shard",
            },
            {"title": "Processes gone", "status": "failed", "time": "0 of 16"},
        ],
        "rows": rows(),
        "form": example_form(),
        "fleet": fleet(),
        "figures": {
            "util": live_figure("util", "ratio", [], 1),
            "memory": live_figure("memory", "ratio", [], 1),
            "power": live_figure("power", "watts", [{"value": 700, "label": "limit 700 W"}]),
            "temp": live_figure(
                "temp", "celsius", [{"value": 87, "label": "slow-down 87 °C", "tone": "critical"}]
            ),
            "loss": loss_figure(),
            "band": band_figure(),
        },
        "chips": [
            {"label": "Started", "value": "last 24 h", "remove_url": "?"},
            {"label": "GPU", "value": "H100, H200", "remove_url": "?"},
        ],
        "pages": {"first": 1, "last": 16, "total": 592, "next_url": "?page=2", "previous_url": None},
        "tabs": [
            {"label": "Overview", "url": "#", "current": True, "count": None},
            {"label": "Logs", "url": "#", "count": None},
            {"label": "Checkpoints", "url": "#", "count": 3},
        ],
        "segments": [{"value": "time", "label": "Time", "current": True}, {"value": "step", "label": "Step"}],
        "crumbs": [("Jobs", "#"), ("research-nlp", "#")],
        "facts": [
            ("Type", "Dell XE9680, 6U"),
            ("Place", "A07 · U13 – U18"),
            ("Memory", "2,048 GB"),
            ("Warranty", None),
        ],
        "bulk": [
            {"name": "cancel", "label": "Cancel", "icon": "stop", "confirm": "Cancel the selected jobs?"},
            {"name": "hold", "label": "Hold", "icon": "pause"},
        ],
        "marks": [0.12, 0.23, 0.34],
        "ranks": list(range(4)),
        "slow_ranks": [3],
        "moment": now - timedelta(minutes=3),
    }


def styleguide(query: str) -> bytes:
    language = parse_qs(query).get("lang", ["en"])[0]
    return page("styleguide/page.html", example_context(), ("jobs", "jobs:job-list"), language)


def charts(topic: str, count: int) -> Any:
    """A page of `count` live charts with 8 lines each."""

    def build(query: str) -> bytes:
        context = example_context()
        context["topic"] = topic
        context["charts"] = [
            {
                "id": f"chart-{chart}",
                "title": f"Chart {chart}",
                "figure": {
                    "data": [{"name": f"GPU {gpu}", "meta": {"series": f"c{chart}s{gpu}"}} for gpu in GPUS],
                    "layout": {"meta": {"unit": "ratio", "window_seconds": 300}, "yaxis": {"range": [0, 1]}},
                },
            }
            for chart in range(count)
        ]
        return page("styleguide/charts.html", context, ("inventory", "inventory:node-list"))

    return build


def log_bytes(count: int = 100_000) -> bytes:
    """A job's log as it lies on disk: 4 ranks, colours, a progress bar, markup, one long line."""
    stamp = "2026-11-24T14:31:41.250Z"
    lines = [f"{stamp} {i % 4} step {i} loss \x1b[34m{1 + 1 / (i + 1):.4f}\x1b[0m" for i in range(count)]
    lines[-1] = f"{stamp} 0 <img src=x onerror=alert(1)> <b>bold</b>"
    lines[-2] = f"{stamp} 3 WARN slow link: allreduce 41.8 ms"
    lines[-3] = f"{stamp} - 10 %\r20 %\r100 %"
    lines[-4] = f"{stamp} 1 {'x' * 60_000}"
    return ("\n".join(lines) + "\n").encode()


LOG = log_bytes()


def log_window(query: str) -> bytes:
    """Whole lines from ?offset= on, about ?limit= bytes, as the REST logs answer."""
    asked = {name: int(values[0]) for name, values in parse_qs(query).items()}
    offset, limit = asked.get("offset", 0), asked.get("limit", 65536)
    start = max(0, len(LOG) + offset) if offset < 0 else min(offset, len(LOG))
    if start and LOG[start - 1 : start] != b"\n":
        start = LOG.find(b"\n", start) + 1
    end = LOG.rfind(b"\n", start, start + limit) + 1 or len(LOG)
    window = {"offset": start, "next_offset": end, "end_offset": len(LOG), "dropped_bytes": 0}
    return json.dumps({**window, "text": LOG[start:end].decode()}).encode()


PAGES = {
    "/log": log_window,
    "/": styleguide,
    "/charts/": charts("bench", 8),
    "/charts64/": charts("bench64", 64),
    "/favicon.ico": lambda query: b"",
}
