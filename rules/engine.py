"""The engine: which rules a post matches, and on which words. One pass over its words, linear in the text.

`Engine.evaluate(facts)` gives at most one `Hit` a rule: of all places where the rule holds, the one that weighs most
(behind "but" more than before), then the first. Hits come in the order of the rules. The engine holds no state that
an evaluation changes, so threads may share it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from typing import NamedTuple

from rules.facts import Facts, Hit
from rules.index import Index, Posting, State, build
from rules.reading import AFTER_CONTRAST, NameTable, Reading, Tongue
from rules.ruleset import Rule, Ruleset
from rules.steps import NameKind, run_back
from rules.words import Words, prepare

UNKNOWN = "und"


class Match(NamedTuple):
    """A phrase that stands in a text: word `first` up to, not including, word `stop`, in a sentence."""

    posting: Posting
    first: int
    stop: int
    sentence: int
    weight: float


Candidate = tuple[Posting, int, int, int]  # a phrase that a walk led through: from word, up to word, sentence


@dataclass(frozen=True, slots=True)
class _Shelf:
    """What is looked up for one language."""

    index: Index
    bare: tuple[int, ...]  # rules without phrases
    tongue: Tongue


class Engine:
    """Rules ready to be asked. What a language needs is filed when the first post in it comes; threads may share it."""

    def __init__(
        self,
        ruleset: Ruleset,
        brand_names: Sequence[str] = (),
        products: Sequence[str] = (),
        rivals: Sequence[str] = (),
        languages: Sequence[str] = (),
    ) -> None:
        self.ruleset = ruleset
        self._rules = ruleset.rules
        self._tables, self._kinds = _tables(brand_names, products, rivals)
        self._languages = tuple(dict.fromkeys(languages)) or ruleset.languages
        self._shelves: dict[str, _Shelf] = {}

    def for_names(self, brand_names: Sequence[str], products: Sequence[str] = (), rivals: Sequence[str] = ()) -> Engine:
        """The same rules for other names; phrases are filed once and shared."""
        twin = copy(self)
        twin._tables, twin._kinds = _tables(brand_names, products, rivals)
        return twin

    def _shelf(self, lang: str) -> _Shelf:
        """The shelf for posts in `lang`; made at the first. Two threads may both make it, which changes nothing."""
        known = lang in self._languages
        unclear = lang in ("", UNKNOWN)
        key = lang if known else UNKNOWN if unclear else ""
        shelf = self._shelves.get(key)
        if shelf is None:
            read = ("*", *self._languages) if unclear else ("*", lang) if known else ("*",)
            rules = [(n, rule) for n, rule in enumerate(self._rules) if rule.lang in read]
            index = build(
                (n, role, phrase)
                for n, rule in rules
                for role, phrases in (("any", rule.any), ("with", rule.also), ("unless", rule.unless))
                for phrase in phrases
            )
            bare = tuple(n for n, rule in rules if not rule.any)
            shelf = self._shelves[key] = _Shelf(index, bare, Tongue.of(lang if known else ""))
            if known:
                self._shelves[lang] = shelf
        return shelf

    def evaluate(self, facts: Facts, words: Words | None = None) -> tuple[Hit, ...]:
        """The rules that match. `words`: `prepare(facts.text)`, where the caller has it already."""
        lang = facts.lang
        shelf = self._shelves.get(lang) or self._shelf(lang.partition("-")[0].lower())
        found = self._read(shelf, facts, words if words is not None else prepare(facts.text), in_title=False)
        if facts.title:
            for rule, hit in self._read(shelf, facts, prepare(facts.title), in_title=True).items():
                found.setdefault(rule, hit)
        return tuple([found[rule] for rule in sorted(found)])

    def _read(self, shelf: _Shelf, facts: Facts, words: Words, in_title: bool) -> dict[int, Hit]:
        given = facts.in_reply_to_brand or facts.addressed_to_brand
        reading = Reading(words, shelf.tongue, self._tables, given, self._kinds)
        hits: dict[int, Hit] = {}
        if words.folded:
            for number, match in self._best(candidates(shelf.index, reading), reading, facts).items():
                hits[number] = self._hit(self._rules[number], reading, match, in_title)
        for number in shelf.bare:
            rule = self._rules[number]
            if rule.when is not None and self._holds(rule, facts, reading) and not in_title:
                hits[number] = Hit(rule.id, rule.about, rule.evidence, "", 0, 0, 0)
        return hits

    def _best(self, found: Sequence[Candidate], reading: Reading, facts: Facts) -> dict[int, Match]:
        """Of each rule that matches its weightiest, first place."""
        best: dict[int, Match] = {}
        pending: dict[int, dict[tuple[int, float], Match]] = {}  # of rules that have `with` or `unless`
        met: dict[int, bool] = {}
        enough = AFTER_CONTRAST if reading.turning else 1.0
        for candidate in found:
            posting, at, stop, sentence = candidate
            match: Match | None = None
            for number in posting.rules:
                known = best.get(number)
                if (
                    known is not None
                    and known.weight >= enough
                    and not posting.before
                    and (known.first < at or (known.first == at and known.stop >= stop))
                ):
                    continue
                rule = self._rules[number]
                if rule.when is not None:
                    holds = met.get(number)
                    if holds is None:
                        holds = met[number] = self._holds(rule, facts, reading)
                    if not holds:
                        continue
                if match is None:
                    if posting.plain:
                        weight = reading.weight(at, stop) if reading.turning else 1.0
                        match = Match(posting, at, stop, sentence, weight)
                    elif (match := _verify(candidate, reading)) is None:
                        break
                    cancelled = (
                        reading.denying
                        and not posting.phrase.holds_negation
                        and reading.negated(match.first, match.stop)
                    )
                if cancelled and rule.negatable:
                    continue
                asked = None if rule.when is None else rule.when.in_question
                if asked is not None and asked != reading.words.sentences[match.sentence].question:
                    continue
                if rule.also or rule.unless:
                    places = pending.setdefault(number, {})
                    other = places.get((match.sentence, match.weight))
                    if other is None or _better(match, other):
                        places[match.sentence, match.weight] = match
                elif known is None or _better(match, known):
                    best[number] = match
        if pending:
            self._in_context(found, reading, pending, best)
        return best

    def _in_context(
        self,
        found: Sequence[Candidate],
        reading: Reading,
        pending: Mapping[int, Mapping[tuple[int, float], Match]],
        best: dict[int, Match],
    ) -> None:
        """Add to `best`, of each rule's matches, the best whose `with` and `unless` agree."""
        around: dict[tuple[int, str], set[int]] = {}
        for candidate in found:
            posting, _, _, sentence = candidate
            if posting.context:
                wanted = [use for use in posting.context if use[0] in pending and sentence not in around.get(use, ())]
                if wanted and _verify(candidate, reading) is not None:
                    for use in wanted:
                        around.setdefault(use, set()).add(sentence)
        nowhere: set[int] = set()
        for number, places in pending.items():
            rule = self._rules[number]
            also = around.get((number, "with"), nowhere)
            unless = around.get((number, "unless"), nowhere)
            chosen: Match | None = None
            for match in places.values():
                if rule.also and not (also if rule.also_scope == "text" else match.sentence in also):
                    continue
                if unless and (rule.unless_scope == "text" or match.sentence in unless):
                    continue
                if chosen is None or _better(match, chosen):
                    chosen = match
            if chosen is not None:
                best[number] = chosen

    @staticmethod
    def _holds(rule: Rule, facts: Facts, reading: Reading) -> bool:
        when = rule.when
        if when is None:
            return True
        return (
            when.holds(facts)
            and (when.names_rival is None or bool(reading.names("rival").named) == when.names_rival)
            and (when.names_brand is None or bool(reading.names("brand").named) == when.names_brand)
        )

    @staticmethod
    def _hit(rule: Rule, reading: Reading, match: Match, in_title: bool) -> Hit:
        words = reading.words
        posting, first, stop, sentence, weight = match
        start, end, rival = len(words.text), 0, None
        if first < stop:
            start, end = words.reach(first, stop)
        if posting.kinds:
            for handle in words.handles:  # @Acme takes no word, yet it fired
                if first <= handle.at <= stop and any(
                    handle.at in reading.names(kind).handles for kind in posting.kinds
                ):
                    begin, after = words.handle_span(handle)
                    start, end = min(start, begin), max(end, after)
            if "rival" in posting.kinds:
                named = reading.names("rival").named
                rival = next((named[at] for at in range(first, stop + 1) if at in named), None)
        text = words.text[start:end]
        if in_title:
            start = end = -1
        asks = words.sentences[sentence].question
        return Hit(
            rule.id, rule.about, rule.evidence, text, start, end, -1 if in_title else sentence, weight, rival, asks
        )


