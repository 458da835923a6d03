"""Draw the pictures of the README from the demo itself: `python docs/pictures.py`.

Writes docs/demo.svg (alerts in the terminal), and where Chromium is installed docs/digest.png and docs/digest-dark.png (the top
of the digest's page) and docs/map.png (the map as it is shared in Slack; needs the extra `png`). Run it when they look different.
"""

from __future__ import annotations

import io
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console

from listener.cli.show import show
from rules.vocabulary import Urgency

HERE = Path(__file__).parent
SIZE = "1240,1560"
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")


def main() -> None:
    console = Console(record=True, width=104, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    nowhere = Console(file=io.StringIO())
    with tempfile.TemporaryDirectory() as folder:
        demo = Path(folder) / "demo"
        shown = {Urgency.CRITICAL: 2, Urgency.HIGH: 1}
        page = show(demo, shown=shown, console=console, digest_console=nowhere)
        week = page.stem.removeprefix("digest-")
        for theme, name in (("light", "digest.png"), ("dark", "digest-dark.png")):
            made = Path(folder) / f"{theme}.html"
            digest(demo, week, "html", theme, made)
            photograph(made, HERE / name)
        digest(demo, week, "png", "light", HERE / "map.png")
    console.save_svg(str(HERE / "demo.svg"), title="listener demo")


def digest(demo: Path, week: str, form: str, theme: str, output: Path) -> None:
    """The demo's digest by the command that everybody has."""
    command = [sys.executable, "-m", "listener", "--config", str(demo / "listener.toml"), "digest", "--week", week]
    subprocess.run([*command, "--format", form, "--theme", theme, "--output", str(output)], check=True)  # noqa: S603  # our own command


def photograph(page: Path, picture: Path) -> None:
    """The top of `page` in Chromium, at one pixel a point; nothing where there is no Chromium."""
    program = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if program is None:
        sys.stderr.write(f"{picture.name} stays as it is: no Chromium here\n")
        return
    command = [program, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", f"--window-size={SIZE}"]
    subprocess.run([*command, f"--screenshot={picture}", page.as_uri()], check=True, capture_output=True, timeout=90)  # noqa: S603  # a browser that shows our own page


if __name__ == "__main__":
    main()
