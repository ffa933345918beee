"""Frames: what comes back as it was sent, and everything else refused with a code."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitoring import catalog, protocol
from monitoring.protocol import (
    Ack,
    ColumnGroup,
    Event,
    Hello,
    HelloReply,
    Layout,
    NodeFacts,
    ProtocolError,
    Sample,
    decode_from_agent,
    decode_from_ingest,
    encode,
)


def layout(*groups: ColumnGroup) -> Layout:
    return Layout(node=0, layout=0, boot_id="b", groups=list(groups))


def hello(*groups: ColumnGroup, **facts) -> Hello:
    known = {"hostname": "h", "machine_id": "m", "boot_id": "b"} | facts
    return Hello(agent_version="1", collector="real", facts=NodeFacts(**known), layout=layout(*groups))


GPU = ColumnGroup("GPU-1", ["gpu_power_draw_watts", "gpu_temperature_celsius"])
NODE = ColumnGroup("", ["cpu_utilisation_ratio"])
EVENT = {"type": "event", "node": 0, "boot_id": "b", "kind": "xid", "monotonic_ms": 1, "wall_ms": 2}


def code_of(frame: bytes | str) -> str:
    with pytest.raises(ProtocolError) as caught:
        decode_from_agent(frame)
    return caught.value.code


def test_a_hello_survives_both_encodings():
    said = hello(NODE, GPU)
    assert decode_from_agent(encode(said)) == said
    assert decode_from_agent(msgspec.json.encode(said).decode()) == said


def test_a_sample_is_positional_and_small():
    sample = Sample(0, 0, 7, 1000, 1_700_000_000_000, [412345, None, -3])
    frame = encode(sample)
    assert decode_from_agent(frame) == sample
    assert msgspec.msgpack.decode(frame) == [0, 0, 7, 1000, 1_700_000_000_000, [412345, None, -3]]
    assert len(frame) < 40


def test_a_sample_may_be_written_by_hand_as_json():
    text = '{"type":"sample","node":0,"layout":0,"seq":1,"monotonic_ms":5,"wall_ms":6,"values":[1,null]}'
    assert decode_from_agent(text) == Sample(0, 0, 1, 5, 6, [1, None])


def test_answers_survive_too():
    for message in (Ack(frames=3), HelloReply(node=0, accepted=False, code="token_refused")):
        assert decode_from_ingest(encode(message)) == message


@pytest.mark.parametrize(
    "frame",
    [
        b"",
        "",
        b"\x90",
        b"\x91\x01",
        b"\xc1",
        b"\xff" * 9,
        "[" * 100_000,
        b"\x91" * 100_000,
        b"\x81\xa1a" * 60_000,
        "null",
        '{"type":"sample"}',
        '{"type":"unheard of"}',
        '{"node":0}',
        '"\ud800"',
        '{"type":"event","node":0,"boot_id":"\\ud800","kind":"x","monotonic_ms":1,"wall_ms":1}',
        '{"type":"sample","node":0,"layout":0,"seq":1,"monotonic_ms":1,"wall_ms":2,"values":[1e400]}',
        '{"type":"sample","node":0,"layout":0,"seq":1,"monotonic_ms":1,"wall_ms":2,"values":[1.5]}',
        '{"type":"sample","node":-1,"layout":0,"seq":1,"monotonic_ms":1,"wall_ms":2,"values":[]}',
        '{"type":"sample","node":0,"layout":0,"seq":1,"monotonic_ms":1,"wall_ms":2,"values":[99999999999999999999]}',
    ],
)
def test_garbage_is_malformed(frame):
    assert code_of(frame) == "frame_malformed"


def test_an_oversized_frame_is_refused_unread():
    assert code_of(b"\x90" + b"\x00" * protocol.MAX_FRAME_BYTES) == "frame_too_large"


@pytest.mark.parametrize("value", [float("nan"), float("inf"), [1], {"a": 1}, "x" * 256, "a\x00b"])
def test_event_params_are_plain_and_finite(value):
    assert code_of(msgspec.msgpack.encode(EVENT | {"params": {"p": value}})) == "frame_malformed"


@pytest.mark.parametrize("name", ["a\x00", "line\nbreak", "\x7f", "x" * 256])
def test_control_characters_and_long_names_are_refused(name):
    assert code_of(msgspec.msgpack.encode(EVENT | {"boot_id": name})) == "frame_malformed"


def test_another_schema_version_is_named():
    assert code_of(encode(msgspec.structs.replace(hello(), schema=2))) == "schema_unsupported"


@pytest.mark.parametrize(
    "groups",
    [
        [NODE, NODE],
        [ColumnGroup("GPU-1", ["cpu_utilisation_ratio"])],
        [ColumnGroup("", ["gpu_power_draw_watts"])],
        [ColumnGroup("disk:sda", ["network_errors_total"])],
    ],
)
def test_doubled_and_misplaced_columns_are_refused(groups):
    assert code_of(encode(hello(*groups))) == "layout_malformed"


def test_too_many_columns_are_refused():
    groups = [ColumnGroup(f"GPU-{n}", ["gpu_power_draw_watts"]) for n in range(protocol.MAX_COLUMNS + 1)]
    assert code_of(encode(layout(*groups))) in ("layout_malformed", "frame_malformed")


def test_a_metric_of_a_newer_agent_is_let_through():
    said = hello(ColumnGroup("", ["metric_of_next_year"]))
    assert decode_from_agent(encode(said)) == said
    assert catalog.find("metric_of_next_year") is None


def test_boot_ids_must_agree():
    assert code_of(encode(hello(NODE, boot_id="another"))) == "layout_malformed"


def test_values_must_match_the_columns():
    with pytest.raises(ProtocolError) as caught:
        protocol.check_sample(Sample(0, 0, 1, 1, 1, [1]), layout(GPU))
    assert caught.value.code == "values_mismatch"


def test_a_layout_id_follows_order_and_names_not_the_boot():
    first = layout(NODE, GPU)
    rebooted = msgspec.structs.replace(first, boot_id="c", layout=9)
    assert first.layout_id() == rebooted.layout_id()
    assert first.layout_id() != layout(GPU, NODE).layout_id()


def test_events_of_unknown_kind_are_kept():
    event = decode_from_agent(msgspec.msgpack.encode(EVENT | {"kind": "flux_capacitor"}))
    assert isinstance(event, Event)
    assert event.kind == "flux_capacitor"


def understood_or_refused(frame: bytes | str) -> bool:
    try:
        decode_from_agent(frame)
    except ProtocolError:
        return True
    return True


@given(st.binary(max_size=300))
def test_any_bytes_give_a_message_or_a_protocol_error(frame):
    assert understood_or_refused(frame)


@given(st.text(max_size=200))
def test_any_text_gives_a_message_or_a_protocol_error(text):
    assert understood_or_refused(text)
