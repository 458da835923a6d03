"""`count`: a week's stored posts in, a `Digest` with every number and sentence out.

One pass over the posts, one comparison with the earlier weeks, nothing else: no clock (the moment of counting is an
argument), no store. It counts people before posts, shows no share under ten, and accounts for every stored post.
The order of the posts makes no difference.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from listener.digest import words
from listener.digest.change import Comparison, compare
from listener.digest.coverage import coverage, earlier_exposure, exposure, thin
from listener.digest.figures import (
    SCHEMA_VERSION,
    SMALL,
    Accounting,
    Confidence,
    Digest,
    DigestSettings,
    Door,
    NamedCount,
    Post,
    Response,
    Share,
    StageFigures,
    StageWeek,
    Tally,
    Topic,
    Touch,
    WeekFigures,
)
from listener.digest.journey import ShownStage, shown_stages
from listener.digest.stats import net_interval, wilson
from listener.digest.tally import Group, Pile, StageGroup, WeekTally, gather
from listener.digest.text import name, visible
from listener.digest.week import Week
from listener.model import CaseState, Counted, SourceState
from rules.vocabulary import Urgency

_CHIPS = 3  # touchpoints shown per stage
_CLOSED = (CaseState.RESOLVED, CaseState.NOT_RELEVANT)


def count(
    week: Week,
    mentions: Iterable[Counted],
    earlier: Sequence[StageWeek] = (),
    sources: Sequence[SourceState] = (),
    *,
    settings: DigestSettings,
    as_of: datetime | None = None,
) -> Digest:
    """Count `week`.

    `mentions` are the posts published in the week, `earlier` the stage counts of up to `settings.earlier_weeks`
    weeks before it (others are left out), `sources` every configured source. `as_of` (aware) is the moment of
    counting; without it the week is taken as over.
    """
    shown = shown_stages(settings)
    keys = {base: stage.key for stage in shown for base in stage.base}
    tally = gather(week, mentions, keys, settings.examples)
    kinds = tally.kinds
    covered = coverage(week, sources, tally.sources, kinds.total(), kinds["counted"], as_of)
    before = earlier_exposure(week, earlier, sources, settings)
    now = exposure(week, sources, as_of)
    compared = compare(shown, tally.voices, earlier, before, now, thin(now, before))
    stages = tuple(_stage(stage, tally, compared, settings) for stage in shown)
    journey, unclear = stages[:-1], stages[-1]
    labels = {stage.key: stage.label for stage in shown}
    total = _tally(tally.everybody, tally.buyers)
    accounting = Accounting(
        kinds.total(), kinds["counted"], kinds["promotional"], kinds["rivals"], kinds["own"], kinds["not_relevant"]
    )
    pains = _topics(tally.pains, total.authors, labels, settings)
    delights = _topics(tally.delights, total.authors, labels, settings)
    exits, leaving = _doors(tally, labels, settings)
    response = _response(tally)
    brand = visible(settings.brand, 60)
    return Digest(
        schema_version=SCHEMA_VERSION,
        brand=brand,
        week=WeekFigures(
            week.name, week.label, week.since, week.until, week.time_zone, week.hours,
            as_of is None or as_of >= week.until,
        ),
        state=covered.state,
        headline=words.headline(brand, covered.state, total, pains, delights, kinds.total()),
        notes=words.notes(covered, as_of is None or as_of >= week.until, total, kinds.total()),
        actions=words.actions(covered, total, pains, delights, exits, leaving, journey, tally, unclear),
        accounting=accounting,
        accounting_sentence=words.accounting(accounting),
        total=total,
        change=compared.total,
        stages=journey,
        unclear=unclear,
        pains=pains,
        delights=delights,
        exits=exits,
        exit_authors=leaving,
        rivals=_named(tally.rivals, settings),
        top_posts=tally.top.posts(),
        urgency=_urgency(tally),
        emotions=_named(tally.emotions, settings),
        languages=_named(tally.languages, settings),
        platforms=_named(tally.platforms, settings),
        response=response,
        coverage=covered,
        confidence=_confidence(total, unclear, tally),
        report_url=settings.report_url,
    )  # fmt: skip


def share(part: int, of: int) -> Share:
    """`part` of `of` with its interval; the percentage is withheld under ten."""
    low, high = wilson(part, of)
    return Share(part, of, round(100 * part / of) if of >= SMALL else None, round(low, 4), round(high, 4))


def _stage(stage: ShownStage, tally: WeekTally, compared: Comparison, settings: DigestSettings) -> StageFigures:
    group = tally.stages.get(stage.key, StageGroup())
    figures = _tally(group.everybody, tally.buyers)
    return StageFigures(
        key=stage.key,
        label=stage.label,
        base=tuple(base.value for base in stage.base),
        tally=figures,
        change=compared.all[stage.key],
        change_negative=compared.negative[stage.key],
        touches=_touches(group, settings),
        quote=_quote(group, figures),
    )


def _tally(group: Group, buyers: Mapping[str, int]) -> Tally:
    unhappy, neutral, happy = group.people_by_sign()
    authors = len(group.people)
    standing = [0, 0, 0]
    for author in group.people:
        standing[buyers[author]] += 1
    low, high = net_interval(happy, unhappy, authors)
    return Tally(
        mentions=sum(group.signs),
        authors=authors,
        negative_mentions=group.signs[0],
        neutral_mentions=group.signs[1],
        positive_mentions=group.signs[2],
        negative_authors=unhappy,
        neutral_authors=neutral,
        positive_authors=happy,
        buyers=standing[2],
        non_buyers=standing[1],
        unknown_buyers=standing[0],
        net=round((happy - unhappy) / authors, 4) if authors else None,
        net_low=round(low, 4) if authors else None,
        net_high=round(high, 4) if authors else None,
        negative=share(unhappy, authors),
    )


def _touches(group: StageGroup, settings: DigestSettings) -> tuple[Touch, ...]:
    ranked = sorted(group.touches.items(), key=lambda entry: (-len(entry[1].people), entry[0]))[:_CHIPS]
    return tuple(
        Touch(touchpoint, label(touchpoint, settings), len(people.people), unhappy, happy)
        for touchpoint, people in ranked
        for unhappy, _, happy in (people.people_by_sign(),)
    )


def _quote(group: StageGroup, figures: Tally) -> Post | None:
    # The words of the mood that prevails; a stage without mood is quoted by whoever felt something, if anybody did.
    order = (0, 2, 1) if figures.negative_authors >= figures.positive_authors else (2, 0, 1)
    for sign in order:
        for post in group.quotes[sign].posts():
            return post
    return None


def _topics(
    piles: Mapping[str, Pile], people: int, labels: Mapping[str, str], settings: DigestSettings
) -> tuple[Topic, ...]:
    ranked = sorted(piles.items(), key=lambda entry: (-len(entry[1].people), -entry[1].posts, entry[0]))
    return tuple(
        Topic(
            touchpoint=visible(touchpoint, 60),
            label=label(touchpoint, settings),
            authors=len(pile.people),
            mentions=pile.posts,
            share=share(len(pile.people), people),
            stage=labels[min(pile.stages, key=lambda key: (-pile.stages[key], key))],
            owner=visible(settings.owners.get(touchpoint, ""), 60),
            examples=pile.best.posts(),
        )
        for touchpoint, pile in ranked[: settings.topics]
    )


def _doors(tally: WeekTally, labels: Mapping[str, str], settings: DigestSettings) -> tuple[tuple[Door, ...], int]:
    leaving = set[str]().union(*(door.pile.people for door in tally.exits.values()))
    ranked = sorted(tally.exits.items(), key=lambda entry: (-len(entry[1].pile.people), entry[0]))
    doors = tuple(
        Door(
            stage=key,
            label=labels[key],
            authors=len(door.pile.people),
            mentions=door.pile.posts,
            reasons=_named(door.reasons, settings),
            rivals=_named(door.rivals, settings, as_name=True),
            examples=door.pile.best.posts(),
        )
        for key, door in ranked
    )
    return doors, len(leaving)


def _named(piles: Mapping[str, Pile], settings: DigestSettings, as_name: bool = False) -> tuple[NamedCount, ...]:
    ranked = sorted(piles.items(), key=lambda entry: (-len(entry[1].people), -entry[1].posts, entry[0]))
    return tuple(
        NamedCount(
            visible(key, 60), visible(key, 60) if as_name else label(key, settings), pile.posts, len(pile.people)
        )
        for key, pile in ranked
    )


def _urgency(tally: WeekTally) -> tuple[NamedCount, ...]:
    piles = ((level.word, tally.urgency.get(level.word)) for level in sorted(Urgency, reverse=True))
    return tuple(
        NamedCount(word, word, pile.posts if pile else 0, len(pile.people) if pile else 0) for word, pile in piles
    )


def _response(tally: WeekTally) -> Response:
    states = list(tally.cases.values())
    unclaimed = states.count(CaseState.NEW)
    closed = sum(1 for state in states if state in _CLOSED)
    note = "Reply times are not measured yet." if states else "No case was opened from this week's posts."
    return Response(
        len(states), unclaimed, len(states) - closed, states.count(CaseState.RESOLVED), measured=False, note=note
    )


def _confidence(total: Tally, unclear: StageFigures, tally: WeekTally) -> Confidence:
    unknown = tally.languages.get("und")
    figures = (
        share(unclear.tally.mentions, total.mentions),
        share(unknown.posts if unknown else 0, total.mentions),
        share(total.unknown_buyers, total.authors),
    )
    return Confidence(*figures, words.confidence(*figures))


def label(touchpoint: str, settings: DigestSettings) -> str:
    """How a touchpoint is shown: the configured label, or its own name with spaces."""
    return visible(settings.touchpoint_labels.get(touchpoint, ""), 60) or name(touchpoint)
