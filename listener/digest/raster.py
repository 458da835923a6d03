"""An SVG as PNG, by resvg in a process of its own.

The renderer (the extra `png`) loads the fonts of the machine, 38 MB with forty of them, which a daemon should not keep,
so it lives for one picture: `python -m listener.digest.raster` reads SVG and writes PNG. `png` raises `NoPicture` with what to
do where the extra is missing, the machine has no font, or the drawing takes longer than half a minute.
"""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.util import find_spec

SECONDS = 30.0
_NO_FONT = 3  # exit code
_FAMILY = re.compile(r"font-family:([^;}]+)")
_PROBE = "<svg xmlns='http://www.w3.org/2000/svg' width='16' height='16'><text y='14' font-size='16' style='font-family:{}'>{}</text></svg>"


class NoPicture(Exception):
    """There is no PNG; the message says why and what to do."""


def available() -> bool:
    """Whether the renderer is installed."""
    try:
        return find_spec("resvg_py") is not None
    except ValueError:  # it is there in name only
        return False


def png(svg: str, *, width: int = 1600) -> bytes:
    """`svg` (with fixed colours) as PNG, `width` pixels wide. Raises `NoPicture`."""
    if not available():
        raise NoPicture("PNG needs the extra `png`: pip install 'listener[png]'. SVG and HTML need nothing.")
    command = [sys.executable, "-m", "listener.digest.raster", str(width)]
    try:
        done = subprocess.run(command, input=svg.encode("utf-8"), capture_output=True, timeout=SECONDS, check=False)  # noqa: S603  # our own program
    except subprocess.TimeoutExpired:
        raise NoPicture(f"the picture was not drawn within {SECONDS:.0f} s; SVG and HTML need nothing.") from None
    except OSError as error:
        raise NoPicture(f"the program that draws could not be started ({type(error).__name__}).") from None
    if done.returncode == _NO_FONT:
        raise NoPicture("this machine has no font that the map is written in; install one, such as fonts-dejavu-core.")
    if done.returncode or not done.stdout.startswith(b"\x89PNG"):
        last = done.stderr.decode("utf-8", "replace").strip().splitlines()[-1:]
        raise NoPicture(f"the picture could not be drawn: {last[0][:200] if last else f'exit code {done.returncode}'}")
    return done.stdout


def main() -> int:
    """Standard input to standard output."""
    import resvg_py

    svg = sys.stdin.buffer.read().decode("utf-8")
    # It leaves out text whose families it does not find, without a word, and knows no generic ones ("sans-serif").
    families = _FAMILY.search(svg)
    if families is not None:
        named = families[1].replace("'", '"')
        letter, nothing = (resvg_py.svg_to_bytes(svg_string=_PROBE.format(named, text)) for text in ("M", ""))
        if letter == nothing:
            return _NO_FONT
    drawn = resvg_py.svg_to_bytes(svg_string=svg, width=int(sys.argv[1]))
    sys.stdout.buffer.write(bytes(drawn))
    return 0


if __name__ == "__main__":
    sys.exit(main())
