"""The testimonial shelf in the digest: what was put on it, what its authors allowed, who has not answered yet.

Read from what was done, not from how the shelf stands, so that an old week counted again says the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from listener.digest.given import OnShelf
from listener.digest.labels import Labels
from listener.digest.quality import Response, ShelfFigures
from listener.digest.week import Week


def told(response: Response, week: Week, steps: Sequence[OnShelf], book: Labels) -> Response:
    """`response` with the shelf's figures and their sentence; as it was where the week has nothing to say of it."""
    figures = _figures(week, steps)
    if figures is None:
        return response
    numbers = {name: book.number(getattr(figures, name)) for name in ("found", "granted", "waiting")}
    said = [book.say("shelf_line", **numbers)] if any((figures.found, figures.granted, figures.waiting)) else []
    return replace(response, shelf=figures, sentences=(*response.sentences, *said))


def _figures(week: Week, steps: Sequence[OnShelf]) -> ShelfFigures | None:
    known = [step for step in steps if step.at < week.until]
    if not known:
        return None
    now = [step for step in known if step.at >= week.since]
    stands = {step.mention: step.to for step in known}
    return ShelfFigures(
        found=len({step.mention for step in now if step.to == "found"}),
        granted=len({step.mention for step in now if step.to == "granted"}),
        waiting=sum(state == "asked" for state in stands.values()),
    )
