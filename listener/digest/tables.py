"""From what one pass gathered to the tables of the page: stages, pain points and delights, exits, counts with a name."""

from __future__ import annotations

from collections.abc import Mapping

from listener.digest.change import Comparison
from listener.digest.figures import DigestSettings, Door, NamedCount, Post, StageFigures, Tally, Topic, Touch
from listener.digest.journey import ShownStage
from listener.digest.labels import Labels
from listener.digest.said import standing
from listener.digest.shares import share
from listener.digest.stats import net_interval
from listener.digest.tally import Group, Pile, StageGroup, WeekTally
from listener.digest.text import visible
from rules.vocabulary import Urgency

_CHIPS = 3  # touchpoints shown per stage


def stage(
    shown: ShownStage, tally: WeekTally, compared: Comparison, settings: DigestSettings, book: Labels
) -> StageFigures:
    """One shown stage."""
    group = tally.stages.get(shown.key, StageGroup())
    figures = people(group.everybody, tally.buyers)
    return StageFigures(
        key=shown.key,
        label=shown.label,
        base=tuple(base.value for base in shown.base),
        tally=figures,
        change=compared.all[shown.key],
        change_negative=compared.negative[shown.key],
        touches=_touches(group, tally.buyers, settings, book),
        quote=_quote(group, figures),
        secondary_mentions=group.second.posts,
        secondary_authors=len(group.second.people),
    )


def people(group: Group, buyers: Mapping[str, int]) -> Tally:
    """People and posts of one kind, with their net sentiment and its interval."""
    unhappy, neutral, happy = group.people_by_sign()
    authors = len(group.people)
    bought, not_bought = standing(group.people, buyers)
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
        buyers=bought,
        non_buyers=not_bought,
        unknown_buyers=authors - bought - not_bought,
        net=round((happy - unhappy) / authors, 4) if authors else None,
        net_low=round(low, 4) if authors else None,
        net_high=round(high, 4) if authors else None,
        negative=share(unhappy, authors),
    )


def topics(
    piles: Mapping[str, Pile], tally: WeekTally, labels: Mapping[str, str], settings: DigestSettings, book: Labels
) -> tuple[Topic, ...]:
    """Pain points or delights, those of most people first."""
    ranked = sorted(piles.items(), key=lambda entry: (-len(entry[1].people), -entry[1].posts, entry[0]))
    return tuple(
        Topic(
            touchpoint=visible(touchpoint, 60),
            label=label(touchpoint, settings, book),
            authors=len(pile.people),
            mentions=pile.posts,
            share=share(len(pile.people), len(tally.everybody.people)),
            stage=labels[max((key for key in labels if key in pile.stages), key=lambda key: len(pile.stages[key]))],
            owner=visible(settings.owners.get(touchpoint, ""), 60),
            examples=pile.best.posts(),
            buyers=bought,
            non_buyers=not_bought,
        )
        for touchpoint, pile in ranked[: settings.topics]
        for bought, not_bought in (standing(pile.people, tally.buyers),)
    )


def doors(
    tally: WeekTally, labels: Mapping[str, str], settings: DigestSettings, book: Labels
) -> tuple[tuple[Door, ...], int]:
    """Where people leave, and how many do in all."""
    leaving = set[str]().union(*(door.pile.people for door in tally.exits.values()))
    ranked = sorted(tally.exits.items(), key=lambda entry: (-len(entry[1].pile.people), entry[0]))
    found = tuple(
        Door(
            stage=key,
            label=labels[key],
            authors=len(door.pile.people),
            mentions=door.pile.posts,
            reasons=named(door.reasons, tally.buyers, settings, book),
            rivals=named(door.rivals, tally.buyers, settings, book, as_name=True),
            examples=door.pile.best.posts(),
            buyers=bought,
            non_buyers=not_bought,
        )
        for key, door in ranked
        for bought, not_bought in (standing(door.pile.people, tally.buyers),)
    )
    return found, len(leaving)


def named(
    piles: Mapping[str, Pile],
    buyers: Mapping[str, int] | None,
    settings: DigestSettings,
    book: Labels,
    as_name: bool = False,
) -> tuple[NamedCount, ...]:
    """Piles by people. `buyers` None: who wrote only about a rival has no buyer status of ours."""
    ranked = sorted(piles.items(), key=lambda entry: (-len(entry[1].people), -entry[1].posts, entry[0]))
    return tuple(
        _count(
            key, visible(key, 60) if as_name else label(key, settings, book), pile, {} if buyers is None else buyers
        )
        for key, pile in ranked
    )  # fmt: skip


def urgency(tally: WeekTally, book: Labels) -> tuple[NamedCount, ...]:
    """All four levels, critical first, those without a post too."""
    return tuple(
        _count(level.word, book.word(level.word), tally.urgency.get(level.word, Pile(0)), tally.buyers)
        for level in sorted(Urgency, reverse=True)
    )


def buyer_status(total: Tally, tally: WeekTally, book: Labels) -> tuple[NamedCount, ...]:
    """People by what they say of having bought, with their posts."""
    posts = [0, 0, 0]
    for author, signs in tally.everybody.people.items():
        posts[tally.buyers[author]] += sum(signs)
    return (
        NamedCount("buyer", book.word("buyers"), posts[2], total.buyers, total.buyers, 0),
        NamedCount("non_buyer", book.word("non-buyers"), posts[1], total.non_buyers, 0, total.non_buyers),
        NamedCount("unknown", book.word("did not say"), posts[0], total.unknown_buyers),
    )


def label(touchpoint: str, settings: DigestSettings, book: Labels) -> str:
    """How a touchpoint is shown: the configured label, or its own name with spaces."""
    return visible(settings.touchpoint_labels.get(touchpoint, ""), 60) or book.touchpoint(touchpoint)


def _count(key: str, shown: str, pile: Pile, buyers: Mapping[str, int]) -> NamedCount:
    bought, not_bought = standing((author for author in pile.people if author in buyers), buyers)
    return NamedCount(visible(key, 60), shown, pile.posts, len(pile.people), bought, not_bought)


def _touches(group: StageGroup, buyers: Mapping[str, int], settings: DigestSettings, book: Labels) -> tuple[Touch, ...]:
    ranked = sorted(group.touches.items(), key=lambda entry: (-len(entry[1].people), entry[0]))[:_CHIPS]
    return tuple(
        Touch(
            touchpoint,
            label(touchpoint, settings, book),
            len(found.people),
            unhappy,
            happy,
            *standing(found.people, buyers),
        )
        for touchpoint, found in ranked
        for unhappy, _, happy in (found.people_by_sign(),)
    )


def _quote(group: StageGroup, figures: Tally) -> Post | None:
    # The words of the mood that prevails; a stage without mood is quoted by whoever felt something, if anybody did.
    order = (0, 2, 1) if figures.negative_authors >= figures.positive_authors else (2, 0, 1)
    for sign in order:
        for post in group.quotes[sign].posts():
            return post
    return None
