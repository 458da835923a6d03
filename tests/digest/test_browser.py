"""The page in a real browser (Chromium, headless): silent console, no request, boxes measured, two sheets of paper.

Skipped where there is no Chromium. The accessibility check needs axe-core as well: `LISTENER_AXE=…/axe.min.js pytest tests/digest`
(npm install axe-core); without it what `test_pictures` checks of titles, names, anchors and contrast remains.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import replace
from html import unescape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from struct import unpack
from typing import Any

import pytest

from listener.digest import html
from listener.digest.count import count
from listener.digest.figures import Digest, DigestSettings
from rules.vocabulary import TOUCHPOINTS, Stage
from tests.digest.test_pictures import ARABIC, LONG, PROJECTIONS
from tests.fakes.digest_around import FULL, full_week
from tests.fakes.digest_week import WEEK, post, source

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), "")
AXE = Path(os.environ.get("LISTENER_AXE", "node_modules/axe-core/axe.min.js"))

pytestmark = [
    pytest.mark.skipif(not CHROMIUM, reason="no Chromium on this machine"),
    pytest.mark.timeout(240),
]

MEASURE = """<script>
const found = [];
for (const svg of document.querySelectorAll('figure svg')) {
  if (!svg.getBoundingClientRect().width) continue;
  const frame = svg.viewBox.baseVal;
  const boxes = [...svg.querySelectorAll('text')].filter(t => t.textContent).map(t => [t.textContent, t.getBBox()]);
  for (const [text, b] of boxes)
    if (b.x < -1 || b.x + b.width > frame.width + 1 || b.y + b.height > frame.height + 4) found.push('outside: ' + text);
  boxes.forEach(([one, a], i) => boxes.slice(i + 1).forEach(([two, b]) => {
    const across = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x);
    const down = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y);
    if (across > 2 && down > 5) found.push(one + ' × ' + two);
  }));
}
const wide = document.documentElement.scrollWidth > document.documentElement.clientWidth + 1;
if (wide) found.push('the page is wider than the window');
const out = document.createElement('pre'); out.id = 'told'; out.textContent = JSON.stringify(found);
document.body.appendChild(out);
</script>"""


def run(page: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [
        CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run",
        "--disable-component-update", "--hide-scrollbars", f"--user-data-dir={page.parent / 'profile'}", *arguments, page.as_uri(),
    ]  # fmt: skip
    return subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=100, check=True)


def written(folder: Path, text: str) -> Path:
    page = folder / "page.html"
    page.write_text(text, encoding="utf-8")
    return page


def told(folder: Path, page: str, script: str, size: str) -> Any:
    """What `script` leaves in <pre id="told">, run in a copy of the page without its content policy."""
    open_page = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", page).replace("</body>", f"{script}</body>")  # fmt: skip
    arguments = (f"--window-size={size}", "--virtual-time-budget=30000", "--dump-dom")
    dom = run(written(folder, open_page), *arguments).stdout
    found = re.search(r'<pre id="told">(.*?)</pre>', dom, re.S)
    assert found is not None
    return json.loads(unescape(found[1]))


@pytest.fixture
def visitors() -> Iterator[tuple[str, list[str]]]:
    """A server on loopback: its address, and who came."""
    came: list[str] = []

    class Door(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            came.append(self.path)
            self.send_response(204)
            self.end_headers()

        def log_message(self, *args: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}", came
    server.shutdown()
    server.server_close()


def hostile(address: str) -> Digest:
    """Every place of the page that can hold words from outside holds some that would call `address`."""
    bad = (
        f'"><img src={address}/img onerror=alert(1)><script src={address}/js></script><style>@import "{address}/css";'
        f"*{{background:url({address}/bg)}}</style>]]></svg><iframe src={address}/frame></iframe>{{{{7*7}}}}"
    )
    settings = DigestSettings(
        brand=bad, stage_labels={stage: f"{place}{bad}" for place, stage in enumerate(Stage)},
        touchpoint_labels=dict.fromkeys(TOUCHPOINTS, bad), owners=dict.fromkeys(TOUCHPOINTS, bad), rivals=(bad,),
        equal_sources=frozenset({bad}), report_url=address,
    )  # fmt: skip
    mentions = [
        post(
            n, text=bad, platform=bad, lang=bad, source=bad, exit_to=bad, author_key=f"{bad}:{n}", stage=list(Stage)[n % 9],
            touchpoints={"app": (0.6, -0.6)[n % 2]}, sentiment_label=("positive", "negative")[n % 2], engagement={"likes": n},
        )
        for n in range(60)
    ]  # fmt: skip
    return count(WEEK, mentions, sources=[source(bad, error=bad, failures=3)], settings=settings)


def test_a_hostile_week_is_text_and_calls_nobody(tmp_path: Path, visitors: tuple[str, list[str]]) -> None:
    address, came = visitors
    picture = tmp_path / "page.png"
    page = written(tmp_path, html.render(hostile(address)))
    done = run(page, "--enable-logging=stderr", "--v=0", "--window-size=1200,4000", f"--screenshot={picture}")
    assert "CONSOLE" not in done.stderr
    assert came == []
    assert "{{7*7}}" in page.read_text(encoding="utf-8")
    # The test can see what it looks for: without the policy and with a picture there is a visit, with it a complaint.
    written(tmp_path, f'<body><img src="{address}/seen">')
    run(page, "--window-size=300,300", f"--screenshot={picture}")
    assert came == ["/seen"]
    policy = "<meta http-equiv=Content-Security-Policy content=\"default-src 'none'\">"
    written(tmp_path, f'{policy}<body><img src="{address}/kept-out">')
    done = run(page, "--enable-logging=stderr", "--v=0", "--window-size=300,300", f"--screenshot={picture}")
    assert "CONSOLE" in done.stderr
    assert came == ["/seen"]


@pytest.mark.parametrize("size", ["500,900", "1280,900", "1600,900"])
@pytest.mark.parametrize("name", ["as they are", "long", "right to left"])
def test_in_a_browser_words_stay_in_the_frame_and_off_each_other(tmp_path: Path, size: str, name: str) -> None:
    digest = full_week(150, replace(PROJECTIONS[name], language="fr"))
    if name != "as they are":
        text = LONG * 3 if name == "long" else ARABIC
        stages = tuple(replace(stage, quote=stage.quote and replace(stage.quote, text=text)) for stage in digest.stages)
        digest = replace(digest, stages=stages)
    assert told(tmp_path, html.render(digest), MEASURE, size) == []


@pytest.mark.parametrize(("theme", "ground"), [("light", 0xFA), ("dark", 0x15)])
def test_a_screenshot_has_its_size_and_its_theme(tmp_path: Path, theme: str, ground: int) -> None:
    picture = tmp_path / "page.png"
    page = written(tmp_path, html.render(full_week(50), theme=theme))  # type: ignore[arg-type]
    run(page, "--window-size=1280,1600", f"--screenshot={picture}")
    made = picture.read_bytes()
    assert unpack(">II", made[16:24]) == (1280, 1600)
    assert len(made) > 60_000
    script = (
        "<script>const p = document.createElement('pre'); p.id = 'told';"
        "p.textContent = JSON.stringify(getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number));"
        "document.body.appendChild(p)</script>"
    )
    assert told(tmp_path, page.read_text(encoding="utf-8"), script, "1280,900")[0] == ground


@pytest.mark.parametrize("amount", [0, 5, 200, 2_000])
def test_it_prints_on_two_sheets(tmp_path: Path, amount: int) -> None:
    paper = tmp_path / "page.pdf"
    run(written(tmp_path, html.render(full_week(amount))), "--no-pdf-header-footer", f"--print-to-pdf={paper}")
    assert len(re.findall(rb"/Type\s*/Page\b", paper.read_bytes())) <= 2


@pytest.mark.skipif(not AXE.is_file(), reason="no axe-core: LISTENER_AXE names no file")
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", ["500,900", "1280,900"])
@pytest.mark.parametrize("amount", [0, 200])
def test_axe_finds_nothing_serious(tmp_path: Path, theme: str, size: str, amount: int) -> None:
    page = html.render(full_week(amount, replace(FULL, language="fr")), theme=theme)  # type: ignore[arg-type]
    script = (
        f"<script>{AXE.read_text(encoding='utf-8')}</script><script>axe.run(document, {{resultTypes: ['violations']}}).then(r => {{"
        "const p = document.createElement('pre'); p.id = 'told';"
        "p.textContent = JSON.stringify(r.violations.map(v => [v.impact, v.id, v.nodes[0].html.slice(0, 200)]));"
        "document.body.appendChild(p)})</script>"
    )
    found = told(tmp_path, page, script, size)
    assert [one for one in found if one[0] in ("serious", "critical")] == []
