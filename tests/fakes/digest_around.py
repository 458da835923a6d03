"""Everything that a digest can be counted with, invented: replies, words of the past, hypotheses, decisions, budgets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from listener.digest.count import count
from listener.digest.figures import Digest, DigestSettings
from listener.digest.given import Around, Believed, CaseTimes, Decided, Looked, Spoken
from listener.model import CaseState, Counted, SourceState
from rules.vocabulary import Intent, Urgency
from tests.fakes.digest_week import SETTINGS, WEEK, earlier, posts, sources

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
