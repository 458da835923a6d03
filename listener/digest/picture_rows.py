"""What stands below the curve of the wide map: delights, exits, our response, and how much was collected."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from markupsafe import Markup

from listener.digest import marks
from listener.digest.coverage import heard
from listener.digest.figures import Digest, Door, Response, SourceFigures, Topic
from listener.digest.labels import Labels
from listener.digest.marks import Hand
from listener.digest.typeset import fit, width, wrap

SPARKS = 2  # delights drawn at one stage; the list on the page has the others
SPARK_STEP = 36
DOOR = 58.0
FOOT = 74.0  # height of the last row: response and collection
_STRIPS = 3  # sources drawn
_SEEN = 0.003  # of a week: half an hour
_LINE, _STEP = 12.0, 15.0  # size of the words, and from one line to the next


def delights_at(digest: Digest) -> dict[str, list[Topic]]:
    """The first delights by the label of the stage where most of those people stand."""
    found: dict[str, list[Topic]] = {}
    for topic in digest.delights:
        if len(found.setdefault(topic.stage, [])) < SPARKS:
            found[topic.stage].append(topic)
    return found


def sparks(x: float, room: float, top: float, topics: Iterable[tuple[Topic, float]], hand: Hand) -> Iterator[Markup]:
    """Delights of one stage with the height of each, one below the other, centred on `x`."""
    for topic, high in topics:
        label = _spark_lines(topic, room)
        people = fit(hand.labels.people(topic.authors), room - 28, _LINE)
        wide = max(width(line, _LINE, bold=True) for line in label)
        left = _left(x, room, 26, wide, width(people, _LINE))
        yield marks.spark(left + 9, top + 14)
        for row, line in enumerate(label):
            yield marks.words(left + 26, top + 12 + row * _STEP, line, "strong")
        yield marks.words(left + 26, top + 12 + len(label) * _STEP, people, "few")
        top += high


def spark_height(topics: Iterable[Topic], room: float) -> float:
    """What delights side by side need for the longest of their labels."""
    return SPARK_STEP + _STEP * max((len(_spark_lines(topic, room)) - 1 for topic in topics), default=0)


def _spark_lines(topic: Topic, room: float) -> list[str]:
    return wrap(topic.label, room - 32, _LINE, 2, bold=True) or [""]


def door(x: float, room: float, top: float, figures: Door, hand: Hand) -> Iterator[Markup]:
    """Where people leave: how many, and to whom or why."""
    labels = hand.labels
    people = fit(labels.people(figures.authors), room - 32, _LINE, bold=True)
    leaving = fit(labels.say("leaving"), room - 32, _LINE)
    left = _left(x, room, 26, width(people, _LINE, bold=True), width(leaving, _LINE))
    yield marks.ajar(left, top + 29)
    yield marks.words(left + 26, top + 12, people, "strong")
    yield marks.words(left + 26, top + 12 + _STEP, leaving, "few")
    for row, line in enumerate(_whither(figures, room, labels)):
        yield marks.words(x, top + 48 + row * _STEP, line, "strong" if figures.rivals else "few", "middle")


def door_height(figures: Door, room: float, labels: Labels) -> float:
    """Of a door with the words below it."""
    return DOOR + _STEP * max(0, len(_whither(figures, room, labels)) - 1)


def _whither(figures: Door, room: float, labels: Labels) -> list[str]:
    """The rival that most of them name, or else the reason."""
    if figures.rivals:
        first = figures.rivals[0]
        many = f" {labels.number(first.authors)}"
        return [f"→ {fit(first.label, room - 24 - width(many, _LINE, bold=True), _LINE, bold=True)}{many}"]
    if figures.reasons:
        return wrap(labels.say("over", what=figures.reasons[0].label), room - 4, _LINE, 2)
    return []


def answered(left: float, top: float, wide: float, digest: Digest, hand: Hand) -> Iterator[Markup]:
    """Our response: a bar of what was in time, late and not answered, with the same in words."""
    labels, figures = hand.labels, digest.response
    lines = [*_response_lines(figures, labels)]
    y = top + 16
    if figures.in_time is not None:
        yield from _bar(left, top + 5, wide, figures)
        y = top + 38
    for row, line in enumerate(lines[:3]):
        kind = "strong" if row == 0 and figures.in_time is not None else "few"
        yield marks.words(left, y + row * 17, fit(line, wide, _LINE, bold=kind == "strong"), kind)


def _response_lines(figures: Response, labels: Labels) -> Iterator[str]:
    if figures.in_time is not None:
        share = figures.in_time
        first = (
            labels.say("in_time_few", count=labels.number(share.count), of=labels.number(share.of))
            if share.percent is None
            else labels.say(
                "in_time_share", percent=share.percent, low=round(100 * share.low), high=round(100 * share.high)
            )
        )
        late, missed = labels.number(figures.late), labels.number(figures.unanswered)
        yield f"{first} · {labels.say('late', count=late)} · {labels.say('unanswered', count=missed)}"
    elif figures.measured:
        yield labels.say("nothing_due")
    elif figures.cases:
        yield labels.say("not_measured")
    more = []
    if figures.median_hours is not None:
        more.append(labels.say("median", time=labels.minutes(60 * figures.median_hours)))
    if figures.thanked is not None:
        thanked = figures.thanked
        more.append(labels.say("thanked", count=labels.number(thanked.count), of=labels.number(thanked.of)))
    if more:
        yield " · ".join(more)
    if figures.cases and not more:
        yield cases(figures, labels)


def cases(figures: Response, labels: Labels) -> str:
    """`12 cases: 3 unclaimed, 5 open, 4 resolved`."""
    return labels.say(
        "cases",
        cases=labels.some(figures.cases, "case"),
        unclaimed=labels.number(figures.unclaimed),
        open=labels.number(figures.open),
        resolved=labels.number(figures.resolved),
    )


def _bar(left: float, top: float, wide: float, figures: Response) -> Iterator[Markup]:
    assert figures.in_time is not None
    of = max(1, figures.in_time.of)
    yield Markup('<rect class="track" x="{}" y="{}" width="{}" height="13" rx="2"/>').format(
        marks.short(left), marks.short(top), marks.short(wide)
    )
    x = left
    for count, kind in ((figures.in_time.count, "kept"), (figures.late, "late"), (figures.unanswered, "missed")):
        part = wide * count / of
        if part:
            yield Markup('<rect class="{}" x="{}" y="{}" width="{}" height="13"/>').format(
                kind, marks.short(x), marks.short(top), marks.short(part)
            )
        x += part


def collected(left: float, top: float, wide: float, digest: Digest, hand: Hand) -> Iterator[Markup]:
    """How much of the week was heard: the sources that missed most of it as strips, or a sentence that all is there."""
    labels = hand.labels
    lacking = sorted(
        (source for source in digest.coverage.sources if source.status not in ("complete", "quiet")),
        key=lambda source: (source.hours is None, source.hours or 0.0, source.name),
    )
    y = top + 16
    counted = labels.say(
        "counted", counted=labels.number(digest.accounting.counted), stored=labels.number(digest.accounting.stored)
    )
    if not lacking:
        yield marks.words(left, y, fit(whole(digest, labels), wide, _LINE), "strong" if digest.coverage.sources else "few")  # fmt: skip
        yield marks.words(left, y + 17, fit(counted, wide, _LINE), "few")
        return
    for row, source in enumerate(lacking[:_STRIPS]):
        yield from _strip(left, y + row * 17, wide, digest, source, hand)
    rest = len(lacking) - _STRIPS
    more = f"{labels.say('more_sources', sources=labels.some(rest, 'source'))} · " if rest > 0 else ""
    yield marks.words(left, y + min(len(lacking), _STRIPS) * 17, fit(more + counted, wide, _LINE), "few")


def whole(digest: Digest, labels: Labels) -> str:
    """The sentence of a week without holes, or of one that nobody listened to."""
    sources = len(digest.coverage.sources)
    if digest.state == "broken" or not sources:
        return labels.say("collected_none")
    return labels.say("cover_whole", sources)


def _strip(left: float, y: float, wide: float, digest: Digest, source: SourceFigures, hand: Hand) -> Iterator[Markup]:
    name, amount = fit(source.name, wide * 0.3, _LINE), fit(heard(source, hand.labels), wide * 0.3, _LINE)
    begin, long = left + wide * 0.32, wide * 0.36
    kind = "unheard" if source.status == "broken" else "unknown" if source.hours is None else "heard"
    yield marks.words(left, y, name, "strong")
    yield Markup('<rect class="{}" x="{}" y="{}" width="{}" height="9" rx="2"/>').format(
        kind, marks.short(begin), marks.short(y - 9), marks.short(long)
    )
    for start, part in holes(digest, source):
        yield Markup('<rect class="hole" x="{}" y="{}" width="{}" height="13"/>').format(
            marks.short(begin + long * start), marks.short(y - 11), marks.short(max(1.5, long * part))
        )
    yield marks.words(left + wide, y, amount, "few", "end")


def holes(digest: Digest, source: SourceFigures) -> Iterator[tuple[float, float]]:
    """What a source missed as (start, length), both as parts of the week.

    Hours that no gap explains are drawn at the end for a source that stopped answering, at the beginning for a new one.
    """
    since, until = digest.week.since, digest.week.until
    known = 0.0
    for gap in source.gaps:
        first, last = max(gap.since, since), min(gap.until, until)
        if first < last:
            known += (last - first) / (until - since)
            yield (first - since) / (until - since), (last - first) / (until - since)
    if source.hours is None or source.of_hours <= 0:
        return
    rest = 1 - source.hours / source.of_hours - known
    if rest > _SEEN:
        yield (0.0 if source.status == "started" else 1 - rest), rest


def _left(x: float, room: float, before: float, *lines: float) -> float:
    """Where a mark with lines of text beside it begins, so that both together are centred on `x`."""
    return x - min(room, before + max(lines)) / 2
