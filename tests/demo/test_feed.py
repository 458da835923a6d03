"""The demo feed keeps what the demo, the docs and the quality bench build on."""

from __future__ import annotations

import json
import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.base import TEXT_LIMIT, Mention
from listener.demo.feed import EARLIER_FILE, WEEK_FILE, WEEKS, Expected, demo_brand, demo_feed, demo_week
from listener.digest.stats import rate_change
from rules.vocabulary import Intent, Stage, Urgency

NOW = datetime(2026, 11, 25, 14, 30, tzinfo=UTC)  # a Wednesday
LANGUAGES = {"en", "fr", "it", "es", "de"}
REAL_NAMES = re.compile(
    r"\b(amazon|apple|google|delta|facebook|instagram|tiktok|twitter|youtube|trustpilot|paypal|klarna|visa|mastercard"
    r"|dhl|ups|fedex|hermes|dpd|sephora|douglas|nivea|loreal|l'oréal|garnier|dove|olay|cerave|clinique|lush|kiehl's"
    r"|vichy|avène|bioderma|nuxe|rituals|lumi|android|microsoft|netflix)\b",
    re.IGNORECASE,
)
Post = tuple[Mention, Expected]


@pytest.fixture(scope="module")
def feed() -> tuple[Post, ...]:
    return demo_feed(NOW)


@pytest.fixture(scope="module")
def week(feed: tuple[Post, ...]) -> list[Post]:
    """The busy week itself, without the stories and the weeks before."""
    return [p for p in feed if p[0].external_id.startswith("week") and p[0].published_at >= demo_week(NOW)]


def story(feed: tuple[Post, ...], language: str) -> list[Post]:
    return [post for post in feed if post[0].external_id.startswith(f"sarah-{language}-")]


def weeks_ago(mention: Mention) -> int:
    """0 for the busy week, 1 for the one before it."""
    return -((mention.published_at - demo_week(NOW)).days // 7)


def earlier(feed: tuple[Post, ...]) -> list[Post]:
    """The ordinary weeks, without the stories."""
    return [p for p in feed if not p[0].external_id.startswith("sarah") and weeks_ago(p[0]) > 0]


def feed_of(name: str) -> set[str]:
    lines = files("listener.demo").joinpath(name).read_text(encoding="utf-8").split("\n")
    return {json.loads(line)["id"] for line in lines if line}


def test_every_id_is_used_once(feed: tuple[Post, ...]) -> None:
    ids = [(m.platform, m.external_id) for m, _ in feed]
    assert len(ids) == len(set(ids))


def test_the_same_now_gives_the_same_feed_in_order_of_time(feed: tuple[Post, ...]) -> None:
    assert demo_feed(NOW) == feed
    times = [m.published_at for m, _ in feed]
    assert times == sorted(times)


@given(st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=st.timezones()))  # noqa: DTZ001  # hypothesis takes naive bounds
def test_whatever_now_is_the_week_is_over_and_is_the_last_one_that_is(now: datetime) -> None:
    monday = demo_week(now)
    assert (monday.isoweekday(), monday.hour, monday.utcoffset()) == (1, 0, timedelta(0))
    assert timedelta(days=7) <= now - monday < timedelta(days=14)


@pytest.mark.parametrize("day", range(7))
def test_no_post_lies_in_the_future_on_any_day_of_the_week(day: int) -> None:
    now = datetime(2026, 11, 23, tzinfo=UTC) + timedelta(days=day)  # midnight, the tightest moment
    times = [m.published_at for m, _ in demo_feed(now)]
    assert max(times) < now
    assert max(times) < demo_week(now) + timedelta(days=7)
    assert min(times) >= demo_week(now) - timedelta(weeks=WEEKS - 1)


def test_a_now_without_a_time_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        demo_feed(NOW.replace(tzinfo=None))


def test_the_busy_week_has_the_promised_size_and_something_to_compare_with(
    feed: tuple[Post, ...], week: list[Post]
) -> None:
    assert 260 <= len(week) <= 330
    assert len({(m.platform, m.author.id) for m, _ in week}) >= 200
    weeks = Counter(weeks_ago(m) for m, _ in earlier(feed))
    assert set(weeks) == {1, 2, 3, 4, 5}
    assert min(weeks.values()) >= 75


def test_each_file_holds_what_its_name_says(feed: tuple[Post, ...], week: list[Post]) -> None:
    assert feed_of(WEEK_FILE) == {m.external_id for m, _ in week}
    assert feed_of(EARLIER_FILE) == {m.external_id for m, _ in earlier(feed)}


