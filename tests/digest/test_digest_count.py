"""What a week's posts become in figures and sentences."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from connectors.base import Gap
from listener.digest import words
from listener.digest.count import count
from listener.digest.figures import Digest, DigestSettings, StageFigures
from listener.digest.labels import load
from listener.model import CaseState, Counted
from rules.vocabulary import BuyerStatus, Intent, Stage, Urgency
from tests.fakes.digest_week import SETTINGS, WEEK, earlier, post, posts, source, sources


def counted(*mentions: Counted, **given: object) -> Digest:
    return count(WEEK, mentions, sources=[source("mastodon-main")], settings=SETTINGS, **given)  # type: ignore[arg-type]


def stage(digest: Digest, key: str) -> StageFigures:
    return next(found for found in (*digest.stages, digest.unclear) if found.key == key)


def test_every_stored_post_is_accounted_for() -> None:
    digest = counted(
        post(1),
        post(2, promotional=True),
        post(3, subject="rival:Polarex"),
        post(4, subject="rival:Polarex", relevant=False),
        post(5, subject="own"),
        post(6, relevant=False),
        post(7, subject="none", relevant=False),
        post(8, stage=Stage.UNCLEAR),
    )
    kinds = digest.accounting
    assert (kinds.stored, kinds.counted, kinds.promotional, kinds.rivals, kinds.own, kinds.not_relevant) == (
        8,
        2,
        1,
        2,
        1,
        2,
    )
    assert digest.accounting_sentence.endswith("accounts for all 8 stored posts.")
    assert sum(found.tally.mentions for found in (*digest.stages, digest.unclear)) == kinds.counted


@pytest.mark.parametrize("amount", [0, 1, 5, 50, 400])
def test_the_kinds_always_add_up(amount: int) -> None:
    digest = count(WEEK, posts(amount), earlier(), sources(), settings=SETTINGS)
    kinds = digest.accounting
    assert kinds.counted + kinds.promotional + kinds.rivals + kinds.own + kinds.not_relevant == kinds.stored == amount
    assert sum(found.mentions for found in digest.coverage.sources) == amount
    for found in (*digest.stages, digest.unclear):
        tally = found.tally
        assert tally.negative_authors + tally.neutral_authors + tally.positive_authors == tally.authors
        assert tally.negative_mentions + tally.neutral_mentions + tally.positive_mentions == tally.mentions
        assert tally.buyers + tally.non_buyers + tally.unknown_buyers == tally.authors


def test_people_are_counted_not_posts() -> None:
    loud = [
        post(
            n,
            author_key="mastodon:loud",
            stage=Stage.PURCHASE,
            sentiment_label="negative",
            touchpoints={"delivery": -0.8},
        )
        for n in range(30)
    ]
    calm = [
        post(100 + n, stage=Stage.USE, sentiment_label="negative", touchpoints={"app": -0.3}) for n in range(3)
    ]  # fmt: skip
    digest = counted(*loud, *calm)
    assert [(topic.touchpoint, topic.authors, topic.mentions) for topic in digest.pains] == [
        ("app", 3, 3),
        ("delivery", 1, 30),
    ]
    assert digest.total.authors == 4
    assert len(digest.pains[1].examples) == 1


def test_a_person_has_the_mood_that_prevails_in_their_posts() -> None:
    moods = ("negative", "positive", "positive", "neutral")
    digest = counted(*(post(n, author_key="mastodon:one", sentiment_label=mood) for n, mood in enumerate(moods)))
    tally = stage(digest, "use").tally
    assert (tally.negative_authors, tally.neutral_authors, tally.positive_authors) == (0, 0, 1)


def test_posts_without_a_named_author_are_people_of_their_own() -> None:
    assert counted(post(1, author_key="rss:"), post(2, author_key="rss:")).total.authors == 2


def test_the_order_of_reading_makes_no_difference() -> None:
    mentions = list(posts(300))
    expected = count(WEEK, mentions, earlier(), sources(), settings=SETTINGS)
    Random(1).shuffle(mentions)
    assert count(WEEK, mentions, earlier(), sources(), settings=SETTINGS) == expected


def test_posts_of_other_weeks_are_left_out() -> None:
    inside = post(1, published_at=WEEK.since)
    digest = counted(
        inside, post(2, published_at=WEEK.until), post(3, published_at=WEEK.since - timedelta(microseconds=1))
    )
    assert digest.accounting.stored == 1


def test_someone_who_bought_once_is_a_buyer_everywhere() -> None:
    digest = counted(
        post(1, author_key="mastodon:a", stage=Stage.AWARENESS, buyer_status=BuyerStatus.UNKNOWN),
        post(2, author_key="mastodon:a", stage=Stage.USE, buyer_status=BuyerStatus.EX_CUSTOMER),
        post(3, author_key="mastodon:b", stage=Stage.AWARENESS, buyer_status=BuyerStatus.NON_BUYER),
    )
    awareness = stage(digest, "awareness").tally
    assert (awareness.buyers, awareness.non_buyers, awareness.unknown_buyers) == (1, 1, 0)


def test_the_touchpoint_s_own_sentiment_decides_before_the_post_s() -> None:
    digest = counted(post(1, sentiment_label="neutral", touchpoints={"store": 0.7, "support": None, "app": -0.5}))
    assert [topic.touchpoint for topic in digest.pains] == ["app"]
    assert [topic.touchpoint for topic in digest.delights] == ["store"]


def test_kind_words_in_a_complaint_are_no_delight() -> None:
    digest = counted(post(1, sentiment_label="negative", touchpoints={"support": 0.7}))
    assert (digest.pains, digest.delights) == ((), ())


def test_a_delight_is_shown_by_a_happy_post_before_an_urgent_one() -> None:
    digest = counted(
        post(1, sentiment_label="neutral", urgency=Urgency.CRITICAL, touchpoints={"support": 0.4}),
        post(2, sentiment_label="positive", urgency=Urgency.LOW, touchpoints={"support": 0.4}),
    )
    assert digest.delights[0].examples[0].ref == "0002"


def test_an_exit_says_where_why_and_to_whom() -> None:
    digest = counted(
        post(
            1, stage=Stage.LOYALTY, secondary_stage=Stage.PURCHASE, sentiment_label="negative",
            intents=frozenset({Intent.LEAVING}), touchpoints={"delivery": None, "pricing": 0.4}, exit_to="Polarex",
        )
    )  # fmt: skip
    (door,) = digest.exits
    assert words.door(door, load()) == "1 person at Purchase, over delivery 1, to Polarex 1"
    assert digest.exit_authors == 1


def test_no_percentage_is_given_under_ten() -> None:
    nine = counted(*(post(n, sentiment_label="negative", stage=Stage.UNCLEAR) for n in range(9)))
    ten = counted(*(post(n, sentiment_label="negative", stage=Stage.UNCLEAR) for n in range(10)))
    assert nine.confidence.unclear.percent is None
    assert "%" not in " ".join(nine.confidence.sentences)
    assert ten.confidence.unclear.percent == 100
    assert "Under ten people: no percentages and no trend are shown." in nine.notes


def test_a_stage_that_doubles_is_a_clear_rise_and_one_as_usual_is_not() -> None:
    digest = count(WEEK, posts(400), earlier(2.0), [source("mastodon-main")], settings=SETTINGS)
    purchase = stage(digest, "purchase")
    assert purchase.change_negative.word == "clear rise"
    assert stage(digest, "consideration").change.word == "not clear"
    assert purchase.change_negative.weeks == 8


def test_under_ten_people_now_and_usually_no_change_is_called_clear() -> None:
    unhappy = {"sentiment_label": "negative", "stage": Stage.PURCHASE}
    nine, ten = (
        count(
            WEEK,
            [post(n, **unhappy) for n in range(amount)],
            earlier(0.01),
            [source("mastodon-main")],
            settings=SETTINGS,
        )
        for amount in (9, 10)
    )
    assert stage(nine, "purchase").change_negative.word == "too few"
    assert not any(action.kind == "rise" for action in nine.actions)
    assert stage(ten, "purchase").change_negative.word == "clear rise"


def test_the_first_week_is_compared_with_nothing() -> None:
    digest = count(WEEK, posts(100), (), [source("mastodon-main", first_success_at=WEEK.since)], settings=SETTINGS)
    assert {found.change.word for found in digest.stages} == {"no earlier weeks"}


def test_a_fall_in_a_week_with_missing_hours_is_not_called_clear() -> None:
    whole = count(WEEK, [post(1)], earlier(), [source("mastodon-main")], settings=SETTINGS)
    assert whole.change.word == "clear fall"
    hole = Gap(WEEK.since, WEEK.since + timedelta(hours=30), "expired-window", lost=True)
    thin = count(WEEK, [post(1)], earlier(), [source("mastodon-main", gaps=(hole,))], settings=SETTINGS)
    assert thin.change.word == "not clear"
    assert thin.change.note == "fewer hours were collected than usual"


def test_posts_about_rivals_in_earlier_weeks_are_not_compared() -> None:
    rows = earlier()
    rivals = [
        type(row)(row.week_start, row.stage, row.sentiment_label, "rival:Polarex", True, 500, 500) for row in rows
    ]
    mentions = list(posts(200))
    with_rivals = count(WEEK, mentions, [*rows, *rivals], [source("mastodon-main")], settings=SETTINGS)
    assert with_rivals == count(WEEK, mentions, rows, [source("mastodon-main")], settings=SETTINGS)


def test_of_an_imported_history_the_oldest_week_is_not_compared_with() -> None:
    digest = count(WEEK, posts(100), earlier(weeks=1), (), settings=SETTINGS)
    assert digest.change.word == "no earlier weeks"
    assert count(WEEK, posts(100), earlier(weeks=3), (), settings=SETTINGS).change.weeks == 2


def test_a_source_silent_for_nine_hours_is_named_with_its_hours() -> None:
    digest = count(WEEK, posts(50), earlier(), sources(), settings=SETTINGS)
    silent = next(found for found in digest.coverage.sources if found.name == "hackernews-main")
    assert (silent.status, silent.hours, silent.of_hours) == ("partial", 158.83, 168.0)
    assert "Tue 02:10 to Tue 11:20 still to be read (more posts than one poll reads)" in silent.note
    assert any("hackernews-main (158.8 h of 168 h)" in note for note in digest.notes)
    assert digest.state == "partial"


def test_gaps_that_overlap_are_not_counted_twice() -> None:
    start = WEEK.since + timedelta(hours=10)
    gaps = (
        Gap(start, start + timedelta(hours=4), "a"),
        Gap(start + timedelta(hours=2), start + timedelta(hours=6), "b"),
    )
    digest = count(WEEK, [post(1)], sources=[source("mastodon-main", gaps=gaps)], settings=SETTINGS)
    assert digest.coverage.sources[0].hours == 162.0


def test_a_broken_week_says_that_nobody_listened() -> None:
    broken = source("mastodon-main", last_success_at=WEEK.since - timedelta(days=2), failures=90, error="HTTP 500")
    digest = count(WEEK, (), earlier(), [broken], settings=SETTINGS)
    assert digest.state == "broken"
    assert digest.headline == "We do not know what people said about Northwind this week: nothing was collected."
    assert "not that nobody spoke" in digest.notes[0]
    assert digest.actions[0].text == "Repair mastodon-main: nothing was collected there this week."
    assert digest.change.word == "no earlier weeks"


def test_an_empty_week_with_healthy_sources_says_so() -> None:
    digest = counted()
    assert digest.state == "empty"
    assert digest.notes == ("No post about the brand was found although the sources answered.",)
    assert digest.accounting_sentence == "No post of this week is stored."


def test_a_week_from_a_file_is_not_called_broken() -> None:
    digest = count(WEEK, posts(50), (), (), settings=SETTINGS)
    assert digest.state == "full"
    assert all(found.hours is None and found.status == "read back" for found in digest.coverage.sources)
    assert "how complete they are is not known" in " ".join(digest.coverage.sentences)


def test_a_running_week_says_so_and_counts_only_its_past_hours() -> None:
    digest = count(WEEK, [post(1)], sources=[source("m")], settings=SETTINGS, as_of=WEEK.since + timedelta(hours=40))
    assert not digest.week.finished
    assert digest.notes[0].startswith("This week is still running")
    assert digest.coverage.sources[0].of_hours == 40


def test_a_source_that_begins_midweek_is_named_as_new() -> None:
    begun = source("mastodon-main", first_success_at=WEEK.since + timedelta(days=2))
    digest = count(WEEK, [post(1)], sources=[begun], settings=SETTINGS)
    assert digest.coverage.sources[0].status == "started"
    assert "New this week: mastodon-main (120 h of 168 h)." in digest.coverage.sentences


def test_urgent_unclaimed_cases_come_before_pain_points() -> None:
    digest = counted(
        post(1, urgency=Urgency.HIGH, case_ref="c-1", case_state=CaseState.NEW, touchpoints={"app": -0.9}, sentiment_label="negative"),
        post(2, urgency=Urgency.HIGH, case_ref="c-2", case_state=CaseState.CLAIMED),
    )  # fmt: skip
    assert [action.kind for action in digest.actions] == ["urgent", "pain", "read"]
    assert digest.actions[0].text == "Answer the 1 person whose urgent case nobody has claimed."
    assert (digest.response.cases, digest.response.unclaimed, digest.response.open) == (2, 1, 2)


def test_there_are_three_actions_in_an_ordinary_week() -> None:
    assert len(count(WEEK, posts(200), earlier(), sources(), settings=SETTINGS).actions) == 3


def test_merged_stages_hold_the_posts_and_people_of_both() -> None:
    merged = DigestSettings(
        brand="Northwind",
        stage_labels={Stage.CONSIDERATION: "Choosing", Stage.SELECTION: "Choosing", Stage.ADVOCACY: "Empfehlung"},
    )
    one = post(1, author_key="mastodon:a", stage=Stage.CONSIDERATION)
    two = post(2, author_key="mastodon:a", stage=Stage.SELECTION)
    digest = count(WEEK, [one, two], earlier(), [source("m")], settings=merged)
    assert [found.label for found in digest.stages] == [
        "Awareness", "Choosing", "Purchase", "Use", "Satisfaction", "Loyalty", "Empfehlung",
    ]  # fmt: skip
    choosing = stage(digest, "consideration")
    assert (choosing.tally.mentions, choosing.tally.authors, choosing.change.now) == (2, 1, 2)


def test_examples_do_not_repeat_the_same_words() -> None:
    digest = counted(
        *(
            post(n, text="Copied complaint about the app.", sentiment_label="negative", touchpoints={"app": None})
            for n in range(9)
        )
    )
    assert len(digest.pains[0].examples) == 1


def test_a_removed_text_is_counted_and_never_quoted() -> None:
    digest = counted(post(1, text="", sentiment_label="negative", touchpoints={"app": None}))
    assert stage(digest, "use").quote is None
    assert digest.pains[0].authors == 1


def test_times_of_a_source_in_another_zone_are_told_in_local_time() -> None:
    gap = Gap(
        datetime(2026, 11, 18, 23, 30, tzinfo=UTC), datetime(2026, 11, 19, 1, tzinfo=UTC), "rolled-over", lost=True
    )
    digest = count(WEEK, [post(1)], sources=[source("m", gaps=(gap,))], settings=SETTINGS)
    assert "Thu 00:30 to Thu 02:00 lost (more posts than the list holds)" in digest.coverage.sources[0].note
