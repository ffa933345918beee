"""The messages between agent and ingest on `/ws/agent/`.

Read by the agent and by ingest, so Django-free. One websocket message is one frame: a binary frame
is msgpack, a text frame JSON with the same keys. The agent authenticates the handshake with
`Authorization: Bearer <node token>`; ingest answers each `Hello` with a `HelloReply`.

Order of a connection:
  1. one `Hello` per node the agent speaks for (a simulated fleet sends many, `node` = 0, 1, ...),
     each answered by a `HelloReply`; a hello again for the same `node` replaces facts and layout
     (hot-plug);
  2. data frames: `Sample`, `Event`, `Processes`, and `Layout` where a sample of an older boot or
     layout is about to be replayed;
  3. `Ack(frames=n)`: the first n data frames of this connection (all but Hello) are durable, or
     were refused by an `Error` that names them. Frames without an ack are sent again on the next
     connection: ingest keeps the last of two samples of one (node, boot, second).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

import msgspec

from monitoring import catalog

SCHEMA_VERSION = 1
MAX_FRAME_BYTES = 256 * 1024
MAX_COLUMNS = 4096
MAX_NODES = 4096

# Close codes of the socket; the reason is always also in a HelloReply or Error before it.
CLOSE_BAD_MESSAGE = 4400
CLOSE_TOKEN_REFUSED = 4401
CLOSE_NODE_REFUSED = 4403
CLOSE_NOT_HOLDER = 4409
CLOSE_RESTARTING = 1012

Code = Literal[
    "accepted",
    "token_refused",  # missing, unknown, expired or revoked
    "node_refused",  # the token does not name this node
    "schema_unsupported",
    "frame_too_large",
    "frame_malformed",
    "layout_malformed",  # duplicate or misplaced columns
    "layout_unknown",  # a sample refers to a layout not declared on this connection
    "values_mismatch",  # as many values as columns, please
    "hello_missing",  # a data frame for a node that has not said hello
    "not_holder",  # another process holds ingest
    "storage_full",  # not durable: keep it and come again
    "rate_limited",
]

_INT64 = 2**63
Text = Annotated[str, msgspec.Meta(max_length=255, pattern=r"\A[^\x00-\x1f\x7f]*\Z")]
Count = Annotated[int, msgspec.Meta(ge=0, le=_INT64 - 1)]
Ref = Annotated[int, msgspec.Meta(ge=0, lt=65536)]
Stored = Annotated[int, msgspec.Meta(ge=-_INT64, le=_INT64 - 1)]
Values = Annotated[list[Stored | None], msgspec.Meta(max_length=MAX_COLUMNS)]
Real = Annotated[float, msgspec.Meta(ge=-1e18, le=1e18)]  # bounds refuse NaN and infinity too
Params = Annotated[dict[Text, Text | Stored | Real | None], msgspec.Meta(max_length=16)]


class ProtocolError(Exception):
    """A frame that is not understood. `code` is one of `Code`; `detail` is for logs, in English."""

    def __init__(self, code: Code, detail: str = "") -> None:
        super().__init__(f"{code}: {detail}" if detail else code)
        self.code: Code = code
        self.detail = detail


class AcceleratorFacts(msgspec.Struct, kw_only=True, frozen=True):
    """What does not change while an accelerator stays in its slot. Unknown is None."""

    uuid: Text
    index: Count
    name: Text
    vendor: Text = "nvidia"
    memory_total_bytes: Count | None = None
    pci_bus_id: Text | None = None
    power_limit_watts: Real | None = None
    compute_capability: Text | None = None
    serial: Text | None = None


class NodeFacts(msgspec.Struct, kw_only=True, frozen=True):
    """What a node is. Unknown is None. `notes` are codes such as `power_unreadable`."""

    hostname: Text
    machine_id: Text
    boot_id: Text
    cpu_model: Text | None = None
    cores: Count | None = None
    threads: Count | None = None
    memory_total_bytes: Count | None = None
    swap_total_bytes: Count | None = None
    os: Text | None = None
    kernel: Text | None = None
    architecture: Text | None = None
    python: Text | None = None
    driver: Text | None = None
    cuda: Text | None = None
    accelerators: Annotated[list[AcceleratorFacts], msgspec.Meta(max_length=64)] = []
    notes: Annotated[list[Text], msgspec.Meta(max_length=32)] = []


class ColumnGroup(msgspec.Struct, array_like=True, frozen=True):
    """`metrics` of one entity, in order; see `catalog.entity_kind` for what an entity is."""

    entity: Text
    metrics: Annotated[list[Text], msgspec.Meta(max_length=MAX_COLUMNS)]


class Layout(msgspec.Struct, tag_field="type", tag="layout", kw_only=True, frozen=True):
    """What the values of samples (`node`, `layout`) mean, and in which boot they were read."""

    node: Ref
    layout: Ref
    boot_id: Text
    groups: Annotated[list[ColumnGroup], msgspec.Meta(max_length=MAX_COLUMNS)]

    def columns(self) -> list[tuple[str, str]]:
        """Ordered (entity, metric id), one per value of a sample."""
        return [(group.entity, metric) for group in self.groups for metric in group.metrics]

    def layout_id(self) -> str:
        """Hash of the columns; the boot is not part of it."""
        return catalog.layout_id(self.columns())


class Hello(msgspec.Struct, tag_field="type", tag="hello", kw_only=True, frozen=True):
    """A node introduces itself. `layout.node` is the index its samples carry on this connection.

    `collector` "simulated" marks everything of this node as made up, for ever.
    `node_uid` is what an earlier HelloReply said, None at first.
    """

    schema: Count = SCHEMA_VERSION
    agent_version: Text
    collector: Literal["real", "simulated"]
    node_uid: Text | None = None
    interval_seconds: Annotated[float, msgspec.Meta(gt=0, le=3600)] = 1.0
    facts: NodeFacts
    layout: Layout


class Sample(msgspec.Struct, array_like=True, frozen=True):
    """One tick of one node: `[node, layout, seq, monotonic_ms, wall_ms, [values]]`.

    seq counts a node's ticks since this agent started. monotonic_ms is since boot and never jumps;
    wall_ms is Unix time as the node believes it. values are stored integers (catalog scale) in the
    order of the layout, None where nothing was read.
    """

    node: Ref
    layout: Ref
    seq: Count
    monotonic_ms: Count
    wall_ms: Count
    values: Values


class KeyedSample(msgspec.Struct, tag_field="type", tag="sample", kw_only=True, frozen=True):
    """`Sample` for people and curl; `decode_from_agent` turns it into a `Sample`."""

    node: Ref
    layout: Ref
    seq: Count
    monotonic_ms: Count
    wall_ms: Count
    values: Values


class Process(msgspec.Struct, kw_only=True, frozen=True):
    """One process on one accelerator. `job_tag` is `<job uid>.<attempt>` from its environment.

    start_ticks is field 22 of /proc/<pid>/stat: with the boot id it tells one pid from its reuse.
    """

    pid: Count
    accelerator: Text
    kind: Literal["compute", "graphics"] = "compute"
    start_ticks: Count | None = None
    user: Text | None = None
    name: Text | None = None
    memory_bytes: Count | None = None
    cgroup: Annotated[str, msgspec.Meta(max_length=4096)] | None = None
    job_tag: Text | None = None


class Processes(msgspec.Struct, tag_field="type", tag="processes", kw_only=True, frozen=True):
    """All processes on the node's accelerators; sent when the list changes and after each hello."""

    node: Ref
    boot_id: Text
    monotonic_ms: Count
    wall_ms: Count
    processes: Annotated[list[Process], msgspec.Meta(max_length=1024)]


