"""What a week says beyond its stages: pairs, questions, share of voice, hypotheses, reach, the finest table."""

from __future__ import annotations

from dataclasses import replace

import pytest

from listener.digest.count import count
from listener.digest.figures import Digest, DigestSettings, Question
from listener.digest.given import Believed
from listener.model import Counted
from rules.vocabulary import BuyerStatus, Intent, Stage
from tests.fakes.digest_week import SETTINGS, WEEK, earlier, post, posts, source, sources


def counted(*mentions: Counted, settings: DigestSettings = SETTINGS) -> Digest:
    return count(WEEK, mentions, sources=[source("mastodon-main")], settings=settings)


def question(digest: Digest, key: str) -> Question:
    return next(one for one in digest.questions if one.key == key)


def answers(digest: Digest, key: str) -> dict[str, tuple[int, int, int]]:
    return {one.key: (one.authors, one.unhappy, one.happy) for one in question(digest, key).answers}


def test_a_pair_says_what_outweighs_what() -> None:
    both = {"delivery": -0.6, "support": 0.6}
    digest = counted(
        post(1, touchpoints={"delivery": -0.6, "support": -0.6}, sentiment_label="negative"),
        post(2, touchpoints={"delivery": -0.6, "support": 0.6}, sentiment_label="positive"),
        post(3, touchpoints=both, sentiment_label="positive"),
        post(4, touchpoints=both, sentiment_label="neutral"),
        post(5, touchpoints={"delivery": -0.6, "app": None}),
    )
    (pair,) = digest.pairs  # what one person alone said is none
    assert (pair.one, pair.other, pair.authors, pair.unhappy_both, pair.split) == ("delivery", "support", 4, 1, 3)
    assert (pair.one_outweighs, pair.other_outweighs) == (0, 2)
    assert pair.sentence == (
        "delivery and support: 4 people in 4 posts, 1 unhappy with both; "
        "where they differ, support outweighs delivery for 2 of 3."
    )


def test_a_person_who_repeats_a_pair_is_one_person() -> None:
    touchpoints = {"delivery": -0.6, "support": -0.6}
    digest = counted(
        *(post(n, author_key="m:loud", touchpoints=touchpoints, sentiment_label="negative") for n in range(9))
    )
    assert digest.pairs == ()


@pytest.mark.parametrize("lang", ["en", "fr", "de", "it", "es"])
def test_the_six_questions_are_answered_in_every_language(lang: str) -> None:
    digest = counted(
        post(1, stage=Stage.AWARENESS, rules=(f"{lang}.awareness.advert",)),
        post(2, stage=Stage.AWARENESS, touchpoints={"content": None}),
        post(3, stage=Stage.SELECTION, touchpoints={"pricing": -0.5}, sentiment_label="negative"),
        post(4, stage=Stage.PURCHASE, rules=(f"{lang}.purchase.payment-failed",), sentiment_label="negative"),
        post(5, stage=Stage.LOYALTY, touchpoints={"support": 0.6}, sentiment_label="positive"),
        post(6, stage=Stage.ADVOCACY, rules=(f"{lang}.advocacy.recommends",), sentiment_label="positive"),
        post(7, stage=Stage.ADVOCACY, rules=(f"{lang}.advocacy.warns",), sentiment_label="negative"),
        post(8, intents=frozenset({Intent.SUGGESTION}), touchpoints={"app": None}),
    )
    assert answers(digest, "found") == {"advertising": (1, 0, 0), "content": (1, 0, 0)}
    assert answers(digest, "decided") == {"pricing": (1, 1, 0)}
    assert answers(digest, "checkout") == {"payment-failed": (1, 1, 0)}
    assert answers(digest, "back") == {"support": (1, 0, 1)}
    assert answers(digest, "recommend") == {"recommend": (1, 0, 1), "warn": (1, 1, 0)}
    assert question(digest, "recommend").sentence == "1 recommends us, 1 warns of us: balance 0."
    assert answers(digest, "improve") == {"app": (1, 0, 0)}


def test_the_cues_of_the_questions_are_rules_that_exist_and_leave_their_name() -> None:
    from listener.digest.questions import CUES, WISHES
    from rules.load import builtin_packs, load_packs

    rules = load_packs(builtin_packs()).rules
    tails = {rule.id.partition(".")[2] for rule in rules if rule.evidence.label}
    assert {tail for cues in CUES.values() for tail in cues} | WISHES <= tails


def test_a_question_that_nobody_answered_says_so() -> None:
    assert {one.sentence for one in counted(post(1)).questions} == {"Nobody said."}


def test_a_purchase_with_trouble_is_not_told_as_one_without() -> None:
    digest = counted(
        post(1, rules=("en.purchase.bought", "en.purchase.payment-failed")), post(2, rules=("en.purchase.bought",))
    )
    assert {key: found[0] for key, found in answers(digest, "checkout").items()} == {"payment-failed": 1, "bought": 1}


RIVALS = replace(SETTINGS, rivals=("Polarex", "Fjeld"), equal_sources=frozenset({"mastodon-main"}))


