"""From rows to the daemon's values and back. Pure; reading what was written gives an equal value."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from hashlib import blake2b
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa

from connectors.base import Author, Mention
from listener.cases.plan import CaseEvent, CaseNotification, author_key, thread_key
from listener.model import (
    Case,
    CaseState,
    Counted,
    Line,
    NewNotification,
    NotificationKind,
    NotificationState,
    Outcome,
    Told,
    Verdict,
)
from listener.store.columns import clean
from listener.store.tables import cases, mentions, notifications, verdicts
from listener.store.values import NotificationRow
from rules.vocabulary import BuyerStatus, Emotion, Intent, Stage, Urgency

Row = sa.RowMapping
Values = dict[str, Any]

_REF_LENGTHS = (8, 12, 16, 32)


def identity(mention: Mention) -> tuple[str, str]:
    """What makes a mention one: platform and external id, as the database will hold them."""
    return clean(mention.platform), clean(mention.external_id)


def possible_refs(platform: str, external_id: str) -> tuple[str, ...]:
    """The references this mention may get, shortest first; the same wherever and whenever it is stored."""
    digest = blake2b(f"{platform}\n{external_id}".encode(), digest_size=16).hexdigest()
    return tuple(digest[:length] for length in _REF_LENGTHS)


def choose_refs(possible: Sequence[Sequence[str]], taken: Collection[str]) -> list[str]:
    """For each mention the shortest of its possible references that nobody has, neither `taken` nor chosen before."""
    used = set(taken)
    chosen = []
    for refs in possible:
        ref = next((ref for ref in refs if ref not in used), refs[-1])
        used.add(ref)
        chosen.append(ref)
    return chosen


def mention_values(mention: Mention, ref: str, source: str, seen_at: datetime) -> Values:
    """A new row of `mention`; its case and outcome are not known yet."""
    return {
        "ref": ref,
        "platform": mention.platform,
        "external_id": mention.external_id,
        "source": source,
        "url": mention.url,
        "title": mention.title,
        "text": mention.text,
        "kind": mention.kind,
        "lang": mention.lang,
        "author_id": mention.author.id,
        "author_handle": mention.author.handle,
        "author_name": mention.author.name,
        "author_followers": mention.author.followers,
        "author_key": author_key(mention),
        "thread_key": thread_key(mention),
        "thread_id": mention.thread_id,
        "parent_id": mention.parent_id,
        "in_reply_to_brand": mention.in_reply_to_brand,
        "rating": mention.rating,
        "engagement": dict(mention.engagement),
        "brand": mention.brand,
        "published_at": mention.published_at,
        "seen_at": seen_at,
        "checked_at": seen_at,
    }


def verdict_values(mention_id: int, verdict: Verdict, judged_at: datetime) -> Values:
    """A new row of `verdict`. Sets are sorted, so that the same verdict gives the same bytes."""
    return {
        "mention_id": mention_id,
        "relevant": verdict.relevant,
        "subject": verdict.subject,
        "lang": verdict.lang,
        "stage": verdict.stage.value,
        "stage_confidence": verdict.stage_confidence,
        "secondary_stage": None if verdict.secondary_stage is None else verdict.secondary_stage.value,
        "urgency": int(verdict.urgency),
        "points": verdict.points,
        "intents": sorted(intent.value for intent in verdict.intents),
        "touchpoints": dict(verdict.touchpoints),
        "complaint_score": verdict.complaint_score,
        "sentiment": verdict.sentiment,
        "sentiment_label": verdict.sentiment_label,
        "emotions": [emotion.value for emotion in verdict.emotions],
        "buyer_status": verdict.buyer_status.value,
        "lines": [[line.points, line.label, line.evidence, line.rule] for line in verdict.lines],
        "ruleset": verdict.ruleset,
        "promotional": verdict.promotional,
        "exit_to": verdict.exit_to,
        "near": verdict.near,
        "floor": None if verdict.floor is None else int(verdict.floor),
        "judged_at": judged_at,
    }


def case_values(case: Case) -> Values:
    """A row of `case_` but for `state_since`."""
    return {
        "id": case.id,
        "ref": case.ref,
        "platform": case.platform,
        "author_key": case.author_key,
        "thread_key": case.thread_key,
        "state": case.state.value,
        "urgency": int(case.urgency),
        "opened_at": case.opened_at,
        "last_mention_at": case.last_mention_at,
        "mention_count": case.mention_count,
        "revision": case.revision,
        "owner": case.owner,
        "touchpoints": sorted(case.touchpoints),
        "due_at": case.due_at,
        "snooze": None if case.snooze is None else dict(case.snooze),
    }


def event_values(event: CaseEvent) -> Values:
    """A new row of `case_event`."""
    return {
        "case_id": event.case_id,
        "at": event.at,
        "what": event.what,
        "who": event.who,
        "through": event.through,
        "detail": dict(event.detail),
    }


def notification_values(planned: CaseNotification, now: datetime) -> Values:
    """A new row of `notification`, waiting to be sent."""
    new: NewNotification = planned.notification
    return {
        "key": new.key,
        "kind": new.kind.value,
        "receiver": new.receiver,
        "case_id": planned.case_id,
        "mention_id": planned.mention_id,
        "urgency": int(new.urgency),
        "reason": new.reason,
        "payload": dict(new.payload),
        "state": NotificationState.PENDING.value,
        "due_at": new.due_at,
        "created_at": now,
        "attempts": 0,
        "doubtful": False,
    }


def case_of(row: Row) -> Case:
    """The case in a row of `case_`."""
    return Case(
        id=row["id"],
        ref=row["ref"],
        platform=row["platform"],
        author_key=row["author_key"],
        thread_key=row["thread_key"],
        state=CaseState(row["state"]),
        urgency=Urgency(row["urgency"]),
        opened_at=row["opened_at"],
        last_mention_at=row["last_mention_at"],
        mention_count=row["mention_count"],
        revision=row["revision"],
        owner=row["owner"],
        touchpoints=frozenset(row["touchpoints"]),
        due_at=row["due_at"],
        snooze=row["snooze"],
    )


# Both tables have a `lang`: the platform's own, and the one that triage found.
TOLD = (*mentions.c, *(column for column in verdicts.c if column.name != "lang"), verdicts.c.lang.label("verdict_lang"))
TOLD_FROM = mentions.join(verdicts, verdicts.c.mention_id == mentions.c.id)


def told_of(row: Row) -> Told:
    """The mention and verdict in a row of `TOLD`."""
    return Told(
        id=row["id"],
        ref=row["ref"],
        mention=_mention_of(row),
        verdict=_verdict_of(row),
        source=row["source"],
        seen_at=row["seen_at"],
        outcome=Outcome(row["outcome"]),
        removed_at=row["removed_at"],
        removed_why=row["removed_why"] or "",
        edited_at=row["edited_at"],
    )


def _mention_of(row: Row) -> Mention:
    return Mention(
        platform=row["platform"],
        external_id=row["external_id"],
        text=row["text"],
        published_at=row["published_at"],
        author=Author(row["author_id"], row["author_handle"], row["author_name"], row["author_followers"]),
        url=row["url"],
        title=row["title"],
        kind=row["kind"],
        lang=row["lang"],
        parent_id=row["parent_id"],
        thread_id=row["thread_id"],
        in_reply_to_brand=row["in_reply_to_brand"],
        rating=row["rating"],
        engagement=row["engagement"],
        brand=row["brand"],
    )


def _verdict_of(row: Row) -> Verdict:
    return Verdict(
        relevant=row["relevant"],
        subject=row["subject"],
        lang=row["verdict_lang"],
        stage=Stage(row["stage"]),
        stage_confidence=row["stage_confidence"],
        secondary_stage=_stage(row["secondary_stage"]),
        urgency=Urgency(row["urgency"]),
        points=row["points"],
        intents=frozenset(Intent(intent) for intent in row["intents"]),
        touchpoints=row["touchpoints"],
        complaint_score=row["complaint_score"],
        sentiment=row["sentiment"],
        sentiment_label=row["sentiment_label"],
        emotions=tuple(Emotion(emotion) for emotion in row["emotions"]),
        buyer_status=BuyerStatus(row["buyer_status"]),
        lines=tuple(Line(*line) for line in row["lines"]),
        ruleset=row["ruleset"],
        promotional=row["promotional"],
        exit_to=row["exit_to"],
        near=row["near"],
        floor=None if row["floor"] is None else Urgency(row["floor"]),
    )


COUNTED = (
    mentions.c.published_at,
    mentions.c.id,
    *(mentions.c[name] for name in ("ref", "platform", "source", "author_key", "url", "text", "seen_at")),
    *(verdicts.c[name] for name in ("lang", "relevant", "subject", "stage", "secondary_stage")),
    *(
        verdicts.c[name]
        for name in ("sentiment", "sentiment_label", "urgency", "buyer_status", "promotional", "exit_to")
    ),
    # As text: most say the same few things, and reading JSON anew each time is half the cost of a row.
    *(verdicts.c[name].cast(sa.Text) for name in ("intents", "touchpoints", "emotions", "lines")),
    mentions.c.engagement.cast(sa.Text),
    cases.c.ref.label("case_ref"),
    cases.c.state.label("case_state"),
)
COUNTED_FROM = TOLD_FROM.outerjoin(cases, cases.c.id == mentions.c.case_id)

_STAGE = {stage.value: stage for stage in Stage}
_STAGES: Mapping[str | None, Stage | None] = {None: None, **{stage.value: stage for stage in Stage}}
_URGENCIES = {int(urgency): urgency for urgency in Urgency}
_BUYERS = {status.value: status for status in BuyerStatus}
_CASE_STATES: Mapping[str | None, CaseState | None] = {None: None, **{state.value: state for state in CaseState}}


def counted_of(row: Sequence[Any]) -> Counted:
    """The mention in a row of `COUNTED`."""
    (
        published_at, _, ref, platform, source, author_key, url, text, seen_at, lang, relevant, subject, stage, second,
        sentiment, label, urgency, buyer, promotional, exit_to, intents, touchpoints, emotions, lines, engagement,
        case_ref, case_state,
    ) = row  # fmt: skip
    return Counted(
        ref,
        platform,
        source,
        author_key,
        url,
        text,
        lang,
        published_at,
        seen_at,
        relevant,
        subject,
        _STAGE[stage],
        _STAGES[second],
        sentiment,
        label,
        _URGENCIES[urgency],
        _intents(intents),
        _mapping(touchpoints),
        _emotions(emotions),
        _BUYERS[buyer],
        promotional,
        exit_to,
        _mapping(engagement),
        case_ref,
        _CASE_STATES[case_state],
        tuple([line[3] for line in json.loads(lines) if line[3]]),
    )


@lru_cache(1024)
def _intents(text: str) -> frozenset[Intent]:
    return frozenset(map(Intent, json.loads(text)))


@lru_cache(1024)
def _emotions(text: str) -> tuple[Emotion, ...]:
    return tuple(map(Emotion, json.loads(text)))


@lru_cache(8192)
def _mapping(text: str) -> Mapping[str, Any]:
    return MappingProxyType(json.loads(text))  # shared between rows, so nobody may change it


NOTIFICATION = tuple(
    notifications.c[name]
    for name in (
        *("id", "key", "kind", "receiver", "urgency", "reason", "state", "due_at", "created_at", "attempts"),
        *("sent_at", "receipt", "error"),
    )
)


def notification_of(row: Row) -> NotificationRow:
    """The notification in a row of `NOTIFICATION`."""
    values: Mapping[str, Any] = {column.name: row[column.name] for column in NOTIFICATION}
    return NotificationRow(
        **{
            **values,
            "kind": NotificationKind(values["kind"]),
            "urgency": Urgency(values["urgency"]),
            "state": NotificationState(values["state"]),
        }
    )


def _stage(word: str | None) -> Stage | None:
    return None if word is None else Stage(word)
