"""Invented weeks for the digest's tests and for looking at its page: synthetic posts, sources and earlier weeks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random

from connectors.base import Gap
from listener.digest.figures import DigestSettings, StageWeek
from listener.digest.week import Week
from listener.model import CaseState, Counted, SourceState
from rules.vocabulary import BuyerStatus, Emotion, Intent, Stage, Urgency

WEEK = Week.parse("2026-W47", "Europe/Paris")
SETTINGS = DigestSettings(brand="Northwind", owners={"delivery": "logistics", "checkout": "web shop"})

HOSTILE = (
    '<script>alert(1)</script> <!channel> <@U123> [x](http://evil.example) `|*_~ & "quotes" \u202egnp.exe\x00\ud800'
)

# stage, sentiment, touchpoints, weight, words
VOICES: tuple[tuple[Stage, str, tuple[str, ...], int, tuple[str, ...]], ...] = (
    (Stage.AWARENESS, "neutral", ("advertising",), 12, ("Saw a Northwind ad on the tram today, what do they even make?", "Northwind opens a shop in Lyon next month, says the paper.")),
    (Stage.AWARENESS, "positive", ("content",), 8, ("That Northwind film about the repair van is lovely.",)),
    (Stage.CONSIDERATION, "neutral", ("product_quality", "pricing"), 9, ("Would you recommend the Northwind jacket for wet winters?", "Est-ce que la veste Northwind taille petit ?")),
    (Stage.CONSIDERATION, "positive", ("website",), 6, ("Their size finder is the first one that got me right.",)),
    (Stage.SELECTION, "negative", ("pricing",), 4, ("Forty euros more than Polarex for the same shell. Hm.",)),
    (Stage.SELECTION, "neutral", ("availability", "store"), 6, ("Northwind or Fjeld for a first tent? Both in stock near me.",)),
    (Stage.PURCHASE, "negative", ("checkout", "payment"), 22, ("Card refused three times at checkout, the bank says it is not them.", "Paiement refusé encore une fois, panier abandonné. Merci Northwind.", "Die Kasse bricht jedes Mal ab, ich gebe auf.")),
    (Stage.PURCHASE, "negative", ("delivery",), 14, ("Parcel late again, tracking says nothing since Monday.", "Il pacco non è mai arrivato e nessuno risponde.", "¿Dónde está mi pedido? Pagado hace tres semanas.")),
    (Stage.PURCHASE, "positive", ("delivery",), 6, ("Ordered last night, arrived this morning. Wow.",)),
    (Stage.USE, "positive", ("product_quality",), 13, ("Two weeks of rain and I am still dry in this thing.", "La crema nueva es una maravilla.")),
    (Stage.USE, "negative", ("reliability", "app"), 9, ("The app loses my route every time it updates.",)),
    (Stage.USE, "neutral", ("instructions",), 6, ("How do I wash the down jacket without ruining it?",)),
    (Stage.SATISFACTION, "negative", ("refunds", "support"), 15, ("Still no refund after a month and support sends me the same text.", "Seit vier Wochen warte ich auf mein Geld.")),
    (Stage.SATISFACTION, "positive", ("support",), 7, ("Talked to a human in two minutes, problem solved. Thank you!",)),
    (Stage.LOYALTY, "negative", ("delivery", "pricing"), 3, ("Ten years a customer, je passe chez Polarex.",)),
    (Stage.LOYALTY, "positive", ("loyalty_programme",), 2, ("Third pair, same shop, same smile.",)),
    (Stage.ADVOCACY, "positive", ("warranty", "support"), 16, ("Repaired for free with a handwritten card. Buy from these people.", "Je les recommande à tous, réparation gratuite !")),
    (Stage.ADVOCACY, "negative", ("support",), 3, ("Do not buy there unless you enjoy waiting rooms.",)),
    (Stage.UNCLEAR, "neutral", (), 10, ("northwind lol", "Northwind…")),
)  # fmt: skip

LANGUAGES = ("en", "fr", "de", "it", "es", "und")


def post(number: int, **changes: object) -> Counted:
    """One relevant post about the brand, unlike any other by its number."""
    plain = Counted(
        ref=f"{number:04x}",
        platform="mastodon",
        source="mastodon-main",
        author_key=f"mastodon:author-{number}",
        url=f"https://social.example/@someone/{number}",
        text=f"Post number {number} about Northwind, long enough to be quoted.",
        lang="en",
        published_at=WEEK.since + timedelta(minutes=number % 10_000),
        seen_at=WEEK.since + timedelta(minutes=number % 10_000 + 3),
        relevant=True,
        subject="brand",
        stage=Stage.USE,
        secondary_stage=None,
        sentiment=0.0,
        sentiment_label="neutral",
        urgency=Urgency.NORMAL,
        intents=frozenset(),
        touchpoints={},
        emotions=(),
        buyer_status=BuyerStatus.UNKNOWN,
        promotional=False,
        exit_to=None,
        engagement={},
        case_ref=None,
        case_state=None,
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


def posts(amount: int, seed: int = 47) -> Iterator[Counted]:
    """`amount` posts of an ordinary bad week, a few of them about rivals, our own, advertising or noise."""
    random = Random(seed)
    for number in range(amount):
        stage, label, touchpoints, _, texts = random.choices(VOICES, [voice[3] for voice in VOICES])[0]
        negative, positive = label == "negative", label == "positive"
        kind = random.random()
        leaving = (stage is Stage.LOYALTY and negative) or (negative and random.random() < 0.08)
        urgent = negative and random.random() < 0.3
        platform = random.choice(("mastodon", "mastodon", "hackernews", "rss"))
        text = random.choice(texts)
        intents = (
            {Intent.COMPLAINT}
            if negative
            else {Intent.PRAISE}
            if positive
            else {Intent.QUESTION}
            if "?" in text
            else set()
        )
        if leaving:
            intents.add(Intent.LEAVING)
        if stage is Stage.SELECTION and not negative:
            intents.add(Intent.BUYING)
        published = WEEK.since + timedelta(minutes=random.randrange(7 * 24 * 60))
        yield post(
            number,
            platform=platform,
            source=f"{platform}-main",
            author_key=f"{platform}:{random.randrange(max(1, int(amount * 0.9)))}",
            url=f"https://{platform}.example/posts/{number}" if random.random() < 0.95 else "",
            text=HOSTILE if number == 17 else text,
            lang=random.choice(LANGUAGES),
            published_at=published,
            seen_at=published + timedelta(minutes=number % 9),
            relevant=kind > 0.06,
            subject="none" if kind <= 0.06 else "rival:Polarex" if kind < 0.10 else "own" if kind < 0.12 else "brand",
            promotional=0.12 < kind < 0.14,
            stage=stage,
            secondary_stage=Stage.PURCHASE if stage is Stage.LOYALTY and negative else None,
            sentiment={"negative": -0.6, "neutral": 0.0, "positive": 0.7}[label],
            sentiment_label=label,
            urgency=Urgency.CRITICAL
            if urgent and random.random() < 0.1
            else Urgency.HIGH
            if urgent
            else Urgency.NORMAL
            if negative
            else Urgency.LOW,
            intents=frozenset(intents),
            touchpoints={
                touchpoint: None if random.random() < 0.5 else (-0.6 if negative else 0.6 if positive else 0.0)
                for touchpoint in touchpoints
            },
            emotions=(random.choice((Emotion.FRUSTRATION, Emotion.ANGER)),)
            if negative and random.random() < 0.5
            else (Emotion.GRATITUDE,)
            if positive and random.random() < 0.4
            else (),
            buyer_status=random.choice((BuyerStatus.BUYER, BuyerStatus.UNKNOWN))
            if stage in (Stage.PURCHASE, Stage.USE, Stage.SATISFACTION, Stage.LOYALTY)
            else random.choice((BuyerStatus.NON_BUYER, BuyerStatus.UNKNOWN)),
            exit_to=random.choice(("Polarex", "Polarex", "Fjeld", None)) if leaving else None,
            engagement={"likes": int(random.paretovariate(1.1)) - 1, "replies": random.randrange(4)},
            case_ref=f"c-{number:04X}" if negative else None,
            case_state=random.choice((CaseState.NEW, CaseState.CLAIMED, CaseState.RESOLVED)) if negative else None,
        )


def earlier(scale: float = 1.0, weeks: int = 8) -> list[StageWeek]:
    """Quieter weeks before `WEEK`: purchase usually hurts less."""
    rows = []
    for distance in range(1, weeks + 1):
        for stage, label, _, weight, _ in VOICES:
            usual = weight * (0.35 if stage is Stage.PURCHASE and label == "negative" else 1.0)
            authors = round(usual * scale * (1 + 0.1 * ((distance * 7 + weight) % 5 - 2) / 2))
            rows.append(StageWeek(WEEK.previous(distance).first, stage, label, "brand", True, authors + 1, authors))  # type: ignore[arg-type]
    return rows


def source(name: str, **changes: object) -> SourceState:
    """A source that has answered for a year and still does."""
    plain = SourceState(
        name=name, connector=name.partition("-")[0], next_poll_at=None,
        first_success_at=datetime(2025, 11, 1, tzinfo=UTC), last_success_at=WEEK.until + timedelta(hours=8),
        failures=0, error=None, parked=None, mentions=0, gaps=(),
    )  # fmt: skip
    return replace(plain, **changes)  # type: ignore[arg-type]


def sources() -> list[SourceState]:
    """One complete source, one with a hole of nine hours, one that stopped on Thursday, one that never answered."""
    tuesday = WEEK.since + timedelta(days=1, hours=2, minutes=10)
    thursday = WEEK.since + timedelta(days=3, hours=15)
    return [
        source("mastodon-main"),
        source("hackernews-main", gaps=(Gap(tuesday, tuesday + timedelta(hours=9, minutes=10), "page-cap"),)),
        source("rss-main", last_success_at=thursday, failures=40, error="HTTP 503 from feeds.example"),
        source(
            "x-main",
            first_success_at=None,
            last_success_at=None,
            failures=3,
            parked="the credential lacks the right to search",
        ),
    ]
