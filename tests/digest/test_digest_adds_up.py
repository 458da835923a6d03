"""Whatever a week holds, its parts add up, their order is no matter, and one more happy person makes nobody sadder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from listener.digest import form
from listener.digest.count import count
from listener.digest.figures import Digest, DigestSettings
from listener.digest.given import Around, CaseTimes
from listener.model import CaseState, Counted
from rules.vocabulary import BuyerStatus, Emotion, Intent, Stage, Urgency
from tests.fakes.digest_week import SETTINGS, WEEK, earlier, post, source

MERGED = replace(
    SETTINGS,
    rivals=("Polarex",),
    equal_sources=frozenset({"m", "n"}),
    stage_labels={Stage.AWARENESS: "Before", Stage.CONSIDERATION: "Before", Stage.LOYALTY: "After", Stage.ADVOCACY: "After"},
)  # fmt: skip
SOME = settings(max_examples=40, deadline=None)  # counting takes milliseconds, on a busy machine many more
MOODS = st.sampled_from(["negative", "neutral", "positive"])
OWN = st.sampled_from([None, -0.6, -0.05, 0.0, 0.05, 0.6])


@st.composite
def weeks(draw: st.DrawFn, most: int = 25) -> list[Counted]:
    """Posts of few people about few things, so that they meet; one instant of the week may hold several."""
    return [_drawn(draw, number) for number in range(draw(st.integers(0, most)))]


def _drawn(draw: st.DrawFn, number: int) -> Counted:
    author = draw(st.sampled_from(["", "", "a", "b", "c", "d", "e"]))
    platform = draw(st.sampled_from(["m", "n"]))
    leaving = draw(st.booleans()) and draw(st.booleans())
    case = draw(st.sampled_from([None, None, "c-0001", "c-0002"]))
    intents = draw(st.sets(st.sampled_from(list(Intent)), max_size=2)) - ({Intent.LEAVING} if not leaving else set())
    return post(
        number,
        platform=platform,
        source=platform,
        author_key=f"{platform}:{author or f'?{number}'}",
        text=draw(st.sampled_from(["", "the same words of many people", f"words of post number {number} alone"])),
        lang=draw(st.sampled_from(["en", "fr", "und"])),
        published_at=WEEK.since + draw(st.sampled_from([0, 1, 5, 160])) * timedelta(hours=1),
        relevant=draw(st.sampled_from([True, True, True, False])),
        subject=draw(st.sampled_from(["brand", "brand", "brand", "brand", "own", "none", "rival:Polarex", "rival:Fjeld"])),
        promotional=draw(st.sampled_from([False, False, False, True])),
        stage=draw(st.sampled_from(list(Stage))),
        secondary_stage=draw(st.sampled_from([None, *Stage])),
        sentiment_label=draw(MOODS),
        urgency=draw(st.sampled_from(list(Urgency))),
        intents=frozenset(intents),
        touchpoints=draw(st.dictionaries(st.sampled_from(["delivery", "support", "app"]), OWN, max_size=3)),
        emotions=draw(st.sampled_from([(), (Emotion.JOY,), (Emotion.ANGER, Emotion.ANXIETY)])),
        buyer_status=draw(st.sampled_from(list(BuyerStatus))),
        exit_to="Polarex" if leaving else None,
        engagement={"likes": draw(st.integers(-2, 9))},
        case_ref=case,
        case_state=None if case is None else CaseState.CLAIMED,
    )  # fmt: skip


def counted(mentions: Sequence[Counted], said: DigestSettings = MERGED) -> Digest:
    hour = timedelta(hours=1)
    cases = [
        CaseTimes("c-0001", Urgency.HIGH, CaseState.CLAIMED, WEEK.since, WEEK.since + hour, None),
        CaseTimes("c-0002", Urgency.NORMAL, CaseState.CLAIMED, WEEK.since, WEEK.since + hour, WEEK.since + hour / 2),
    ]
    around = Around(cases=cases, spoken=())
    return count(WEEK, mentions, earlier(0.1), [source("m"), source("n")], settings=said, around=around)


@pytest.mark.parametrize("said", [SETTINGS, MERGED], ids=["eight stages", "merged"])
@SOME
@given(mentions=weeks())
def test_the_parts_of_a_week_add_up(said: DigestSettings, mentions: list[Counted]) -> None:
    digest = counted(mentions, said)
    kinds, total, rows = digest.accounting, digest.total, [*digest.stages, digest.unclear]
    assert kinds.counted + kinds.promotional + kinds.rivals + kinds.own + kinds.not_relevant == kinds.stored
    assert kinds.stored == len(mentions) == sum(one.mentions for one in digest.coverage.sources)
    assert sum(row.tally.mentions for row in rows) == total.mentions == kinds.counted
    assert all(row.tally.authors <= total.authors for row in rows)
    assert sum(row.tally.authors for row in rows) >= total.authors
    whole = [cell for cell in digest.cells if not cell.touchpoint]
    assert sum(cell.mentions for cell in whole) == kinds.counted
    for row in rows:
        here = [cell for cell in whole if cell.stage == row.key]
        assert sum(cell.mentions for cell in here) == row.tally.mentions
        assert sum(cell.mentions for cell in here if cell.sentiment == "negative") == row.tally.negative_mentions
        assert row.tally.authors <= sum(cell.authors for cell in here)
    for counts in (digest.urgency, digest.languages, digest.platforms, digest.sources):
        assert sum(one.mentions for one in counts) == kinds.counted
        assert sum(one.authors for one in counts) >= total.authors
    assert sum(one.authors for one in digest.buyer_status) == total.authors == sum(
        (total.buyers, total.non_buyers, total.unknown_buyers)
    )  # fmt: skip
    assert sum(one.mentions for one in digest.rivals) == kinds.rivals


@SOME
@given(weeks())
def test_nothing_has_more_people_than_posts_or_than_the_week(mentions: list[Counted]) -> None:
    digest = counted(mentions)
    for tally in (digest.total, *(row.tally for row in digest.stages), digest.unclear.tally):
        assert tally.negative_authors + tally.neutral_authors + tally.positive_authors == tally.authors
        assert tally.negative_mentions + tally.neutral_mentions + tally.positive_mentions == tally.mentions
        assert tally.authors <= tally.mentions
        assert tally.net is None or -1 <= (tally.net_low or 0) <= tally.net <= (tally.net_high or 0) <= 1
    for topic in (*digest.pains, *digest.delights):
        assert topic.authors <= topic.mentions
        assert topic.authors <= digest.total.authors
        assert topic.buyers + topic.non_buyers <= topic.authors
        # A whole list of cells says the same of the touchpoint, post for post.
        mood = "negative" if topic in digest.pains else "positive"
        cells = [one for one in digest.cells if (one.touchpoint, one.sentiment) == (topic.touchpoint, mood)]
        assert sum(one.mentions for one in cells) == topic.mentions
    for pair in digest.pairs:
        assert max(pair.unhappy_both, pair.happy_both, pair.split) <= pair.authors <= pair.mentions
        assert max(pair.one_outweighs, pair.other_outweighs) <= pair.split
    assert max((door.authors for door in digest.exits), default=0) <= digest.exit_authors
    assert digest.exit_authors <= sum(door.authors for door in digest.exits)
    response = digest.response
    if response.in_time is not None:
        assert response.in_time.count + response.late + response.unanswered == response.in_time.of
        assert sum(level.due for level in response.levels) == response.in_time.of


@SOME
@given(weeks(), st.randoms(use_true_random=False))
def test_the_order_of_posts_changes_no_byte(mentions: list[Counted], random: object) -> None:
    shuffled = list(mentions)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert form.as_json(counted(shuffled)) == form.as_json(counted(mentions))


@SOME
@given(weeks(), st.sampled_from(list(Stage)))
def test_one_more_happy_person_never_lowers_net_sentiment(mentions: list[Counted], stage: Stage) -> None:
    one_more = post(99, source="m", author_key="m:somebody new", stage=stage, sentiment_label="positive")
    before, after = counted(mentions, SETTINGS), counted([*mentions, one_more], SETTINGS)
    rows = zip((before.unclear, *before.stages), (after.unclear, *after.stages), strict=True)
    for was, now in [(before.total, after.total), *((old.tally, new.tally) for old, new in rows)]:
        if was.net is not None:
            assert now.net is not None
            assert now.net >= was.net
    assert after.total.positive_authors == before.total.positive_authors + 1


@SOME
@given(weeks(), MOODS)
def test_repeating_oneself_changes_no_count_of_people(mentions: list[Counted], mood: str) -> None:
    """Somebody who posts the same thirty times is one person with one mood."""
    loud = [
        post(100 + number, source="m", author_key="m:loud", sentiment_label=mood, touchpoints={"app": None})
        for number in range(30)
    ]
    once, often = counted([*mentions, *loud[:1]]), counted([*mentions, *loud])
    assert replace(often.total, mentions=0, negative_mentions=0, neutral_mentions=0, positive_mentions=0) == replace(
        once.total, mentions=0, negative_mentions=0, neutral_mentions=0, positive_mentions=0
    )
    assert often.change == once.change
    people = [[(topic.touchpoint, topic.authors) for topic in one.pains] for one in (once, often)]
    assert sorted(people[0]) == sorted(people[1])
