"""The emotion curve as a chart that Slack draws itself, for workspaces that take the block.

Documented maxima: title 50 characters, labels 20, about 12 labels; names of stages are ours or the team's, never a post's.
"""

from __future__ import annotations

from typing import Any

from listener.digest.figures import SMALL, Digest
from listener.digest.labels import load
from listener.digest.slack import BUDGET, SlackDigest, render, size

_TITLE, _LABEL, _POINTS = 50, 20, 12
_BEHIND = 2  # blocks: the header and the summary


def message(digest: Digest) -> SlackDigest:
    """The message with the curve behind the summary, where two stages or more have a figure; both within the budget."""
    drawn = curve(digest)
    if drawn is None:
        return render(digest)
    made = render(digest, BUDGET - size([drawn]))
    return SlackDigest(made.text, (*made.blocks[:_BEHIND], drawn, *made.blocks[_BEHIND:]))


def curve(digest: Digest) -> dict[str, Any] | None:
    """Net sentiment of the stages that have ten people or more; None for fewer than two of them."""
    points: dict[str, int] = {}
    for stage in digest.stages[:_POINTS]:
        if stage.tally.net is not None and stage.tally.authors >= SMALL:
            points.setdefault(_cut(stage.label, _LABEL), round(100 * stage.tally.net))
    if len(points) < 2:
        return None
    data = [{"label": label, "value": value} for label, value in points.items()]
    return {
        "type": "data_visualization",
        "block_id": f"d-{digest.week.name}:{digest.schema_version}:curve",
        "title": _cut(load(digest.language).say("chart"), _TITLE),
        "chart": {"type": "line", "series": [{"name": _cut(digest.week.name, _LABEL), "data": data}]},
    }


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"
