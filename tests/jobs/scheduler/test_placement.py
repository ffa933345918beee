"""A scheduler's life by hypothesis: whatever comes, nothing is given twice and the head is not delayed."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from jobs.scheduler import placement
from jobs.scheduler.placement import AcceleratorView, Ask, NodeView, Reservation, Use
from jobs.scheduler.policy import WAIT_CODES, Place, QueuedJob, Snapshot, decide

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
DISTURBED = (Use.FOREIGN, Use.MISSING)
ASKS = st.builds(
    Ask,
    ranks=st.integers(1, 4),
    gpus=st.integers(0, 5),
    gpu_type=st.sampled_from([None, "A", "B"]),
    cpus=st.one_of(st.none(), st.integers(1, 10)),
    memory_bytes=st.one_of(st.none(), st.integers(1, 100)),
)


def fresh_nodes() -> dict[str, NodeView]:
    shapes = {"n1": ("A", 4), "n2": ("B", 2), "n3": ("A", 0)}
    return {
        name: NodeView(
            name,
            name,
            cpus_total=8,
            memory_total_bytes=100,
            accelerators=tuple(AcceleratorView(f"{name}-{i}", kind, i) for i in range(count)),
        )
        for name, (kind, count) in shapes.items()
    }


@given(ASKS, st.data())
def test_beside_a_reservation_the_head_could_start_as_soon_as_older_jobs_end(ask, data):
    """Fill a node partly, reserve it for `ask`, let others in: without the old jobs the head fits."""
    node = fresh_nodes()["n1"]
    if not placement.could_ever_hold(node, ask):
        return
    old = data.draw(st.sets(st.sampled_from([a.uuid for a in node.accelerators])))
    filled = replace(
        node,
        accelerators=tuple(replace(a, use=Use.JOB) if a.uuid in old else a for a in node.accelerators),
        cpus_used=data.draw(st.integers(0, 8)),
        memory_used_bytes=data.draw(st.integers(0, 100)),
    )
    reservation = Reservation("head", node.uid, ask)
    old_cpus, old_memory = filled.cpus_used, filled.memory_used_bytes
    for later in data.draw(st.lists(ASKS, max_size=4)):
        seen = placement.beside(filled, reservation)
        if placement.holds_now(seen, later):
            slot = placement.slot_on(seen, later)
            reservation = placement.charged(reservation, slot, filled)
            filled = placement.take(filled, slot)
    emptied = replace(
        filled,
        accelerators=tuple(replace(a, use=Use.FREE) if a.uuid in old else a for a in filled.accelerators),
        cpus_used=filled.cpus_used - old_cpus,
        memory_used_bytes=filled.memory_used_bytes - old_memory,
    )
    # A later job without a stated memory need takes none that is counted.
    assert placement.holds_now(emptied, ask)


class Cluster(RuleBasedStateMachine):
    """Jobs come, are decided on, end; GPUs are taken by strangers and vanish; nodes are drained."""

    def __init__(self) -> None:
        super().__init__()
        self.nodes = fresh_nodes()
        self.queue: dict[str, QueuedJob] = {}
        self.running: dict[str, Place] = {}
        self.count = 0

    @rule(ask=ASKS, priority=st.integers(-2, 2))
    def submit(self, ask, priority):
        self.count += 1
        uid = f"j{self.count:04d}"
        queued_at = NOW + timedelta(seconds=self.count)
        self.queue[uid] = QueuedJob(uid, uid, ask, queued_at, priority=priority)

    @rule()
    def schedule(self):
        nodes = tuple(self.nodes.values())
        decisions = decide(Snapshot(NOW, tuple(self.queue.values()), nodes))
        assert sorted(d.job_uid for d in decisions) == sorted(self.queue)
        for decision in decisions:
            if isinstance(decision, Place):
                self._start(decision)
            else:
                assert decision.code in WAIT_CODES

    @precondition(lambda self: self.running)
    @rule(data=st.data())
    def end(self, data):
        uid = data.draw(st.sampled_from(sorted(self.running)))
        slot = self.running.pop(uid).slot
        node = self.nodes[slot.node_uid]
        self.nodes[slot.node_uid] = replace(
            node,
            cpus_used=node.cpus_used - slot.cpus,
            memory_used_bytes=node.memory_used_bytes - (slot.memory_bytes or 0),
            accelerators=tuple(
                replace(a, use=Use.FREE) if a.uuid in slot.accelerator_uuids and a.use is Use.JOB else a
                for a in node.accelerators
            ),
        )

    @rule(
        name=st.sampled_from(["n1", "n2"]),
        index=st.integers(0, 3),
        use=st.sampled_from(DISTURBED),
    )
    def disturb(self, name, index, use):
        self._set_free_one(name, index, use, Use.FREE)

    @rule(name=st.sampled_from(["n1", "n2"]), index=st.integers(0, 3))
    def calm(self, name, index):
        for was in DISTURBED:
            self._set_free_one(name, index, Use.FREE, was)

    @rule(name=st.sampled_from(["n1", "n2", "n3"]))
    def drain_or_return(self, name):
        node = self.nodes[name]
        self.nodes[name] = replace(node, is_schedulable=not node.is_schedulable)

    @invariant()
    def nothing_is_given_twice(self):
        given = [uuid for place in self.running.values() for uuid in place.slot.accelerator_uuids]
        assert len(given) == len(set(given))

    @invariant()
    def nothing_is_overbooked(self):
        for name, node in self.nodes.items():
            slots = [p.slot for p in self.running.values() if p.slot.node_uid == name]
            assert sum(slot.cpus for slot in slots) == node.cpus_used <= node.cpus_total
            assert sum(slot.memory_bytes or 0 for slot in slots) == node.memory_used_bytes <= 100

    @invariant()
    def nobody_is_queued_and_running(self):
        assert not set(self.queue) & set(self.running)

    def _start(self, place: Place) -> None:
        ask = self.queue.pop(place.job_uid).ask
        node = self.nodes[place.slot.node_uid]
        assert node.is_usable
        views = {a.uuid: a for a in node.accelerators}
        chosen = [views[uuid] for uuid in place.slot.accelerator_uuids]
        assert len(chosen) == ask.gpus
        assert all(a.use is Use.FREE and ask.gpu_type in (None, a.type) for a in chosen)
        self.nodes[node.uid] = placement.take(node, place.slot)
        self.running[place.job_uid] = place

    def _set_free_one(self, name: str, index: int, use: Use, only: Use) -> None:
        node = self.nodes[name]
        self.nodes[name] = replace(
            node,
            accelerators=tuple(
                replace(a, use=use) if a.index == index and a.use is only else a for a in node.accelerators
            ),
        )


TestCluster = Cluster.TestCase
TestCluster.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
