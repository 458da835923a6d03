"""Posts, verdicts and a case logic simple enough to foretell, for tests of what happens around them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from connectors.base import Author, Gap, Mention, Page
from listener.cases.plan import (
    CaseChange,
    CaseDraft,
    CaseEvent,
    CaseNotification,
    NewMention,
    OpenCases,
    Settled,
    author_key,
    case_ref,
    thread_key,
)
from listener.cases.turns import Turn, turned
from listener.model import Case, CaseState, Line, NewNotification, NotificationKind, Outcome, Triaged, Verdict
from rules.vocabulary import BuyerStatus, Intent, Stage, Urgency

NOON = datetime(2026, 11, 16, 12, 0, tzinfo=UTC)  # a Monday


def post(number: int, **changes: Any) -> Mention:
    """The post with this number, a minute after the one before it, by an author of its own."""
    plain = Mention(
        platform="forum",
        external_id=f"p{number}",
        text=f"My order {number} never arrived.",
        published_at=NOON + timedelta(minutes=number),
        author=Author(f"a{number}", f"author{number}", f"Author {number}", 10 * number),
        url=f"https://forum.example/p{number}",
        engagement={"likes": number},
    )
    return replace(plain, **changes)


def verdict(**changes: Any) -> Verdict:
    """A complaint about a delivery."""
    plain = Verdict(
        relevant=True,
        subject="brand",
        lang="en",
        stage=Stage.PURCHASE,
        stage_confidence=0.8,
        secondary_stage=None,
        urgency=Urgency.NORMAL,
        points=30,
        intents=frozenset({Intent.COMPLAINT}),
        touchpoints={"delivery": -0.7, "support": None},
        complaint_score=0.9,
        sentiment=-0.6,
        sentiment_label="negative",
        emotions=(),
        buyer_status=BuyerStatus.BUYER,
        lines=(Line(20, "blocked", "never arrived", "en.purchase.undelivered"),),
        ruleset="3b1f",
    )
    return replace(plain, **changes)


def triaged(mention: Mention, **changes: Any) -> Triaged:
    """A post with a verdict."""
    return Triaged(mention, verdict(**changes))


def page(posts: Sequence[Triaged], position: int = 0, gaps: Sequence[Gap] = ()) -> Page:
    """A page of these posts; its cursor is the position behind it."""
    return Page(tuple(one.mention for one in posts), {"position": position}, tuple(gaps), len(posts))


def settle_to(*receivers: str) -> Callable[..., Settled]:
    """A case logic: one case per author; it is opened, then updated and threaded, to each of the receivers."""

    def settle(
        new: Sequence[NewMention], open_cases: OpenCases, next_case_id: Callable[[], int], now: datetime, /
    ) -> Settled:
        drafts: dict[str, CaseDraft] = {}
        changes: dict[str, CaseChange] = {}
        events: list[CaseEvent] = []
        notifications: list[CaseNotification] = []
        outcomes: dict[int, Outcome] = {}
        for one in new:
            key = author_key(one.mention)
            known = open_cases.of_author(key)
            if key in drafts:
                joined = _join(drafts[key].case, one, same_revision=True)
                drafts[key] = CaseDraft(joined, (*drafts[key].mention_ids, one.id))
            elif known:
                before = changes.get(key)
                joined = _join(before.case if before else known[-1].case, one, same_revision=before is not None)
                changes[key] = CaseChange(joined, (*(before.mention_ids if before else ()), one.id))
            else:
                id_ = next_case_id()
                case = _open(id_, one)
                drafts[key] = CaseDraft(case, (one.id,))
                turn = turned(Turn.START, one.mention.published_at, one.verdict.urgency.word)
                events.append(CaseEvent(id_, now, "opened", through="poll", detail={"mention": one.ref, **turn}))
                outcomes[one.id] = Outcome.ALERTED
                notifications += [_tell("open", NotificationKind.CASE_OPEN, case, one, to, now) for to in receivers]
                continue
            outcomes[one.id] = Outcome.JOINED_CASE
            told = known[-1].receivers if known else receivers
            for to in told:
                notifications.append(_tell(f"thread:{one.ref}", NotificationKind.CASE_THREAD, joined, one, to, now))
        for change in changes.values():
            for to in open_cases.of_author(change.case.author_key)[-1].receivers:
                what = f"update:{change.case.revision}"
                notifications.append(_tell(what, NotificationKind.CASE_UPDATE, change.case, None, to, now))
        return Settled(
            outcomes,
            drafts=tuple(drafts.values()),
            changes=tuple(changes.values()),
            events=tuple(events),
            notifications=tuple(notifications),
        )

    return settle


def _open(id_: int, one: NewMention) -> Case:
    return Case(
        id=id_,
        ref=case_ref(id_),
        platform=one.mention.platform,
        author_key=author_key(one.mention),
        thread_key=thread_key(one.mention),
        state=CaseState.NEW,
        urgency=one.verdict.urgency,
        opened_at=one.mention.published_at,
        last_mention_at=one.mention.published_at,
        mention_count=1,
        revision=1,
        touchpoints=frozenset(one.verdict.touchpoints),
        due_at=one.mention.published_at + timedelta(hours=4),
    )


def _join(case: Case, one: NewMention, *, same_revision: bool) -> Case:
    return replace(
        case,
        state=CaseState.NEW,
        mention_count=case.mention_count + 1,
        urgency=max(case.urgency, one.verdict.urgency),
        last_mention_at=max(case.last_mention_at, one.mention.published_at),
        revision=case.revision if same_revision else case.revision + 1,
    )


def _tell(
    what: str, kind: NotificationKind, case: Case, one: NewMention | None, receiver: str, now: datetime
) -> CaseNotification:
    urgency = case.urgency if one is None else one.verdict.urgency
    key = f"case:{case.ref}:{what}:{receiver}"
    return CaseNotification(
        NewNotification(key, kind, receiver, urgency, now, "route:care"), case.id, None if one is None else one.id
    )