def test_share_of_voice_counts_people_in_equal_sources_alone() -> None:
    digest = counted(
        *(post(n) for n in range(6)),
        *(post(10 + n, subject="rival:Polarex") for n in range(4)),
        *(post(20 + n, subject="rival:Fjeld", source="rss-main") for n in range(40)),
        settings=RIVALS,
    )
    voice = digest.share_of_voice
    assert voice.shown
    assert voice.sources == ("mastodon-main",)
    assert [(one.name, one.authors, one.share.percent) for one in voice.brands] == [
        ("Northwind", 6, 60), ("Polarex", 4, 40), ("Fjeld", 0, 0),
    ]  # fmt: skip


def test_without_an_equal_source_there_is_no_share_and_it_is_said_why() -> None:
    unequal = replace(RIVALS, equal_sources=frozenset())
    voice = counted(post(1), post(2, subject="rival:Polarex"), settings=unequal).share_of_voice
    assert (voice.shown, voice.brands) == (False, ())
    assert "no source looks for us and for every rival" in voice.why


def late(expects: str = "unhappy") -> DigestSettings:
    believed = Believed("Parcels come late", "parcel", lambda one: "parcel" in one.text, expects)  # type: ignore[arg-type]
    return replace(SETTINGS, hypotheses=(believed,))


def test_a_hypothesis_has_people_for_and_against() -> None:
    mentions = [
        *(post(n, text=f"my parcel {n}", sentiment_label="negative") for n in range(12)),
        post(20, text="parcel came early", sentiment_label="positive"),
        post(21, text="a parcel", author_key="m:two"),
        post(22, text="a jacket", sentiment_label="negative"),
    ]
    (belief,) = counted(*mentions, settings=late()).hypotheses
    assert (belief.supporting, belief.opposing, belief.neither) == (12, 1, 1)
    assert belief.sentence == "14 people spoke of it: 12 for, 1 against. The week speaks for it."
    assert len(belief.examples_for) == 2
    assert belief.examples_against[0].text == "parcel came early"
    (other,) = counted(*mentions, settings=late("happy")).hypotheses
    assert (other.supporting, other.opposing) == (1, 12)


def test_few_people_decide_no_hypothesis() -> None:
    (belief,) = counted(post(1, text="parcel", sentiment_label="negative"), settings=late()).hypotheses
    assert belief.sentence == "1 person spoke of it: 1 for, 0 against. Too few to say."
    (silent,) = counted(post(1), settings=late()).hypotheses
    assert silent.sentence == "Nobody spoke of it this week: neither for nor against."


def test_a_post_is_measured_by_what_is_usual_in_its_source() -> None:
    digest = counted(
        *(post(n, engagement={"likes": 100}) for n in range(12)),
        *(post(20 + n, source="forum", engagement={"likes": 2}) for n in range(12)),
        post(40, source="forum", engagement={"likes": 50}),
        post(41, source="tiny", engagement={"likes": 9_000}),
    )
    first = digest.top_posts[0]
    assert (first.source, first.engagement, first.times_usual) == ("forum", 50, 25.0)
    assert digest.top_posts[1].times_usual == 1.0


def test_a_second_stage_is_counted_apart() -> None:
    digest = counted(post(1, stage=Stage.USE, secondary_stage=Stage.SATISFACTION))
    stages = {stage.key: (stage.tally.mentions, stage.secondary_mentions) for stage in digest.stages}
    assert stages["use"] == (1, 0)
    assert stages["satisfaction"] == (0, 1)


@pytest.mark.parametrize("amount", [0, 1, 50, 400])
def test_the_finest_table_adds_up_and_every_table_knows_who_bought(amount: int) -> None:
    digest = count(WEEK, posts(amount), earlier(), sources(), settings=SETTINGS)
    whole = [cell for cell in digest.cells if not cell.touchpoint]
    assert sum(cell.mentions for cell in whole) == digest.accounting.counted
    for stage in (*digest.stages, digest.unclear):
        mine = [cell for cell in whole if cell.stage == stage.key]
        assert sum(cell.mentions for cell in mine) == stage.tally.mentions
        assert sum(cell.mentions for cell in mine if cell.sentiment == "negative") == stage.tally.negative_mentions
    statuses = {one.name: one for one in digest.buyer_status}
    assert sum(one.authors for one in statuses.values()) == digest.total.authors
    assert sum(one.mentions for one in statuses.values()) == digest.total.mentions
    assert statuses["buyer"].authors == digest.total.buyers
    for table in (digest.urgency, digest.languages, digest.platforms, digest.sources):
        assert all(one.buyers + one.non_buyers <= one.authors for one in table)


def test_pain_points_and_exits_say_how_many_of_their_people_bought() -> None:
    digest = counted(
        post(1, touchpoints={"app": -0.6}, sentiment_label="negative", buyer_status=BuyerStatus.BUYER),
        post(2, touchpoints={"app": -0.6}, sentiment_label="negative", buyer_status=BuyerStatus.NON_BUYER, exit_to="Polarex"),
    )  # fmt: skip
    assert (digest.pains[0].buyers, digest.pains[0].non_buyers) == (1, 1)
    assert (digest.exits[0].buyers, digest.exits[0].non_buyers) == (0, 1)
