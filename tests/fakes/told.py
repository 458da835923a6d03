"""Cases, mentions and deliveries for tests of receivers, with every field set on purpose. All people are invented."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

from connectors.base import Author, Mention
from listener.model import (
    Case,
    CaseState,
    CaseView,
    Delivery,
    Line,
    NotificationKind,
    Outcome,
    Receipt,
    Summary,
    Told,
    Verdict,
)
from listener.slack.look import Look, load_words
from rules.vocabulary import BuyerStatus, Emotion, Intent, Stage, Urgency

NOW = datetime(2026, 11, 22, 12, 27, tzinfo=UTC)
PARIS = ZoneInfo("Europe/Paris")


def look(language: str = "en", interactive: bool = False, **kwargs: Any) -> Look:
    return Look(load_words(language), PARIS, interactive, **kwargs)


def verdict(**kwargs: Any) -> Verdict:
    values: dict[str, Any] = {
        "relevant": True,
        "subject": "brand",
        "lang": "fr",
        "stage": Stage.PURCHASE,
        "stage_confidence": 0.81,
        "secondary_stage": Stage.SATISFACTION,
        "urgency": Urgency.HIGH,
        "points": 63,
        "intents": frozenset({Intent.COMPLAINT, Intent.LEAVING}),
        "touchpoints": {"delivery": -0.7, "support": -0.6},
        "complaint_score": 0.94,
        "sentiment": -0.7,
        "sentiment_label": "negative",
        "emotions": (Emotion.ANGER,),
        "buyer_status": BuyerStatus.BUYER,
        "lines": (
            Line(20, "blocked", "“jamais livrée”", "fr.purchase.undelivered"),
            Line(15, "leaving", "“je passe chez Polarex”", "fr.leaving.switch_to"),
            Line(12, "repeated", "“2e message”"),
            Line(8, "asks us", "“Je demande le remboursement”"),
            Line(8, "reach", "12,400 followers (cap 8)"),
        ),
        "ruleset": "3b1f",
        "exit_to": "Polarex",
        "near": "would be normal without: repeated (51)",
    }
    return Verdict(**(values | kwargs))


def mention(text: str, **kwargs: Any) -> Mention:
    values: dict[str, Any] = {
        "platform": "mastodon",
        "external_id": "1130",
        "text": text,
        "published_at": NOW - timedelta(minutes=7),
        "author": Author("77", "marie_l", "Marie L.", 12_400),
        "url": "https://mastodon.example/@marie_l/1130",
        "lang": "fr",
    }
    return Mention(**(values | kwargs))


def told(text: str, ref: str = "4f2c", **kwargs: Any) -> Told:
    given = kwargs.pop("verdict", None) or verdict()
    post = mention(text, **kwargs)
    return Told(1, ref, post, given, "fediverse", post.published_at + timedelta(minutes=6), Outcome.ALERTED)


def view(*mentions: Told, **kwargs: Any) -> CaseView:
    values: dict[str, Any] = {
        "id": 1,
        "ref": "c-7F3K",
        "platform": mentions[0].mention.platform if mentions else "mastodon",
        "author_key": "mastodon:77",
        "thread_key": None,
        "state": CaseState.NEW,
        "urgency": max((one.verdict.urgency for one in mentions), default=Urgency.NORMAL),
        "opened_at": NOW - timedelta(minutes=1),
        "last_mention_at": NOW - timedelta(minutes=7),
        "mention_count": len(mentions),
        "revision": 1,
        "due_at": NOW + timedelta(minutes=53),
    }
    return CaseView(Case(**(values | kwargs)), mentions)


def complaint() -> CaseView:
    return view(
        told(
            "Commande payée il y a 3 semaines, jamais livrée, le support ne répond plus (2e message). "
            "Je demande le remboursement et je passe chez Polarex."
        )
    )


def rash() -> Told:
    """Critical, by an override rule."""
    safety = verdict(
        lang="en",
        stage=Stage.USE,
        secondary_stage=None,
        stage_confidence=0.9,
        urgency=Urgency.CRITICAL,
        points=100,
        intents=frozenset({Intent.COMPLAINT}),
        touchpoints={"product_quality": -0.8},
        emotions=(Emotion.ANXIETY,),
        lines=(Line(0, "override", "“gave me a rash”", "en.safety.skin_reaction"),),
        exit_to=None,
        near="",
        floor=Urgency.CRITICAL,
    )
    return told(
        "The moisturiser gave me a rash, my whole face burns. What is in this?",
        verdict=safety,
        author=Author("sarah", "sarah_r", "Sarah", 310),
        url="https://mastodon.example/@sarah_r/9",
        lang="en",
    )


def praise() -> CaseView:
    joy = verdict(
        lang="de",
        stage=Stage.ADVOCACY,
        secondary_stage=None,
        stage_confidence=0.93,
        urgency=Urgency.LOW,
        points=0,
        intents=frozenset({Intent.PRAISE}),
        touchpoints={"warranty": 0.9},
        complaint_score=0.02,
        sentiment=0.8,
        sentiment_label="positive",
        emotions=(Emotion.GRATITUDE, Emotion.SURPRISE),
        lines=(Line(0, "recommends", "“Kann ich nur weiterempfehlen”", "de.advocacy.recommend"),),
        exit_to=None,
        near="",
    )
    post = told(
        "Reißverschluss nach vier Jahren kaputt, gratis repariert, mit Karte von Hand. Kann ich nur weiterempfehlen!",
        verdict=joy,
        platform="bluesky",
        author=Author("j", "jonas.example", "Jonas", 310),
        url="https://bsky.example/post/3k",
    )
    return view(post, ref="c-91QA", due_at=NOW + timedelta(hours=20))


def story(count: int = 5) -> CaseView:
    """One author's case over some days; the critical post is an early one."""
    mild = verdict(lang="en", urgency=Urgency.NORMAL, points=30, exit_to=None, touchpoints={"support": -0.4})
    posts = [replace(rash(), ref="m0")]
    for number in range(1, count):
        at = NOW - timedelta(days=count - number)
        later = told(f"Still waiting for an answer, day {number}. Half an hour on the phone.", verdict=mild)
        post = replace(later.mention, published_at=at, author=rash().mention.author, external_id=str(number))
        posts.append(replace(later, ref=f"m{number}", mention=post, seen_at=at + timedelta(minutes=4)))
    first = replace(posts[0].mention, published_at=NOW - timedelta(days=count))
    posts[0] = replace(posts[0], mention=first, seen_at=NOW - timedelta(days=count) + timedelta(minutes=3))
    return view(*posts, revision=count)


def delivery(kind: NotificationKind = NotificationKind.CASE_OPEN, **kwargs: Any) -> Delivery:
    case: CaseView | None = kwargs.pop("case", complaint())
    values: dict[str, Any] = {
        "id": 1,
        "key": "case:c-7F3K:open:care",
        "kind": kind,
        "receiver": "care",
        "urgency": Urgency.HIGH,
        "attempt": 1,
        "payload": {},
        "case": case,
        "mention": case.mentions[-1] if case and kind is NotificationKind.CASE_THREAD else None,
        "parent": None,
        "created_at": datetime.now(UTC),  # the fake stamps messages with the real time, and look-ups begin here
    }
    return Delivery(**(values | kwargs))


def summary(*cases: CaseView, why: Literal["opening", "storm"] = "opening", hidden: int = 0) -> Summary:
    """A message of these cases, and of so many more ordinary ones."""
    levels = Counter(one.case.urgency for one in cases)
    levels[Urgency.NORMAL] += hidden
    return Summary(why, cases, levels)


def receipt(ts: str, channel: str = "C0CARE", key: str = "case:c-7F3K:open:care") -> Receipt:
    return Receipt({"channel": channel, "ts": ts, "key": key})
