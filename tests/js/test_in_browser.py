"""Charts, map, lists and dialogs in Debian's Chromium, on the style guide of tests/bench/page_harness.py."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

CHROMIUM = os.environ.get("DCP_CHROMIUM", "/usr/bin/chromium")
REPOSITORY = Path(__file__).resolve().parents[2]
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not Path(CHROMIUM).exists(), reason="no Chromium: apt install chromium"),
    pytest.mark.skipif(
        not (REPOSITORY / "static/vendor/manifest.json").exists(),
        reason="static/vendor is empty: python -m dcportal.common.vendor",
    ),
]
WAIT = 20_000


@pytest.fixture(scope="module")
def address():
    """The harness in a process of its own, because its Django settings are its own."""
    clean = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    command = [sys.executable, "-m", "tests.bench.page_harness", "--port", "0"]
    with subprocess.Popen(command, cwd=REPOSITORY, env=clean, stdout=subprocess.PIPE, text=True) as harness:
        yield harness.stdout.readline().strip()
        harness.terminate()


@pytest.fixture(scope="module")
def chromium():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture
def troubles():
    """What the console, the CSP and the network complained about."""
    return []


@pytest.fixture
def guide(chromium, address, troubles):
    """The style guide at 1440 px, all charts of group "node" drawn and live."""
    context = chromium.new_context(viewport={"width": 1440, "height": 3200})
    opened = context.new_page()
    listen(opened, troubles, address)
    opened.goto(address)
    opened.locator(".js-plotly-plot").nth(5).wait_for(timeout=WAIT)
    opened.locator("[data-figure=util-figure].chart-moving").wait_for(timeout=WAIT)
    poll(
        opened,
        "() => document.querySelectorAll('[data-figure=util-figure] .scatterlayer .trace').length === 8",
    )
    yield opened
    context.close()


def listen(opened, troubles, address):
    opened.on("console", lambda m: troubles.append(m.text) if m.type in ("error", "warning") else None)
    opened.on("pageerror", lambda error: troubles.append(str(error)))
    local = (address, address.replace("http", "ws"), "data:", "blob:")
    opened.on("request", lambda r: None if r.url.startswith(local) else troubles.append(r.url))
    opened.add_init_script(
        "document.addEventListener('securitypolicyviolation',"
        " (event) => console.error('CSP', event.violatedDirective, event.blockedURI))"
    )


def poll(opened, predicate, argument=None):
    """Wait until `predicate` holds; wait_for_function would need eval, which the CSP refuses."""
    for _ in range(WAIT // 100):
        if opened.evaluate(predicate, argument):
            return
        opened.wait_for_timeout(100)
    raise AssertionError(f"never true: {predicate}")


def chart(opened, name):
    return opened.locator(f'[data-figure="{name}-figure"]')


def test_the_page_is_quiet_and_asks_no_other_host(guide, troubles):
    guide.locator("[data-heatmap-map] canvas").wait_for()
    guide.evaluate("() => document.querySelector('[data-theme-choice=dark]').click()")
    guide.wait_for_timeout(1500)
    assert troubles == []


def test_a_chinese_page_brings_plotlys_words_and_is_quiet(chromium, address, troubles):
    opened = chromium.new_page(viewport={"width": 1440, "height": 3200})
    listen(opened, troubles, address)
    opened.goto(f"{address}?lang=zh-hans")
    opened.locator(".js-plotly-plot .modebar-btn").first.wait_for(state="attached", timeout=WAIT)
    title = opened.locator(".js-plotly-plot .modebar-btn").first.get_attribute("data-title")
    opened.close()
    assert troubles == []
    assert not title.isascii()


def test_plotly_holds_the_points_of_the_ring(guide):
    equal = guide.evaluate(
        """async () => {
          const { watch } = await import('/static/js/live.js');
          const { ring } = watch('node:demo');
          return [...document.querySelectorAll('[data-topic="node:demo"] .js-plotly-plot')].flatMap((plot) =>
            plot.data.map((trace) => {
              const row = ring.row(trace.meta.series).subarray(ring.capacity - trace.y.length);
              const isSame = trace.y.every((value, i) => Object.is(value, row[i]));
              return isSame && trace.y.some((value) => value > 0);
            }));
        }"""
    )
    assert equal == [True] * 32


def test_the_moved_picture_equals_one_painted_afresh(guide):
    """After seconds of shifting, the canvas differs from a full paint in no more than rounding at seams."""
    guide.wait_for_timeout(6500)
    differing = guide.evaluate(
        """async () => {
          const { chartOf } = await import('/static/js/charts.js');
          const chart = chartOf(document.querySelector('[data-figure=util-figure]'));
          const { canvas, context } = chart.overlay;
          const pixels = () => context.getImageData(0, 0, canvas.width, canvas.height).data;
          chart.paint();
          const moved = pixels();
          chart.overlay.sheet = null;
          chart.paint();
          const fresh = pixels();
          let count = 0;
          for (let i = 3; i < fresh.length; i += 4) count += Math.abs(fresh[i] - moved[i]) > 64;
          return count / (fresh.length / 4);
        }"""
    )
    assert differing < 0.004


def test_the_painted_line_lies_on_plotlys_own(guide):
    """Paused, Plotly draws the lines itself; their vertices are where the overlay put them."""
    worst = guide.evaluate(
        """async () => {
          const { chartOf } = await import('/static/js/charts.js');
          const { change } = await import('/static/js/lib/livestate.js');
          const chart = chartOf(document.querySelector('[data-figure="power-figure"]'));
          change({ live: false });
          await chart.drawing;
          await chart.drawing;
          const view = { ...chart.points.view(), y0: chart.range[0], y1: chart.range[1] };
          const line = chart.points.lines()[0];
          const ys = chart.overlay.scaleY(view, line.y);
          const xs = chart.overlay.scaleX(view, line.x);
          const d = chart.plot.querySelector('.scatterlayer .js-line').getAttribute('d');
          const known = Array.from(xs, (x, i) => [x, ys[i]]).filter(([, y]) => y === y);
          const points = [...d.matchAll(/[ML]?(-?[\\d.]+),(-?[\\d.]+)/g)].map((m) => [+m[1], +m[2]]);
          return Math.max(...points.map(([x, y]) =>
            Math.min(...known.map(([ox, oy]) => Math.hypot(ox - x, oy - y)))));
        }"""
    )
    assert worst < 1


def test_pause_freezes_the_points_and_live_brings_the_new_ones(guide):
    plot = "document.querySelector('[data-figure=util-figure] .js-plotly-plot')"
    guide.click("[data-live=off]")
    poll(guide, "() => !document.querySelector('[data-figure=util-figure].chart-moving')")
    before = guide.evaluate(f"() => Array.from({plot}.data[0].y).join()")
    guide.wait_for_timeout(2500)
    assert guide.evaluate(f"() => Array.from({plot}.data[0].y).join()") == before
    assert guide.evaluate(f"() => {plot}.layout.xaxis.type") == "date"
    guide.click("[data-live=on]")
    poll(guide, f"(before) => Array.from({plot}.data[0].y).join() !== before", before)
    assert guide.evaluate(f"() => {plot}.layout.xaxis.type") == "linear"


def test_a_pointer_shows_one_cursor_on_the_whole_group(guide):
    chart(guide, "util").locator("[data-chart-plot]").hover(position={"x": 150, "y": 60})
    hidden = guide.evaluate(
        "() => [...document.querySelectorAll('[data-group=node] .chart-cursor')].map((one) => one.hidden)"
    )
    assert hidden == [False] * 4
    assert "GPU 7" in guide.locator(".readout").inner_text()
    guide.mouse.move(5, 5)
    poll(guide, "() => document.querySelector('[data-group=node] .chart-cursor').hidden")


def test_zooming_pauses_and_zooms_the_group(guide):
    box = chart(guide, "util").locator("[data-chart-plot]").bounding_box()
    guide.mouse.move(box["x"] + 120, box["y"] + 80)
    guide.mouse.down()
    guide.mouse.move(box["x"] + 240, box["y"] + 82, steps=5)
    guide.mouse.up()
    poll(guide, "() => document.querySelector('[data-live=off]').getAttribute('aria-pressed') === 'true'")
    spans = """() => [...document.querySelectorAll('[data-group=node] .js-plotly-plot')].map((plot) => {
      const [from, to] = plot.layout.xaxis.range.map((value) => new Date(value).getTime());
      return Math.round((to - from) / 1000);
    })"""
    poll(guide, f"() => ({spans})().every((span, i, all) => span === all[0] && span < 200)")


def test_the_table_twin_shows_the_same_values(guide):
    card = chart(guide, "temp")
    card.locator("[data-chart-table]").click()
    assert card.locator("th").first.inner_text() == "Time"
    assert card.locator("tbody tr").count() > 20
    assert "°C" in card.locator("tbody td").first.inner_text()
    assert card.locator("[data-chart-plot]").is_hidden()


def test_another_theme_recolours_the_lines(guide):
    colour = "() => document.querySelector('[data-figure=util-figure] .js-plotly-plot').data[0].line.color"
    light = guide.evaluate(colour)
    guide.evaluate("() => document.querySelector('[data-theme-choice=dark]').click()")
    poll(guide, f"(light) => ({colour})() !== light", light)


def test_nothing_is_offered_that_would_leave_the_site(guide):
    names = ("showSendToCloud", "plotlyServerURL", "displaylogo")
    script = "(name) => document.querySelector('.js-plotly-plot')._context[name]"
    assert [guide.evaluate(script, name) for name in names] == [False, "", False]


def test_the_map_names_a_node_by_keys_and_has_a_table(guide):
    guide.locator("[data-heatmap-map]").focus()
    for key in ("ArrowRight", "ArrowRight", "ArrowDown"):
        guide.keyboard.press(key)
    assert "gpu-a02-2" in guide.locator("[data-heatmap-line]").inner_text()
    guide.locator(".heatmap [data-chart-table]").click()
    assert guide.locator(".heatmap tbody tr").count() == 128


def test_keys_select_rows_and_the_bar_counts_what_each_action_touches(guide):
    for key in ("j", "x", "j", "j", "j", "x"):
        guide.keyboard.press(key)
    bar = guide.locator("[data-bulk]")
    assert "2 selected" in bar.inner_text()
    assert bar.locator("[data-bulk-action=cancel]").inner_text() == "Cancel 2"
    assert bar.locator("[data-bulk-action=hold]").inner_text() == "Hold 1"


def test_an_action_asks_first_and_no_is_the_way_out(guide, address):
    guide.keyboard.press("j")
    guide.keyboard.press("x")
    guide.locator("[data-bulk-action=cancel]").click()
    assert guide.locator("#confirm").is_visible()
    guide.keyboard.press("Escape")
    assert guide.locator("#confirm").is_hidden()
    assert guide.url == address


@pytest.mark.parametrize("width", [390, 320])
def test_small_screens_do_not_scroll_sideways(chromium, address, width):
    opened = chromium.new_page(viewport={"width": width, "height": 800})
    opened.goto(address)
    opened.locator("[data-heatmap-map] canvas").wait_for(timeout=WAIT)
    opened.locator("html[data-ready]").wait_for(timeout=WAIT)
    assert opened.evaluate("() => document.documentElement.scrollWidth") <= width
    opened.locator(".bar-menu").click()
    opened.locator("#nav").wait_for(state="visible", timeout=WAIT)
    opened.keyboard.press("Escape")
    poll(opened, "() => getComputedStyle(document.getElementById('nav')).visibility === 'hidden'")
    opened.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(chromium, address, scheme):
    from axe_playwright_python.sync_playwright import Axe

    context = chromium.new_context(
        viewport={"width": 1440, "height": 3200}, color_scheme=scheme, bypass_csp=True
    )
    opened = context.new_page()
    opened.goto(address)
    opened.locator(".js-plotly-plot").nth(5).wait_for(timeout=WAIT)
    found = Axe().run(opened).response["violations"]
    serious = [
        f"{one['id']}: {node['target']} {node['failureSummary']}"
        for one in found
        if one["impact"] in ("serious", "critical")
        for node in one["nodes"]
    ]
    context.close()
    assert serious == []


@pytest.fixture
def log(guide):
    """The log viewer of the style guide: the end of 100,000 lines."""
    viewer = guide.locator("[data-module=logs]")
    viewer.scroll_into_view_if_needed()
    viewer.locator(".log-line").nth(10).wait_for(timeout=WAIT)
    return viewer


def test_the_log_shows_its_end_and_markup_stays_text(log):
    last = log.locator(".log-line").last
    assert "<img src=x onerror=alert(1)> <b>bold</b>" in last.inner_text()
    assert log.locator(".log-text img, .log-text b").count() == 0
    assert log.locator('.log-line[data-level="WARNING"]').count() == 1


def test_the_log_has_rows_for_what_is_in_sight_only(log):
    assert "last" in log.locator("[data-log-count]").inner_text()
    assert log.locator(".log-line").count() < 80


def test_scrolling_up_stops_following_and_brings_what_lay_before(guide, log):
    lines = log.locator("[data-log-lines]")
    before = guide.evaluate("(element) => element.scrollHeight", lines.element_handle())
    guide.evaluate("(element) => element.scrollTo(0, 0)", lines.element_handle())
    poll(guide, "() => document.querySelector('[data-log-follow]').getAttribute('aria-pressed') === 'false'")
    guide.evaluate("(element) => element.scrollTo(0, 1)", lines.element_handle())
    poll(guide, f"() => document.querySelector('[data-log-lines]').scrollHeight > {before}")


def test_search_counts_hits_and_rank_chips_hide_ranks(guide, log):
    log.locator("[data-log-search]").fill("slow link")
    poll(guide, "() => document.querySelector('[data-log-hits]').textContent === '1 of 1'")
    assert log.locator('[data-hit="now"]').count() == 1
    log.locator('[data-log-rank="3"]').click()
    poll(guide, "() => document.querySelector('[data-log-hits]').textContent === '0 of 0'")