def test_only_payment_and_support_make_more_people_unhappy_than_in_ordinary_weeks(feed: tuple[Post, ...]) -> None:
    unhappy = {
        (e.stage, weeks_ago(m), m.platform, m.author.id)
        for m, e in feed
        if e.sentiment == "negative" and e.subject == "brand"
    }
    voices = Counter((stage, ago > 0) for stage, ago, _, _ in unhappy)
    now_and_before = {stage: (voices[stage, False], voices[stage, True]) for stage in Stage}
    risen = {stage for stage, (now, before) in now_and_before.items() if rate_change(now, before, 1, WEEKS - 1) < 0.001}
    assert risen == {Stage.PURCHASE, Stage.SATISFACTION}


def test_ordinary_weeks_hold_no_crisis(feed: tuple[Post, ...]) -> None:
    high = Counter(weeks_ago(m) for m, e in earlier(feed) if e.urgency is Urgency.HIGH)
    assert max(high.values()) <= 3
    assert all(e.urgency is not Urgency.CRITICAL for _, e in earlier(feed))


def test_ordinary_weeks_speak_all_languages_of_all_stages(feed: tuple[Post, ...]) -> None:
    for ago in range(1, WEEKS):
        said = [e for m, e in earlier(feed) if weeks_ago(m) == ago]
        assert {e.lang for e in said} == LANGUAGES
        assert {e.stage for e in said} >= set(Stage) - {Stage.UNCLEAR}


def test_five_languages_and_several_platforms_speak_every_week(week: list[Post]) -> None:
    languages = Counter(e.lang for _, e in week)
    assert set(languages) == LANGUAGES == set(demo_brand().languages)
    assert min(languages.values()) >= 30
    assert {m.platform for m, _ in week} >= {"x", "mastodon", "bluesky", "reddit", "hackernews", "appstore", "reviews"}


def test_the_platforms_own_language_is_right_and_sometimes_absent(feed: tuple[Post, ...]) -> None:
    assert all(m.lang in (None, e.lang) for m, e in feed)
    assert {m.lang is None for m, _ in feed} == {True, False}


def test_every_stage_urgency_intent_and_sentiment_is_there(week: list[Post]) -> None:
    assert {e.stage for _, e in week} == set(Stage)
    assert {e.urgency for _, e in week} == set(Urgency)
    assert {intent for _, e in week for intent in e.intents} == set(Intent)
    assert {e.sentiment for _, e in week} == {"negative", "neutral", "positive"}


@pytest.mark.parametrize("stage", [s for s in Stage if s is not Stage.UNCLEAR])
def test_every_stage_is_spoken_of_in_every_language(week: list[Post], stage: Stage) -> None:
    assert {e.lang for _, e in week if e.stage is stage} == LANGUAGES


STORY = [
    ("awareness", "low", "none"),
    ("awareness", "low", "rival:Kaolvane"),
    ("consideration", "low", "brand"),
    ("consideration", "low", "brand"),
    ("selection", "normal", "brand"),
    ("purchase", "low", "brand"),
    ("use", "low", "brand"),
    ("use", "critical", "brand"),
    ("satisfaction", "normal", "brand"),
    ("satisfaction", "normal", "brand"),
    ("advocacy", "normal", "brand"),
]


@pytest.mark.parametrize("language", sorted(LANGUAGES))
def test_the_story_is_told_in_eleven_posts_in_order_by_one_author(feed: tuple[Post, ...], language: str) -> None:
    posts = story(feed, language)
    assert [m.external_id for m, _ in posts] == [f"sarah-{language}-{n:02d}" for n in range(1, 12)]
    assert [(e.stage.value, e.urgency.word, e.subject) for _, e in posts] == STORY
    assert len({(m.platform, m.author.id) for m, _ in posts}) == 1
    assert {e.lang for _, e in posts} == {language}
    assert [e.case_urgency for _, e in posts[8:]] == [Urgency.CRITICAL] * 3
    assert posts[9][1].alt is Stage.LOYALTY
    assert Intent.LEAVING in posts[9][1].intents
    assert posts[0][0].published_at < demo_week(NOW) - timedelta(weeks=4)
    assert posts[-1][0].published_at >= demo_week(NOW)


def test_the_five_stories_are_five_people_on_five_platforms(feed: tuple[Post, ...]) -> None:
    people = {(m.platform, m.author.id) for language in LANGUAGES for m, _ in story(feed, language)}
    assert len(people) == len({platform for platform, _ in people}) == 5


