"""Draw the picture of the README from the demo itself: `python docs/pictures.py` writes docs/demo.svg.

Run it when alerts look different; the digest's page is photographed by hand (docs/digest.png, from demo-output).
"""

from __future__ import annotations

import io
import tempfile
from pathlib import Path

from rich.console import Console

from listener.cli.show import show
from rules.vocabulary import Urgency

HERE = Path(__file__).parent


def main() -> None:
    console = Console(record=True, width=104, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    nowhere = Console(file=io.StringIO())
    with tempfile.TemporaryDirectory() as folder:
        shown = {Urgency.CRITICAL: 2, Urgency.HIGH: 1}
        show(Path(folder) / "demo", shown=shown, console=console, digest_console=nowhere)
    console.save_svg(str(HERE / "demo.svg"), title="listener demo")


if __name__ == "__main__":
    main()
