"""CPU of one list of 50 out of 10,000 nodes with 80,000 GPUs, over REST and as a page, and its size.

The whole stack answers (middleware, session or token, database, rendering), in one process, without a
server. The database is SQLite with the portal's own options. Peer: NetBox 4.4 on the same kind of
machine (shared/anchors/ui-ecosystem.md section 5: 296-376 ms and 937 ms of CPU, 242 KB).
Run: python -m tests.bench.inventory_lists
"""

import gc
import os
import sys
import tempfile
import time
from statistics import median

NODES = 10_000
RACKS = 500
GPUS_PER_NODE = 8
WARM_UP, ROUNDS = 5, 30


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="dcp-bench-") as folder:
        os.environ.update({"DCP_DATA_DIR": folder, "DJANGO_SETTINGS_MODULE": "tests.settings"})
        import django

        django.setup()
        _run()


def _run() -> None:
    from django.conf import settings
    from django.core.management import call_command

    settings.DATABASES["default"]["NAME"] = os.path.join(os.environ["DCP_DATA_DIR"], "bench.sqlite3")
    call_command("migrate", verbosity=0)
    user = _fill()
    client, headers = _clients(user)
    api, page = "api/v1/nodes?limit=50", "nodes/"
    rows = [
        ("api_list_50", f"/{api}", headers, 60.0, "NetBox 296-376"),
        ("api_list_50_sparse", f"/{api}&fields=uid,name,state", headers, 25.0, "NetBox brief 168-174"),
        ("api_list_50_search", f"/{api}&search=node-0042", headers, 70.0, "NetBox 333"),
        ("html_list_50", f"/{page}", {}, 120.0, "NetBox 937"),
        ("html_list_50_last_page", f"/{page}?page=200", {}, 120.0, "NetBox 937"),
        ("html_list_50_filtered", f"/{page}?liveness=live&ordering=-last_seen_at", {}, 120.0, "NetBox 937"),
        ("html_accelerators_50", "/accelerators/", {}, 120.0, "NetBox 937"),
    ]
    for name, path, more, goal, peer in rows:
        milliseconds, size = _measured(client, path, more)
        _print(f"inventory/{name}", milliseconds, "ms CPU", goal, peer)
        if name == "html_list_50":
            _print("inventory/html_list_50_size", size / 1000, "KB", 80.0, "NetBox 242")
    _schema(client, headers)


def _schema(client, headers: dict[str, str]) -> None:
    start = time.process_time()
    client.get("/api/schema/", headers=headers)
    first = (time.process_time() - start) * 1000
    again, size = _measured(client, "/api/schema/", headers)
    _print("api/schema_first", first, "ms CPU", 1000.0, "NetBox 84,573 (wall)")
    _print("api/schema_cached", again, "ms CPU", 300.0, "NetBox 84,573 (wall)")
    _print("api/schema_size", size / 1000, "KB", 1000.0, "NetBox 10,048")


def _measured(client, path: str, headers: dict[str, str]) -> tuple[float, int]:
    """Median CPU of one answer in milliseconds, and its size in bytes."""
    spent = []
    for number in range(WARM_UP + ROUNDS):
        start = time.process_time()
        answer = client.get(path, headers=headers)
        body = answer.content
        elapsed = (time.process_time() - start) * 1000
        assert answer.status_code == 200, (path, answer.status_code, body[:300])
        if number >= WARM_UP:
            spent.append(elapsed)
    gc.collect()
    return median(spent), len(body)


def _print(name: str, value: float, unit: str, goal: float, peer: str) -> None:
    verdict = "ok" if value <= goal else "short"
    sys.stdout.write(f"{name} | {value:.1f} {unit} | <= {goal:g} | {verdict} | {peer}\n")


def _clients(user):
    from django.test import Client

    from dcportal.accounts.actions import create_token
    from dcportal.common.actors import system_actor
    from dcportal.common.clock import utcnow

    values = {"name": "bench", "role": "operator", "scopes": ["read"]}
    _token, secret = create_token(system_actor("bench"), user, values, utcnow())
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client, {"authorization": f"Bearer {secret}"}


def _fill():
    from dcportal.accounts.actions import create_user
    from dcportal.common.actors import system_actor
    from dcportal.common.changes import create
    from dcportal.common.clock import utcnow
    from dcportal.inventory.models import NodeType, Rack, Room, Row, Site

    now = utcnow()
    stamps = {"created_at": now, "updated_at": now}
    user = create_user(system_actor("bench"), {"username": "bench", "role": "operator"}, now)
    site = create(Site(name="FRA1"), now)
    row = create(Row(room=create(Room(site=site, name="Hall 1"), now), name="A"), now)
    kind = create(NodeType(manufacturer="Dell", model="XE9680", height_units=6), now)
    Rack.objects.bulk_create(Rack(row=row, name=f"A{n:03d}", **stamps) for n in range(RACKS))
    _fill_nodes(list(Rack.objects.all()), site, kind, stamps)
    return user


def _fill_nodes(racks, site, kind, stamps) -> None:
    from dcportal.inventory.models import Accelerator, Node

    facts = {"cpu_model": "Xeon", "os": "Debian", "kernel": "6.1", "hostname": "n", "notes": ["x"] * 8}
    nodes = [
        Node(
            name=f"node-{n:05d}",
            machine_id=f"{n:032x}",
            rack=racks[n % RACKS],
            site=site,
            node_type=kind,
            admission="accepted",
            liveness="live" if n % 10 else "stale",
            last_seen_at=stamps["created_at"],
            cpu_count=224,
            memory_bytes=2_000_000_000_000,
            facts=facts,
            watch_only_reason={"code": "watch_only_no_engine", "params": {}, "v": 1},
            **stamps,
        )
        for n in range(NODES)
    ]
    Node.objects.bulk_create(nodes, batch_size=500)
    stored = list(Node.objects.only("pk"))
    Accelerator.objects.bulk_create(
        (
            Accelerator(
                uuid=f"GPU-{node.pk:08x}-{index}",
                node=node,
                index=index,
                model="NVIDIA H100 80GB HBM3",
                memory_bytes=85_899_345_920,
                **stamps,
            )
            for node in stored
            for index in range(GPUS_PER_NODE)
        ),
        batch_size=2000,
    )


if __name__ == "__main__":
    main()