def _tables(
    brand_names: Sequence[str], products: Sequence[str], rivals: Sequence[str]
) -> tuple[dict[NameKind, NameTable], tuple[NameKind, ...]]:
    """The names by kind, and the kinds that have names, each table once."""
    ours = NameTable.of((*brand_names, *products))  # "my Acme" and "my Acme One" are said alike
    theirs = NameTable.of(rivals)
    tables: dict[NameKind, NameTable] = {"brand": ours, "product": ours, "rival": theirs}
    kinds: tuple[NameKind, ...] = ("brand", "rival")
    return tables, tuple(kind for kind in kinds if tables[kind].by_handle)


def _better(one: Match, other: Match) -> bool:
    """Whether a match weighs more, or stands earlier, or says more."""
    return (one.weight, -one.first, one.stop) > (other.weight, -other.first, other.stop)


def candidates(index: Index, reading: Reading) -> list[Candidate]:
    """Every phrase that a walk leads through, in the order of the words that it is filed under."""
    folded, sentences = reading.folded, reading.words.sentences
    numbers, standing, given = reading.words.numbers, reading.standing, reading.brand_given
    found: list[Candidate] = []
    sentence, limit = 0, sentences[0].stop
    row, nexts = index.begin(folded)
    for at, (state, following) in enumerate(zip(row, nexts, strict=True)):
        if following is None and state.plain:
            continue
        while at >= limit:
            sentence += 1
            limit = sentences[sentence].stop
        stop = at + 1
        while True:  # as long as plain words lead on, which is nearly always
            if not state.plain:
                if state.rests is not None:
                    state.fill()
                for posting in state.ended:
                    found.append((posting, at, stop, sentence))  # noqa: PERF401  # for one or two this is faster
                if (
                    state.gaps
                    or state.stems
                    or (state.named and (standing or (given and state.lacking)))
                    or (state.digits and stop in numbers)
                    or state.exact
                ) and (todo := _ways(state, stop, limit, reading)):
                    _stray(todo, at, limit, sentence, reading, found)
            if stop == limit:
                break
            following = state.get(folded[stop])
            if following is None:
                break
            state = following
            stop += 1
    if numbers and (behind := index.numbers) is not None:
        for at in numbers:
            if folded[at][0].isdecimal():
                _enter(behind, at, at + 1, reading, found)
    if index.signs and (numbers or standing or index.always):
        for sign, state in index.signs.items():
            for at in _places(sign, reading):
                if at < len(folded):
                    _enter(state, at, at, reading, found)
    return found


