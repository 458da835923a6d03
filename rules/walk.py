"""The walk: which phrases of an index stand in a text, found from word to word.

`candidates(index, reading)` goes through the words once. Where plain words lead on it takes one dictionary look-up a word; gaps,
numbers, names and beginnings of words are strayed along in a bounded search, so that time stays linear in the text.
"""

from __future__ import annotations

from collections.abc import Iterable

from rules.index import (
    ACCENTS,
    BEGUN,
    DIGITS,
    ENDS,
    FRESH,
    GAPS,
    LACKING,
    NAMES,
    WAYS,
    Index,
    Posting,
    State,
    heeded,
)  # fmt: skip
from rules.reading import Reading

Candidate = tuple[Posting, int, int, int]  # a phrase that a walk led through: from word, up to word, sentence


def candidates(index: Index, reading: Reading) -> list[Candidate]:
    """Every phrase that a walk leads through, in the order of the words that it is filed under."""
    folded, sentences, numbers = reading.folded, reading.words.sentences, reading.words.numbers
    heed = heeded(bool(numbers), reading.standing, reading.brand_given)
    found: list[Candidate] = []
    sentence, limit = 0, sentences[0].stop
    count = len(folded)
    for at, state in enumerate(map(index.words.__getitem__, folded)):
        stop = at + 1
        leads = state.leads & heed
        following = state.nexts.get(folded[stop]) if stop < count else None
        if following is None and not leads:
            continue  # most words begin no phrase that the next word goes on with
        while at >= limit:
            sentence += 1
            limit = sentences[sentence].stop
        while True:  # as long as plain words lead on, which is nearly always
            if leads:
                if leads == FRESH:
                    leads = state.fill() & heed
                    following = state.nexts.get(folded[stop]) if stop < limit else None
                if leads & ENDS:
                    for posting in state.ended:
                        found.append((posting, at, stop, sentence))  # noqa: PERF401  # for one or two this is faster
                if leads & WAYS and (todo := _ways(state, stop, limit, reading, heed)):
                    _stray(todo, at, limit, sentence, reading, heed, found)
            if following is None or stop == limit:
                break
            state = following
            leads = state.leads & heed
            stop += 1
            following = state.nexts.get(folded[stop]) if stop < limit else None
    if numbers and (behind := index.numbers) is not None:
        for at in numbers:
            if folded[at][0].isdecimal():
                _enter(behind, at, at + 1, reading, heed, found)
    if index.signs and (numbers or reading.standing or index.always):
        for sign, state in index.signs.items():
            for at in _places(sign, reading):
                if at < len(folded):
                    _enter(state, at, at, reading, heed, found)
    return found


def _enter(state: State, at: int, stop: int, reading: Reading, heed: int, found: list[Candidate]) -> None:
    """Walk from a state that no plain word leads to."""
    if (
        stop > at
        and not state.leads & heed
        and (stop == len(reading.folded) or reading.folded[stop] not in state.nexts)
    ):
        return
    sentence = reading.words.sentence_of(at)
    _stray([(state, stop)], at, reading.words.sentences[sentence].stop, sentence, reading, heed, found)


def _stray(
    todo: list[tuple[State, int]],
    at: int,
    limit: int,
    sentence: int,
    reading: Reading,
    heed: int,
    found: list[Candidate],
) -> None:
    """Go on from these states, at these words. Of each phrase the shortest place is added."""
    ended: dict[int, Candidate] = {}
    seen: set[tuple[int, int]] = set()  # gaps lead to the same place in many ways: without this, time would explode
    while todo:
        state, stop = todo.pop()
        if stop > limit or (key := (id(state), stop)) in seen:
            continue
        seen.add(key)
        leads = state.leads & heed
        if leads:
            if leads == FRESH:
                leads = state.fill() & heed
            if leads & ENDS:
                for posting in state.ended:
                    known = ended.get(id(posting))
                    if (known is None or stop < known[2]) and not (posting.phrase.ends and stop != limit):
                        ended[id(posting)] = (posting, at, stop, sentence)
            if leads & WAYS:
                todo += _ways(state, stop, limit, reading, heed)
        if stop < limit and (following := state.nexts.get(reading.folded[stop])) is not None:
            todo.append((following, stop + 1))
    found += ended.values()


def _ways(state: State, stop: int, limit: int, reading: Reading, heed: int) -> list[tuple[State, int]]:
    """Where a walk can go on from a state at a word, other than with a plain word."""
    folded, numbers = reading.folded, reading.words.numbers
    todo: list[tuple[State, int]] = []
    for way in state.gaps:
        behind = way.state
        window = folded[stop : stop + way.width]
        leads = behind.leads & heed
        if leads == FRESH:
            leads = behind.fill() & heed
        if not behind.nexts.keys().isdisjoint(window):
            todo += [(behind.nexts[word], place) for place, word in enumerate(window, stop + 1) if word in behind.nexts]
        if leads & (GAPS | ACCENTS | NAMES | LACKING):
            todo += [(behind, place) for place in range(stop, stop + way.width)]
        elif leads & BEGUN:
            stems = behind.stems
            todo += [(behind, place) for place, word in enumerate(window, stop) if word.startswith(stems)]
        if leads & DIGITS:
            todo += [(behind, place) for place in numbers if stop <= place < stop + way.width]
    if heed & NAMES:
        for way in state.named:
            todo += [(way.state, place) for place in way.step.ahead(reading, (stop,), limit)]
    elif heed & LACKING:
        todo += [(way.state, stop) for way in state.named if way.kind & LACKING]
    for way in state.others:
        if way.stems:
            if stop < limit and folded[stop].startswith(way.stems):
                todo.append((way.state, stop + 1))
        elif way.kind == ACCENTS or stop in numbers:
            todo += [(way.state, place) for place in way.step.ahead(reading, (stop,), limit)]
    return todo


def _places(sign: str, reading: Reading) -> Iterable[int]:
    """Where phrases are tried that are filed under a sign instead of a word (`rules.index.SIGNS`)."""
    if sign == "{year}":
        return reading.words.numbers
    if sign == "{rival}":
        return reading.names("rival").named
    if sign in ("{brand}", "{product}"):
        return reading.names("brand").named
    if sign == "^":
        return reading.words.firsts
    return range(len(reading.folded))
