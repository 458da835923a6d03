"""The verdict on a post that triage could not judge, because of a fault in a rule or in the program.

One post must not stop its source: it is stored and counted as unclear, with a line that says so, and is urgent enough for a
person to look at it. `listener status` and the log name the fault.
"""

from __future__ import annotations

from listener.model import Line, Verdict
from rules.vocabulary import BuyerStatus, Stage, Urgency


def unjudged(fault: str) -> Verdict:
    """`fault` names the fault, without words of the post."""
    return Verdict(
        relevant=True,
        subject="brand",
        lang="und",
        stage=Stage.UNCLEAR,
        stage_confidence=0.0,
        secondary_stage=None,
        urgency=Urgency.NORMAL,
        points=0,
        intents=frozenset(),
        touchpoints={},
        complaint_score=0.0,
        sentiment=None,
        sentiment_label="neutral",
        emotions=(),
        buyer_status=BuyerStatus.UNKNOWN,
        lines=(Line(0, "not judged", f"a fault of listener ({fault}); please read it and report the fault"),),
        ruleset="",
    )
