"""The first sentences of a digest, made of counts alone: headline, notes, three actions, accounting; and its short forms.

Deterministic, in plain words, and never bolder than the numbers: under ten people it says to read the posts rather
than the figures, and a week without collection is told as a failure of ours, not as silence of the customers.
Nothing here quotes a post; words from outside come only through cleaned labels. The words themselves are in `labels_*.toml`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from listener.digest.coverage import quiet
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
from listener.digest.labels import Labels
from listener.digest.tally import Pile, WeekTally
from listener.digest.text import signed
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
    book: Labels,
) -> str:
    """The first sentence of the page."""
    if state == "broken":
        return book.say("head_broken", brand=brand)
    if not total.mentions:
        rest = f" {book.say('head_stored', stored)}" if stored else ""
        return book.say("head_nobody", brand=brand) + rest
    if total.mentions == 1:
        return book.say("head_one_post", brand=brand)
    if total.authors < SMALL:
        return book.say("head_few", total.authors, brand=brand)
    parts = [
        book.say(
            key,
            what=book.listing([topic.label for topic in topics[: 1 + _tied(topics)]]),
            count=book.say("head_each" if _tied(topics) else "head_count", topics[0].authors),
        )
        for key, topics in (("head_hurt", pains), ("head_delighted", delights))
        if topics
    ]
    who = book.people(total.authors)
    if not parts:
        return book.say("head_nothing", who=who, brand=brand)
    return book.say("head_stood_out", who=who, brand=brand, what=book.say("head_between").join(parts))


def notes(week: Week, covered: Coverage, finished: bool, total: Tally, book: Labels) -> tuple[str, ...]:
    """What a reader must know before reading on."""
    found: list[str] = []
    if not week.whole:
        found.append(book.say("note_days", week.days))
    if not finished:
        found.append(book.say("note_running"))
    if covered.state == "broken":
        found.extend(covered.sentences[:1])
    elif covered.state == "empty":
        asleep = any(source.status in ("broken", "partial", "started") for source in covered.sources)
        found.append(book.say("note_empty_asleep" if asleep else "note_empty_awake"))
        found.extend(sentence for sentence in covered.sentences if asleep)
    elif covered.state == "partial":
        found.extend(sentence for sentence in covered.sentences if sentence != quiet(covered.sources, book))
    if total.mentions and total.authors < SMALL:
        found.append(book.say("note_few"))
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
    book: Labels,
) -> tuple[Action, ...]:
    """At most three things to do first; fewer only where there is nothing to do."""
    candidates = (
        *_repair(covered, book),
        *_urgent(tally.urgent_open, book),
        *_pain(pains, book),
        *_rise(journey, book),
        *_exit(exits, leaving, book),
        *_buying(tally.intents.get("buying"), book),
        *_thank(delights, tally.intents.get("praise"), book),
        *_read(total, unclear, book),
        *_nothing(total, book),
    )
    return candidates[:_ACTIONS]


def accounting(kinds: Accounting, book: Labels) -> str:
    """Where every stored post went, as one sentence whose terms add up."""
    if not kinds.stored:
        return book.say("accounts_none")
    terms = [
        book.say(f"accounts_{name}", getattr(kinds, name))
        for name in ("counted", "promotional", "rivals", "own", "not_relevant")
    ]
    return book.say("accounts", kinds.stored, terms=", ".join(terms))


def share(figures: Share, book: Labels) -> str:
    """`31 of 212 (15 %, 10–20 %)`; no percentage under ten."""
    base = book.say("of", count=book.number(figures.count), of=book.number(figures.of))
    if figures.percent is None:
        return base
    return f"{base} ({figures.percent} %, {interval(figures)})"


def interval(figures: Share) -> str:
    """`10–20 %`."""
    return f"{round(100 * figures.low)}–{round(100 * figures.high)} %"


def change(figures: Change, book: Labels, authors: int | None = None) -> str:
    """`usually 26: clear rise`, `too few`, `no earlier weeks`.

    Compared are voices; where they differ much from the `authors` beside which this stands, their number is said.
    """
    word = book.word(figures.word)
    if figures.usual is None or figures.word == "too few":
        return word
    usual = book.number(round(figures.usual)) if figures.usual >= SMALL else book.decimal(figures.usual)
    apart = authors is not None and abs(figures.now - authors) > _APART * authors
    voices = f"{book.some(figures.now, 'voice')}, " if apart else ""
    note = f" ({book.word(figures.note)})" if figures.note else ""
    return f"{voices}{book.say('usually', usual=usual, word=word)}{note}"


def net(figures: Tally, book: Labels) -> str:
    """`−46 (−60 to −29)`; an en dash under ten people."""
    if figures.net is None or figures.net_low is None or figures.net_high is None or figures.authors < SMALL:
        return "–"
    return f"{signed(figures.net)} ({book.say('from_to', low=signed(figures.net_low), high=signed(figures.net_high))})"


def door(figures: Door, book: Labels) -> str:
    """`4 people at Purchase, over delivery 3 and price 1, to Polarex 3`."""
    text = book.say("door_at", who=book.people(figures.authors), stage=figures.label)
    if figures.reasons:
        text += f", {book.say('door_over', what=_counts(figures.reasons, book))}"
    if figures.rivals:
        text += f", {book.say('door_to', whom=_counts(figures.rivals, book))}"
    return text


def leaving(people: int, book: Labels) -> str:
    """`12 people speak of leaving.`"""
    return book.say("exits_count", people) if people else book.say("exits_none")


def topic(figures: Topic, book: Labels) -> str:
    """`19 people in 21 posts, mostly at Purchase; owner: logistics`."""
    owner = f"{book.semicolon}{book.say('owner', owner=figures.owner)}" if figures.owner else ""
    where = book.say("topic_where", figures.authors, posts=book.some(figures.mentions, "post"), stage=figures.stage)
    return book.say("topic_in", who=book.people(figures.authors), where=where) + owner


def _counts(named: Sequence[NamedCount], book: Labels) -> str:
    return book.listing([f"{entry.label} {book.number(entry.authors)}" for entry in named[:3]])


def _tied(topics: Sequence[Topic]) -> bool:
    return len(topics) > 1 and topics[0].authors == topics[1].authors


def _repair(covered: Coverage, book: Labels) -> Iterator[Action]:
    broken = [source.name for source in covered.sources if source.status == "broken"]
    if broken:
        yield Action("source", book.say("do_repair", sources=book.listing(broken)))
    elif covered.state == "broken":
        yield Action("source", book.say("do_collect"))


def _urgent(pile: Pile, book: Labels) -> Iterator[Action]:
    if pile.people:
        yield Action("urgent", book.say("do_urgent", len(pile.people)), _link(pile))


def _pain(pains: Sequence[Topic], book: Labels) -> Iterator[Action]:
    for topic in pains[:1]:
        what = f"{topic.label} ({topic.owner})" if topic.owner else topic.label
        text = book.say("do_pain", topic.authors, what=what, stage=topic.stage)
        yield Action("pain", text, next((post.url for post in topic.examples if post.url), ""))


def _rise(journey: Sequence[StageFigures], book: Labels) -> Iterator[Action]:
    rising = [stage for stage in journey if stage.change_negative.word == "clear rise"]
    for stage in sorted(rising, key=lambda stage: -stage.change_negative.now)[:1]:
        figures = stage.change_negative
        text = book.say("do_rise", figures.now, stage=stage.label, change=change(figures, book))
        yield Action("rise", text, stage.quote.url if stage.quote and stage.quote.sentiment == "negative" else "")


def _exit(exits: Sequence[Door], leaving: int, book: Labels) -> Iterator[Action]:
    if not exits:
        return
    rivals = Counter[str]()
    for figures in exits:
        rivals.update({entry.name: entry.authors for entry in figures.rivals})
    to = ""
    if rivals:
        first = min(rivals, key=lambda rival: (-rivals[rival], rival))
        to = book.say("do_exit_to", leaving, count=book.number(rivals[first]), rival=first)
    where = book.say("do_exit_at" if len(exits) == 1 else "do_exit_most", stage=exits[0].label)
    link = next((post.url for figures in exits for post in figures.examples if post.url), "")
    yield Action("exits", book.say("do_exit", leaving, to=to, where=where), link)


def _buying(pile: Pile | None, book: Labels) -> Iterator[Action]:
    if pile is not None and pile.people:
        yield Action("buying", book.say("do_buying", len(pile.people)), _link(pile))


def _thank(delights: Sequence[Topic], pile: Pile | None, book: Labels) -> Iterator[Action]:
    if pile is not None and pile.people:
        most = book.say("do_thank_most", what=delights[0].label) if delights and delights[0].authors > 1 else ""
        yield Action("thank", book.say("do_thank", len(pile.people), most=most), _link(pile))
    elif delights:
        topic = delights[0]
        link = next((post.url for post in topic.examples if post.url), "")
        yield Action("thank", book.say("do_thank_for", topic.authors, what=topic.label), link)


def _read(total: Tally, unclear: StageFigures, book: Labels) -> Iterator[Action]:
    if 0 < total.authors < SMALL:
        yield Action("read", book.say("do_read", total.mentions))
    elif unclear.tally.mentions:
        quote = unclear.quote
        yield Action("read", book.say("do_unclear", unclear.tally.mentions), quote.url if quote else "")


def _nothing(total: Tally, book: Labels) -> Iterator[Action]:
    if not total.mentions:
        yield Action("wait", book.say("do_words"))


def _link(pile: Pile) -> str:
    return next((post.url for post in pile.best.posts() if post.url), "")