def test_on_tuesday_evening_the_checkout_fails_for_many_people_at_once(week: list[Post]) -> None:
    start = demo_week(NOW) + timedelta(days=1, hours=18)
    storm = [
        (m, e)
        for m, e in week
        if start <= m.published_at < start + timedelta(hours=3)
        and e.stage is Stage.PURCHASE
        and Intent.COMPLAINT in e.intents
    ]
    assert 18 <= len({m.author.id for m, _ in storm}) <= 26
    assert {e.lang for _, e in storm} == LANGUAGES
    words = [set(re.findall(r"\w+", m.text.lower())) for m, _ in storm]
    first = words[0]
    assert sum(len(first & other) / len(first | other) > 0.6 for other in words[1:]) == 2  # the two near copies


def test_posts_that_may_hurt_a_careless_program_are_there(week: list[Post]) -> None:
    text = "\n".join(m.text for m, _ in week)
    for part in ("<!channel>", "<@U", "\u202e", "\u200f", "\u200b", "`", "=HYPERLINK", "😡" * 500, "DROP TABLE"):
        assert part in text
    longest = max(len(m.text) for m, _ in week)
    assert 2_000 < longest <= TEXT_LIMIT


def test_the_posts_that_must_not_wait_are_there(week: list[Post]) -> None:
    critical = " ".join(m.text for m, e in week if e.urgency is Urgency.CRITICAL)
    for cue in ("allergic reaction", "mon avocat", "data leak"):
        assert cue in critical


def test_own_posts_rivals_and_the_brand_are_told_apart(feed: tuple[Post, ...]) -> None:
    brand = demo_brand()
    own = {(platform, account) for platform, accounts in brand.own_accounts.items() for account in accounts}
    known = re.compile("|".join((brand.name, *brand.products)), re.IGNORECASE)
    for mention, expected in feed:
        assert (expected.subject == "own") == ((mention.platform, mention.author.id) in own), mention.external_id
        if expected.subject.startswith("rival:"):
            assert expected.subject.removeprefix("rival:") in brand.rivals
            assert expected.urgency is Urgency.LOW
        if expected.subject == "brand":
            assert known.search(f"{mention.text} {mention.title}") or mention.brand == brand.name, mention.external_id
    assert {account for _, account in own} == {m.author.id for m, e in feed if e.subject == "own"}


def test_the_first_posts_of_the_stories_hold_a_category_phrase(feed: tuple[Post, ...]) -> None:
    phrases = demo_brand().category_phrases
    for language in LANGUAGES:
        assert any(phrase in story(feed, language)[0][0].text.lower() for phrase in phrases)


def test_a_parent_is_an_earlier_post_of_the_same_platform(feed: tuple[Post, ...]) -> None:
    by_id = {(m.platform, m.external_id): m for m, _ in feed}
    own = {m.external_id for m, e in feed if e.subject == "own"}
    threads = set()
    for mention, _ in feed:
        if mention.parent_id is None:
            continue
        parent = by_id[(mention.platform, mention.parent_id)]
        assert parent.published_at < mention.published_at, mention.external_id
        assert (mention.platform, mention.thread_id) in by_id
        threads.add(mention.thread_id)
        if mention.in_reply_to_brand:
            assert mention.parent_id in own
    assert len(threads) >= 8
    assert sum(bool(m.in_reply_to_brand) for m, _ in feed) >= 5


def test_reviews_have_stars_and_only_reviews_do(feed: tuple[Post, ...]) -> None:
    for mention, _ in feed:
        assert (mention.rating is not None) == (mention.kind == "review")
        assert mention.rating is None or 1 <= mention.rating <= 5


def test_links_lead_to_example_domains_only(feed: tuple[Post, ...]) -> None:
    for mention, _ in feed:
        for url in (mention.url, *re.findall(r"https?://[^\s|>\"]+", mention.text)):
            assert (urlsplit(url).hostname or "").endswith(".example"), mention.external_id


def test_no_real_brand_is_named(feed: tuple[Post, ...]) -> None:
    for mention, _ in feed:
        said = " ".join((mention.text, mention.title, mention.author.id, mention.author.name))
        assert not REAL_NAMES.search(said), mention.external_id


def test_hardly_any_text_is_said_twice(feed: tuple[Post, ...]) -> None:
    texts = Counter(" ".join(m.text.lower().split()) for m, _ in feed)
    assert max(texts.values()) == 1