class Event(msgspec.Struct, tag_field="type", tag="event", kw_only=True, frozen=True):
    """Something that happened once. Sent again after a cut: equal fields are the same event.

    kind: accelerator_lost, accelerator_back, accelerator_appeared, accelerator_vanished,
    driver_missing, driver_back, driver_silent, driver_answers, xid (params xid), energy_reset,
    clock_jump (params seconds),
    frames_dropped (params frames), spill_failed (params errno), spill_back. Unknown kinds are kept.
    """

    node: Ref
    boot_id: Text
    kind: Annotated[str, msgspec.Meta(max_length=64, pattern=r"\A[a-z][a-z0-9_]*\Z")]
    entity: Text = catalog.NODE_ENTITY
    monotonic_ms: Count
    wall_ms: Count
    params: Params = {}


class HelloReply(msgspec.Struct, tag_field="type", tag="hello_reply", kw_only=True, frozen=True):
    """Whether node index `node` may send. Refused: `code` says why and the socket is closed.

    A refusal with `retry_after_seconds` asks the agent not to come back sooner. `admission` is the
    node's ("new" until an operator accepts it; its samples are kept meanwhile).
    """

    node: Ref
    accepted: bool
    code: Code = "accepted"
    params: Params = {}
    node_uid: Text | None = None
    admission: Text | None = None
    retry_after_seconds: Real | None = None
    replay_frames_per_second: Annotated[int, msgspec.Meta(ge=1, le=100_000)] = 200