def _enter(state: State, at: int, stop: int, reading: Reading, found: list[Candidate]) -> None:
    """Walk from a state that no plain word leads to."""
    if (
        stop > at
        and state.rests is None
        and state.plain
        and (stop == len(reading.folded) or reading.folded[stop] not in state)
    ):
        return
    sentence = reading.words.sentence_of(at)
    _stray([(state, stop)], at, reading.words.sentences[sentence].stop, sentence, reading, found)


def _stray(
    todo: list[tuple[State, int]], at: int, limit: int, sentence: int, reading: Reading, found: list[Candidate]
) -> None:
    """Go on from these states, at these words. Of each phrase the shortest place is added."""
    ended: dict[int, Candidate] = {}
    seen: set[tuple[int, int]] = set()  # gaps lead to the same place in many ways: without this, time would explode
    while todo:
        state, stop = todo.pop()
        if stop > limit or (key := (id(state), stop)) in seen:
            continue
        seen.add(key)
        if not state.plain:
            if state.rests is not None:
                state.fill()
            for posting in state.ended:
                known = ended.get(id(posting))
                if (known is None or stop < known[2]) and not (posting.phrase.ends and stop != limit):
                    ended[id(posting)] = (posting, at, stop, sentence)
            todo += _ways(state, stop, limit, reading)
        if stop < limit and (following := state.get(reading.folded[stop])) is not None:
            todo.append((following, stop + 1))
    found += ended.values()


def _ways(state: State, stop: int, limit: int, reading: Reading) -> list[tuple[State, int]]:
    """Where a walk can go on from a state at a word, other than with a plain word."""
    folded, numbers, standing = reading.folded, reading.words.numbers, reading.standing
    todo: list[tuple[State, int]] = []
    for way in state.gaps:
        behind = way.state
        if behind.rests is not None:
            behind.fill()
        window = folded[stop : stop + way.width]
        if not behind.keys().isdisjoint(window):
            todo += [(behind[word], place) for place, word in enumerate(window, stop + 1) if word in behind]
        if not behind.plain:
            if behind.gaps or behind.exact or (behind.named and (standing or reading.brand_given)):
                todo += [(behind, place) for place in range(stop, stop + way.width)]
            elif behind.stems:
                todo += [(behind, place) for place, word in enumerate(window, stop) if word.startswith(behind.stems)]
            if numbers and behind.digits:
                todo += [(behind, place) for place in numbers if stop <= place < stop + way.width]
    if standing:
        for way in state.named:
            todo += [(way.state, place) for place in way.step.ahead(reading, (stop,), limit)]
    elif state.lacking and reading.brand_given:
        todo += [(way.state, stop) for way in state.named if way.lacking]
    for way in state.others:
        if way.stems:
            if stop < limit and folded[stop].startswith(way.stems):
                todo.append((way.state, stop + 1))
        elif not way.digits or stop in numbers:
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


def _verify(candidate: Candidate, reading: Reading) -> Match | None:
    """The words a candidate takes, if all that it asks for beside its words stands there."""
    posting, at, stop, number = candidate
    first = at
    if not posting.plain:
        sentence = reading.words.sentences[number]
        phrase = posting.phrase
        if (phrase.asks and not sentence.question) or (phrase.ends and stop != sentence.stop):
            return None
        for kind in posting.names:
            if not reading.names(kind).named:
                return None
        if posting.before:
            if any(reading.present.isdisjoint(words) for words in posting.needs):
                return None
            firsts = run_back(posting.before, reading, (at + posting.taken,), sentence.first)
            if phrase.begins:
                firsts = [place for place in firsts if place == sentence.first]
            if not firsts:
                return None
            first = max(firsts)
        elif phrase.begins and first != sentence.first:
            return None
    return Match(posting, first, stop, number, reading.weight(first, stop) if reading.turning else 1.0)
