"""Main-thread CPU per tick of a page with live charts, in headless Chromium.

Goal: 8 charts of 8 lines x 300 points <= 10 ms a tick; 64 charts <= 70 ms. The page is the real base
template with the real scripts under the real CSP; frames come through a real socket once a second. Also
checked in the same run: no console error, no CSP violation, no foreign request, Plotly's data equal what
the socket sent. `python -m tests.bench.page_charts [--seconds N] [--pages 8,64]`
CPU is TaskDuration in thread time, which neighbours on a shared machine disturb little.
"""

import argparse
import os
import socket
import threading
import time
from typing import Any

from playwright.sync_api import Page, sync_playwright

from tests.bench import page_harness

SETTLE_SECONDS = 8
CHROMIUM = os.environ.get("DCP_CHROMIUM", "/usr/bin/chromium")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=20, help="measured time per page")
    parser.add_argument("--pages", default="8,64", help="numbers of charts, 8 and 64 are there")
    arguments = parser.parse_args()
    port = serve()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        for count in (int(word) for word in arguments.pages.split(",")):
            path = "charts" if count == 8 else f"charts{count}"
            measure(browser, f"http://127.0.0.1:{port}/{path}/", count, arguments.seconds)
        browser.close()


def serve() -> int:
    """The harness in a thread; returns its port."""
    import uvicorn

    page_harness.configure()
    from tests.bench import page_examples

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    app = page_harness.Harness(page_examples.PAGES, page_examples.sources())
    server = uvicorn.Server(
        uvicorn.Config(app, host="127.0.0.1", port=port, log_level="error", ws="websockets-sansio")
    )
    threading.Thread(target=server.run, daemon=True).start()
    while not server.started:
        time.sleep(0.05)
    return port


def measure(browser: Any, address: str, count: int, seconds: int) -> None:
    """One page: settle, measure, check, print."""
    page = browser.new_page(viewport={"width": 1600, "height": 1000 if count == 8 else 8400})
    troubles = watch(page, address)
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})
    page.goto(address)
    # wait_for_function would need eval, which the CSP refuses.
    page.locator(".js-plotly-plot").nth(count - 1).wait_for(timeout=120_000)
    page.wait_for_timeout(SETTLE_SECONDS * 1000)
    before = metrics(session)
    page.wait_for_timeout(seconds * 1000)
    after = metrics(session)
    idle = idle_cost(browser, seconds=5)
    per_tick = (after["TaskDuration"] - before["TaskDuration"]) * 1000 / seconds
    heap = after["JSHeapUsedSize"] / 1e6
    goal = {8: 10, 64: 70}[count]
    report(
        f"page/charts_{count}_main_thread", f"{per_tick:.1f} ms/tick", f"<= {goal} ms", per_tick <= goal, idle
    )
    parts = ", ".join(
        f"{word} {share(before, after, name, seconds)}"
        for word, name in (
            ("script", "ScriptDuration"),
            ("layout", "LayoutDuration"),
            ("style", "RecalcStyleDuration"),
        )
    )
    report(f"page/charts_{count}_heap", f"{heap:.0f} MB", "<= 20 MB", heap <= 20, f"of the tick: {parts} ms")
    same = page.evaluate(SAME_POINTS)
    report(
        f"page/charts_{count}_points_equal",
        f"{same['equal']} of {same['total']} lines",
        "all",
        same["equal"] == same["total"] > 0,
        "gd.data against the ring",
    )
    report(
        f"page/charts_{count}_troubles",
        f"{len(troubles)}",
        "0",
        not troubles,
        "console errors, CSP violations, foreign requests",
    )
    for trouble in troubles[:5]:
        print("   ", trouble)
    page.close()


SAME_POINTS = """async () => {
  const { watch } = await import("/static/js/live.js");
  const card = document.querySelector("[data-module=chart]");
  const { ring } = watch(card.dataset.topic);
  let equal = 0, total = 0;
  for (const plot of document.querySelectorAll(".js-plotly-plot")) for (const trace of plot.data) {
    total += 1;
    const row = ring.row(trace.meta.series);
    const shown = row.subarray(row.length - trace.y.length);
    const isSame = trace.y.every((value, i) => Object.is(value, shown[i]));
    equal += isSame && trace.y.some((value) => value === value);
  }
  return { equal, total };
}"""


def watch(page: Page, address: str) -> list[str]:
    """Collects everything that should not happen while the page is open."""
    troubles: list[str] = []
    origin = address.split("/charts")[0]
    page.on("console", lambda m: troubles.append(m.text) if m.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on(
        "request",
        lambda r: (
            None
            if r.url.startswith((origin, "data:", "blob:", origin.replace("http", "ws")))
            else troubles.append(r.url)
        ),
    )
    page.add_init_script(
        "document.addEventListener('securitypolicyviolation',"
        " (e) => console.error('CSP ' + e.violatedDirective + ' ' + e.blockedURI))"
    )
    return troubles


def metrics(session: Any) -> dict[str, float]:
    return {entry["name"]: entry["value"] for entry in session.send("Performance.getMetrics")["metrics"]}


def share(before: dict[str, float], after: dict[str, float], name: str, seconds: int) -> str:
    return f"{(after[name] - before[name]) * 1000 / seconds:.1f}"


def idle_cost(browser: Any, seconds: int) -> str:
    """What an empty page costs here, so that the figure can be read."""
    page = browser.new_page()
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})
    page.goto("about:blank")
    before = metrics(session)
    page.wait_for_timeout(seconds * 1000)
    cost = share(before, metrics(session), "TaskDuration", seconds)
    page.close()
    return f"empty page {cost} ms/s, load {os.getloadavg()[0]:.1f}"


def report(name: str, value: str, goal: str, is_met: bool, peer: str) -> None:
    print(f"{name} | {value} | {goal} | {'ok' if is_met else 'short'} | {peer}")


if __name__ == "__main__":
    main()
