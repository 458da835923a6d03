"""Everything that a digest can be counted with, invented: replies, words of the past, hypotheses, decisions, budgets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from listener.digest.count import count
from listener.digest.figures import Digest, DigestSettings
from listener.digest.given import Around, Believed, CaseTimes, Decided, Looked, OnShelf, Spoken
from listener.model import CaseState, Counted, SourceState, Spike, SpikeState
from rules.vocabulary import Intent, Urgency
from tests.fakes.digest_week import HOSTILE, SETTINGS, WEEK, earlier, posts, sources

FULL = replace(
    SETTINGS,
    rivals=("Polarex", "Fjeld"),
    equal_sources=frozenset({"mastodon-main", "hackernews-main"}),
    hypotheses=(
        Believed("Delivery is what costs us customers", "parcel OR delivery", lambda post: "delivery" in post.touchpoints),
        Believed("People love the repair service", "repair", lambda post: "warranty" in post.touchpoints, "happy"),
    ),
)  # fmt: skip
RULES = (
    "en.awareness.advert", "en.purchase.payment-failed", "en.advocacy.recommends", "en.loyalty.again", "en.advocacy.warns",
)  # fmt: skip
NEW = "The blue zip of the Aurora jumper breaks after one wash."


def told(amount: int) -> list[Counted]:
    """`posts` with the rules' names in them, wishes, and in larger weeks some words that nobody used before."""
    found = []
    for number, post in enumerate(posts(amount)):
        rules = (RULES[number % len(RULES)],) if number % 3 == 0 else ()
        wish = {Intent.SUGGESTION} if number % 11 == 0 else set()
        new = amount >= 50 and number % 9 == 4 and post.sentiment_label == "negative"
        text = f"{NEW} ({number})" if new else post.text
        found.append(replace(post, rules=rules, intents=post.intents | wish, text=text))
    return found


def times(mentions: Sequence[Counted]) -> list[CaseTimes]:
    """A case of each complaint: most answered, some late, some never."""
    found = []
    for place, post in enumerate(post for post in mentions if post.case_ref is not None):
        due = post.published_at + timedelta(hours=4)
        waits = (None, 0.5, 1.2, 2.8, 6.5, 0.7, 3.1)[place % 7]
        found.append(
            CaseTimes(
                ref=post.case_ref or "",
                urgency=max(post.urgency, Urgency.NORMAL),
                state=CaseState.NEW if waits is None else CaseState.RESOLVED,
                first_at=post.published_at,
                due_at=due,
                replied_at=None if waits is None else post.published_at + timedelta(hours=waits),
            )
        )
    return found


def spike(number: int, kind: str, begin: timedelta, lasts: timedelta | None, **changes: object) -> Spike:
    """A spike that began so long after the week did (or before it), and lasted; None: it goes on."""
    begun = WEEK.since + begin
    found = Spike(
        number, f"s-{number}", kind, SpikeState.OPEN if lasts is None else SpikeState.ENDED, Urgency.HIGH, begun, begun,
        begun, None if lasts is None else begun + lasts, 14, 17, 2.13, 1, begun,
    )  # fmt: skip
    return replace(found, **changes)  # type: ignore[arg-type]


SPIKES = (
    spike(1, "all", -timedelta(days=12), timedelta(days=1), state=SpikeState.EXPECTED, authors=0, figures={"because": "Summer sale"}),
    spike(2, "complaint:checkout", timedelta(days=1, hours=14), timedelta(hours=3.5), owner="ana"),
    spike(3, "all", timedelta(days=4, hours=8), timedelta(hours=24), state=SpikeState.EXPECTED, authors=0, figures={"because": f"Black Friday {HOSTILE}"}),
    spike(4, "praise", timedelta(days=6, hours=20), None),
)  # fmt: skip


SHELF = (
    OnShelf(WEEK.since - timedelta(days=3), "01a1", "found"),
    OnShelf(WEEK.since - timedelta(days=2), "01a1", "asked"),
    OnShelf(WEEK.since + timedelta(days=1), "01a1", "granted"),
    OnShelf(WEEK.since + timedelta(days=2), "01a2", "found"),
    OnShelf(WEEK.since + timedelta(days=2), "01a2", "asked"),
)  # fmt: skip


def hostile_spikes(text: str) -> list[Spike]:
    """A spike and events, one of them of an earlier week, with `text` for whatever a person or a configuration says."""
    return [
        spike(1, f"complaint:{text}", timedelta(hours=30), None, owner=text, figures={"because": text}),
        spike(2, "all", timedelta(hours=50), timedelta(hours=9), state=SpikeState.EXPECTED, figures={"because": text}),
        spike(3, f"praise:{text}", -timedelta(days=8), timedelta(hours=9), state=SpikeState.EXPECTED, figures={"because": text}),
    ]  # fmt: skip


def around(mentions: Sequence[Counted]) -> Around:
    """Everything else that is known of such a week."""
    spoken = [
        Spoken(week, f"{post.author_key}-{week}", post.lang, post.text)
        for week in range(1, 9)
        for place, post in enumerate(posts(len(mentions), seed=week))
        if place % 4 == 0
    ]
    return Around(
        cases=times(mentions),
        spoken=spoken,
        looked=[Looked(WEEK.since + timedelta(hours=n), f"{n:04x}", n % 8 != 0) for n in range(min(40, len(mentions)))],
        rules=(*RULES, "en.selection.versus"),
        decided=[
            Decided(3, "2026-W45", "Call the carrier about the depot in Lyon", "ana", WEEK.since - timedelta(days=12)),
            Decided(4, "2026-W46", "Rewrite the refund template", "lu", WEEK.since - timedelta(days=5), WEEK.since + timedelta(days=2)),
        ],
        shelf=SHELF,
        unreviewed="2026-W46",
        spikes=SPIKES,
        budgets=[("x", 41.5, 100.0)],
    )  # fmt: skip


def full_week(
    amount: int, settings: DigestSettings = FULL, heard: Sequence[SourceState] | None = None, scale: float | None = None
) -> Digest:
    """The digest of `amount` posts with all there is to say."""
    mentions = told(amount)
    before = earlier(amount / 200 if scale is None else scale)
    return count(
        WEEK, mentions, before, sources() if heard is None else heard, settings=settings, around=around(mentions)
    )
