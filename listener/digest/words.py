"""The sentences of a digest, made of counts alone: headline, notes, three actions, accounting, confidence.

Deterministic, in plain words, and never bolder than the numbers: under ten people it says to read the posts rather
than the figures, and a week without collection is told as a failure of ours, not as silence of the customers.
Nothing here quotes a post; words from outside come only through cleaned labels.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from listener.digest.figures import (
    SMALL,
    Accounting,
    Action,
    Change,
    Coverage,
    Door,
    NamedCount,
    Share,
    StageFigures,
    Tally,
    Topic,
    WeekState,
)
from listener.digest.tally import Pile, WeekTally
from listener.digest.text import listing, number, people, some
from listener.digest.week import Week

_ACTIONS = 3
_APART = 0.1  # voices and people nearer to each other than this are told as one number


def headline(
    brand: str,
    state: WeekState,
    total: Tally,
    pains: Sequence[Topic],
    delights: Sequence[Topic],
    stored: int,
) -> str:
    """The first sentence of the page."""
    if state == "broken":
        return f"We do not know what people said about {brand} this week: nothing was collected."
    if not total.mentions:
        rest = f" {some(stored, 'post')} found, none of them counted." if stored else ""
        return f"Nobody was found writing about {brand} this week.{rest}"
    who = f"{people(total.authors)} wrote about {brand}"
    if total.authors < SMALL:
        only = "Only one person" if total.authors == 1 else f"Only {people(total.authors)}"
        posts = "the post" if total.mentions == 1 else "the posts"
        return f"{only} wrote about {brand}: read {posts} rather than the figures."
    parts = [
        f"{_most(topics)} {verb} most often ({number(topics[0].authors)}{' each' if _tied(topics) else ''})"
        for topics, verb in ((pains, "hurt"), (delights, "delighted"))
        if topics
    ]
    return f"{who}: {', '.join(parts)}." if parts else f"{who}; no touchpoint stood out."


def notes(week: Week, covered: Coverage, finished: bool, total: Tally) -> tuple[str, ...]:
    """What a reader must know before reading on."""
    found: list[str] = []
    if not week.whole:
        days = "this day" if week.days == 1 else f"these {week.days} days"
        found.append(f"Not an ISO week: “week” means {days} below, “earlier weeks” stretches as long before.")
    if not finished:
        found.append("This week is still running: the figures are what was collected so far.")
    if covered.state == "broken":
        found.extend(covered.sentences[:1])
    elif covered.state == "empty":
        asleep = any(source.status in ("broken", "partial", "started") for source in covered.sources)
        found.append(
            "No post about the brand was found, and part of the collection was missing: this may not be silence."
            if asleep
            else "No post about the brand was found although the sources answered."
        )
        found.extend(sentence for sentence in covered.sentences if asleep)
    elif covered.state == "partial":
        found.extend(sentence for sentence in covered.sentences if not sentence.startswith("Answered"))
    if total.mentions and total.authors < SMALL:
        found.append("Under ten people: no percentages and no trend are shown.")
    return tuple(found)


def actions(
    covered: Coverage,
    total: Tally,
    pains: Sequence[Topic],
    delights: Sequence[Topic],
    exits: Sequence[Door],
    leaving: int,
    journey: Sequence[StageFigures],
    tally: WeekTally,
    unclear: StageFigures,
) -> tuple[Action, ...]:
    """At most three things to do first; fewer only where there is nothing to do."""
    candidates = (
        *_repair(covered),
        *_urgent(tally.urgent_open),
        *_pain(pains),
        *_rise(journey),
        *_exit(exits, leaving),
        *_buying(tally.intents.get("buying")),
        *_thank(delights, tally.intents.get("praise")),
        *_read(total, unclear),
        *_nothing(total),
    )
    return candidates[:_ACTIONS]


def accounting(kinds: Accounting) -> str:
    """Where every stored post went, as one sentence whose terms add up."""
    if not kinds.stored:
        return "No post of this week is stored."
    terms = [
        f"{number(kinds.counted)} counted",
        f"{number(kinds.promotional)} promotional",
        f"{number(kinds.rivals)} about rivals",
        f"{number(kinds.own)} our own",
        f"{number(kinds.not_relevant)} not relevant",
    ]
    total = f"all {number(kinds.stored)} stored posts" if kinds.stored > 1 else "the one stored post"
    return f"{', '.join(terms)}: accounts for {total}."


def share(figures: Share) -> str:
    """`31 of 212 (15 %, 10–20 %)`; no percentage under ten."""
    base = f"{number(figures.count)} of {number(figures.of)}"
    if figures.percent is None:
        return base
    return f"{base} ({figures.percent} %, {interval(figures)})"


def interval(figures: Share) -> str:
    """`10–20 %`."""
    return f"{round(100 * figures.low)}–{round(100 * figures.high)} %"


def change(figures: Change, authors: int | None = None) -> str:
    """`usually 26: clear rise`, `too few`, `no earlier weeks`.

    Compared are voices; where they differ much from the `authors` beside which this stands, their number is said.
    """
    if figures.usual is None or figures.word == "too few":
        return figures.word
    usual = f"{figures.usual:,.0f}" if figures.usual >= SMALL else f"{figures.usual:.1f}".removesuffix(".0")
    apart = authors is not None and abs(figures.now - authors) > _APART * authors
    voices = f"{some(figures.now, 'voice')}, " if apart else ""
    note = f" ({figures.note})" if figures.note else ""
    return f"{voices}usually {usual}: {figures.word}{note}"


def door(figures: Door) -> str:
    """`4 people at Purchase, over delivery 3 and price 1, to Polarex 3`."""
    text = f"{people(figures.authors)} at {figures.label}"
    if figures.reasons:
        text += f", over {_counts(figures.reasons)}"
    if figures.rivals:
        text += f", to {_counts(figures.rivals)}"
    return text


def topic(figures: Topic) -> str:
    """`19 people in 21 posts, mostly at Purchase; owner: logistics`."""
    owner = f"; owner: {figures.owner}" if figures.owner else ""
    where = "at" if figures.authors == 1 else "mostly at"
    return f"{people(figures.authors)} in {some(figures.mentions, 'post')}, {where} {figures.stage}{owner}"


def _counts(named: Sequence[NamedCount]) -> str:
    return listing([f"{entry.label} {number(entry.authors)}" for entry in named[:3]])


def _most(topics: Sequence[Topic]) -> str:
    return f"{topics[0].label} and {topics[1].label}" if _tied(topics) else topics[0].label


def _tied(topics: Sequence[Topic]) -> bool:
    return len(topics) > 1 and topics[0].authors == topics[1].authors


def _repair(covered: Coverage) -> Iterator[Action]:
    broken = [source.name for source in covered.sources if source.status == "broken"]
    if broken:
        yield Action("source", f"Repair {listing(broken)}: nothing was collected there this week.")
    elif covered.state == "broken":
        yield Action("source", "Repair the collection: run `listener doctor` and see which sources answer.")


def _urgent(pile: Pile) -> Iterator[Action]:
    count = len(pile.people)
    if count:
        whose = "whose urgent case nobody has claimed" if count == 1 else "whose urgent cases nobody has claimed"
        yield Action("urgent", f"Answer the {people(count)} {whose}.", _link(pile))


def _pain(pains: Sequence[Topic]) -> Iterator[Action]:
    for topic in pains[:1]:
        who = f" ({topic.owner})" if topic.owner else ""
        verb, where = ("is", "at") if topic.authors == 1 else ("are", "mostly at")
        yield Action(
            "pain",
            f"Look into {topic.label}{who}: {people(topic.authors)} {verb} unhappy with it, {where} {topic.stage}.",
            next((post.url for post in topic.examples if post.url), ""),
        )


def _rise(journey: Sequence[StageFigures]) -> Iterator[Action]:
    rising = [stage for stage in journey if stage.change_negative.word == "clear rise"]
    for stage in sorted(rising, key=lambda stage: -stage.change_negative.now)[:1]:
        figures = stage.change_negative
        yield Action(
            "rise",
            f"Find out what changed at {stage.label}: {some(figures.now, 'unhappy voice')}, {change(figures)}.",
            stage.quote.url if stage.quote and stage.quote.sentiment == "negative" else "",
        )


def _exit(exits: Sequence[Door], leaving: int) -> Iterator[Action]:
    if not exits:
        return
    rivals: Mapping[str, int] = {}
    for figures in exits:
        rivals = {**rivals, **{entry.name: rivals.get(entry.name, 0) + entry.authors for entry in figures.rivals}}
    to = ""
    if rivals:
        first = min(rivals, key=lambda rival: (-rivals[rival], rival))
        to = f", {number(rivals[first])} of them to {first}"
    who = "one person speaks" if leaving == 1 else f"{people(leaving)} speak"
    where = "at" if len(exits) == 1 else "most at"
    link = next((post.url for figures in exits for post in figures.examples if post.url), "")
    yield Action("exits", f"Win back who can be won: {who} of leaving{to}, {where} {exits[0].label}.", link)


def _buying(pile: Pile | None) -> Iterator[Action]:
    if pile is not None and pile.people:
        verb = "wants" if len(pile.people) == 1 else "want"
        yield Action("buying", f"Help the {people(len(pile.people))} who {verb} to buy.", _link(pile))


def _thank(delights: Sequence[Topic], pile: Pile | None) -> Iterator[Action]:
    if pile is not None and pile.people:
        most = f", most for {delights[0].label}" if delights and delights[0].authors > 1 else ""
        yield Action("thank", f"Thank the {people(len(pile.people))} who praised us{most}.", _link(pile))
    elif delights:
        topic = delights[0]
        link = next((post.url for post in topic.examples if post.url), "")
        yield Action("thank", f"Thank the {people(topic.authors)} happy with {topic.label}.", link)


def _read(total: Tally, unclear: StageFigures) -> Iterator[Action]:
    if 0 < total.authors < SMALL:
        posts = "the one post" if total.mentions == 1 else f"all {number(total.mentions)} posts"
        yield Action("read", f"Read {posts} of this week: so few tell more as words than as numbers.")
    elif unclear.tally.mentions:
        quote = unclear.quote
        yield Action(
            "read",
            f"Read a few of the {some(unclear.tally.mentions, 'post')} whose stage stayed unclear.",
            quote.url if quote else "",
        )


def _nothing(total: Tally) -> Iterator[Action]:
    if not total.mentions:
        yield Action("wait", "Check the search words: do they name the brand the way customers do?")


def _link(pile: Pile) -> str:
    return next((post.url for post in pile.best.posts() if post.url), "")