class Ack(msgspec.Struct, tag_field="type", tag="ack", kw_only=True, frozen=True):
    """The first `frames` data frames of this connection are dealt with and may be forgotten."""

    frames: Count


class Error(msgspec.Struct, tag_field="type", tag="error", kw_only=True, frozen=True):
    """Data frame number `frame` (1 is the first) was refused; it still counts in `Ack.frames`.

    `frame` None: about the connection, which is then closed.
    """

    code: Code
    frame: Count | None = None
    params: Params = {}


FromAgent = Hello | Layout | Sample | Processes | Event
FromIngest = HelloReply | Ack | Error

_KeyedFromAgent = Hello | Layout | KeyedSample | Processes | Event
_sample_decoder = msgspec.msgpack.Decoder(Sample)
_agent_decoders = msgspec.msgpack.Decoder(_KeyedFromAgent), msgspec.json.Decoder(_KeyedFromAgent)
_ingest_decoders = msgspec.msgpack.Decoder(FromIngest), msgspec.json.Decoder(FromIngest)
_encoder = msgspec.msgpack.Encoder()


def encode(message: FromAgent | FromIngest) -> bytes:
    """The binary frame of `message`."""
    return _encoder.encode(message)


def decode_from_agent(frame: bytes | str) -> FromAgent:
    """The message in a frame an agent sent. Raises ProtocolError, nothing else."""
    if isinstance(frame, bytes) and _is_positional(frame):
        return _decoded(_sample_decoder, frame)
    message = _decoded(_agent_decoders[isinstance(frame, str)], frame)
    if isinstance(message, KeyedSample):
        return Sample(*msgspec.structs.astuple(message))
    if isinstance(message, Hello):
        _check_hello(message)
    elif isinstance(message, Layout):
        _check_layout(message)
    return message


def decode_from_ingest(frame: bytes | str) -> FromIngest:
    """The message in a frame ingest sent. Raises ProtocolError, nothing else."""
    return _decoded(_ingest_decoders[isinstance(frame, str)], frame)


def renumbered(sample: Sample, layout: int) -> Sample:
    """`sample` under another layout number (a replay by a later agent)."""
    return msgspec.structs.replace(sample, layout=layout)


def check_sample(sample: Sample, layout: Layout) -> None:
    """Raises ProtocolError when `sample` has not one value per column of `layout`."""
    columns = sum(len(group.metrics) for group in layout.groups)
    if len(sample.values) != columns:
        raise ProtocolError("values_mismatch", f"{len(sample.values)} values, {columns} columns")


def _is_positional(frame: bytes) -> bool:
    # msgpack arrays: fixarray 0x90-0x9f, array16 0xdc, array32 0xdd
    return bool(frame) and (frame[0] & 0xF0 == 0x90 or frame[0] in (0xDC, 0xDD))


def _decoded(decoder: Any, frame: bytes | str) -> Any:
    if len(frame) > MAX_FRAME_BYTES:
        raise ProtocolError("frame_too_large", f"{len(frame)} > {MAX_FRAME_BYTES}")
    try:
        return decoder.decode(frame)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise ProtocolError("frame_malformed", str(error)) from None


def _check_hello(hello: Hello) -> None:
    if hello.schema != SCHEMA_VERSION:
        raise ProtocolError("schema_unsupported", f"{hello.schema}, this side speaks {SCHEMA_VERSION}")
    _check_layout(hello.layout)
    uuids = [accelerator.uuid for accelerator in hello.facts.accelerators]
    if len(set(uuids)) != len(uuids):
        raise ProtocolError("layout_malformed", "an accelerator is named twice")
    if hello.layout.boot_id != hello.facts.boot_id:
        raise ProtocolError("layout_malformed", "boot ids of facts and layout differ")


def _check_layout(layout: Layout) -> None:
    columns = layout.columns()
    if len(columns) > MAX_COLUMNS:
        raise ProtocolError("layout_malformed", f"{len(columns)} columns > {MAX_COLUMNS}")
    if len(set(columns)) != len(columns):
        raise ProtocolError("layout_malformed", "a column is named twice")
    for entity, metric_id in _misplaced(columns):
        raise ProtocolError("layout_malformed", f"{metric_id} is not measured on {entity!r}")


def _misplaced(columns: list[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    for entity, metric_id in columns:
        metric = catalog.find(metric_id)
        if metric is not None and not catalog.fits(metric, entity):
            yield entity, metric_id
