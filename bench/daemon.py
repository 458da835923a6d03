"""What an idle daemon costs: memory and the time from start to its first poll; and what `classify` imports.

Read: resident memory after ten quiet seconds should stay under 120 MB, the first poll under 1.5 s after the start of the
process (both against a fake Hacker News on loopback; the machine is shared, so look at the median).
"""

from __future__ import annotations

import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from listener.store import Store
from tests.fakes.hackernews import FakeHackerNews

RUNS = 5
CONFIG = """
[listener]
intranet = ["127.0.0.0/8"]
[brand]
name = "Acme"
rivals = ["Polarex"]
[[source]]
name = "hn"
connector = "hackernews"
base_url = "{url}"
[[receiver]]
name = "console"
type = "console"
[[route]]
name = "all"
to = ["console"]
"""


def main() -> None:
    firsts, memory = [], 0
    for run in range(RUNS):
        with FakeHackerNews().start() as site, tempfile.TemporaryDirectory() as folder:
            config = Path(folder) / "listener.toml"
            config.write_text(CONFIG.format(url=site.url))
            with Store.open(f"sqlite:///{folder}/listener.db") as store:
                store.migrate()  # the very first start makes the tables; that is not what is measured
            first, memory = _run(config, site, 10 if run == 0 else 0)
            firsts.append(first)
    print(
        f"first poll      {statistics.median(firsts):.2f} s after the start (median of {RUNS}; {min(firsts):.2f}–{max(firsts):.2f})"
    )
    print(f"idle memory     {memory / 1024:.0f} MB resident after ten quiet seconds" if memory else "")
    print(f"classify imports of praw, tweepy, matplotlib: {', '.join(_imported()) or 'none'}")


def _run(config: Path, site: FakeHackerNews, quiet: float) -> tuple[float, int]:
    asked, started = len(site.asked), time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", "listener", "--config", str(config), "run"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        while len(site.asked) == asked:
            if process.poll() is not None or time.monotonic() - started > 30:
                raise SystemExit("the daemon did not poll")
            time.sleep(0.005)
        first = time.monotonic() - started
        time.sleep(quiet or 0.5)
        status = Path(f"/proc/{process.pid}/status").read_text()
        resident = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)
    return first, resident


def _imported() -> list[str]:
    code = (
        "import sys; from listener.cli import main\n"
        "try: main(['classify', 'Arrived broken, I want my money back'])\n"
        "except SystemExit: pass\n"
        "print('loaded', *[name for name in ('praw', 'tweepy', 'matplotlib') if name in sys.modules])"
    )
    said = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=os.environ.get("TMPDIR", "/tmp")
    )
    return said.stdout.strip().splitlines()[-1].split()[1:]


if __name__ == "__main__":
    main()
