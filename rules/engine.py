"""The engine: which rules a post matches, and on which words. One pass over its words, linear in the text.

`Engine.evaluate(facts)` gives at most one `Hit` a rule: of all places where the rule holds, the one that weighs most
(behind "but" more than before), then the first. Hits come in the order of the rules. The engine holds no state that
an evaluation changes, so threads may share it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from rules.facts import Facts, Hit
from rules.index import Index, Posting, build, merge
from rules.phrases import SHORTEST_STEM
from rules.reading import AFTER_CONTRAST, NameTable, Reading, Tongue
from rules.ruleset import Rule, Ruleset
from rules.steps import NameKind, run_ahead, run_back
from rules.words import Words, prepare

UNKNOWN = "und"


class Match(NamedTuple):
    """A phrase that stands in a text: word `first` up to, not including, word `stop`, in a sentence."""

    posting: Posting
    first: int
    stop: int
    sentence: int
    weight: float


Found = Iterable[tuple[int, Match]]  # with the number of the rule


@dataclass(frozen=True, slots=True)
class _Shelf:
    """What is looked up for one language."""

    main: Index
    context: Index  # the phrases of `with` and `unless`, needed only where `any` matched
    bare: tuple[int, ...]  # rules without phrases
    tongue: Tongue


class Engine:
    """Rules ready to be asked. Building one files all phrases; asking it changes nothing."""

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
        ours = NameTable.of((*brand_names, *products))  # "my Acme" and "my Acme One" are said alike
        self._tables: dict[NameKind, NameTable] = {"brand": ours, "product": ours, "rival": NameTable.of(rivals)}
        chosen = tuple(dict.fromkeys(languages)) or ruleset.languages
        filed = {lang: self._file(lang) for lang in ("*", *chosen)}
        self._shelves = {lang: _joined((filed["*"], filed[lang]), lang) for lang in chosen}
        self._anywhere = _joined((filed["*"],), "")
        self._unknown = _joined(tuple(filed.values()), "")

    def _file(self, lang: str) -> _Shelf:
        """The shelf of one pack language alone."""
        rules = [(n, rule) for n, rule in enumerate(self._rules) if rule.lang == lang]
        main = build((n, "any", phrase) for n, rule in rules for phrase in rule.any)
        context = build(
            (n, role, phrase)
            for n, rule in rules
            for role, phrases in (("with", rule.also), ("unless", rule.unless))
            for phrase in phrases
        )
        return _Shelf(main, context, tuple(n for n, rule in rules if not rule.any), Tongue.of(lang))

    def evaluate(self, facts: Facts, words: Words | None = None) -> tuple[Hit, ...]:
        """The rules that match. `words`: `prepare(facts.text)`, where the caller has it already."""
        lang = facts.lang.partition("-")[0].lower()
        shelf = self._shelves.get(lang) or (self._unknown if lang in ("", UNKNOWN) else self._anywhere)
        found = self._read(shelf, facts, words if words is not None else prepare(facts.text), in_title=False)
        if facts.title:
            for rule, hit in self._read(shelf, facts, prepare(facts.title), in_title=True).items():
                found.setdefault(rule, hit)
        return tuple(found[rule] for rule in sorted(found))

    def _read(self, shelf: _Shelf, facts: Facts, words: Words, in_title: bool) -> dict[int, Hit]:
        given = facts.in_reply_to_brand or facts.addressed_to_brand
        reading = Reading(words, shelf.tongue, self._tables, given)
        hits: dict[int, Hit] = {}
        best: dict[int, Match] = {}
        pending: dict[int, list[Match]] = {}  # of rules that have `with` or `unless`
        for number, match in self._matches(shelf.main, reading, facts, best):
            pending.setdefault(number, []).append(match)
        if pending:
            best.update(self._in_context(shelf.context, reading, pending))
        for number, match in best.items():
            hits[number] = self._hit(self._rules[number], reading, match, in_title)
        for number in shelf.bare:
            rule = self._rules[number]
            if rule.when is not None and self._holds(rule, facts, reading) and not in_title:
                hits[number] = Hit(rule.id, rule.about, rule.evidence, "", 0, 0, 0)
        return hits

    def _matches(self, index: Index, reading: Reading, facts: Facts, best: dict[int, Match]) -> Found:
        """Fill `best` for rules that need no context; yield the matches of those that do, one a sentence and weight."""
        met: dict[int, bool] = {}
        seen: set[tuple[int, int, float]] = set()
        for posting, at in _candidates(index, reading):
            span: tuple[int, int, int] | None = None
            for number, _ in posting.uses:
                known = best.get(number)
                if known is not None and (known.weight >= AFTER_CONTRAST or not reading.turning):
                    continue
                rule = self._rules[number]
                if rule.when is not None:
                    holds = met.get(number)
                    if holds is None:
                        holds = met[number] = self._holds(rule, facts, reading)
                    if not holds:
                        continue
                if span is None:
                    span = _verify(posting, reading, at)
                    if span is None:
                        break
                    first, stop, sentence = span
                    cancelled = not posting.phrase.holds_negation and reading.negated(first, stop)
                    match = Match(posting, first, stop, sentence, reading.weight(first, stop))
                asked = None if rule.when is None else rule.when.in_question
                if asked is not None and asked != reading.words.sentences[sentence].question:
                    continue
                if cancelled and rule.negatable:
                    continue
                if rule.also or rule.unless:
                    if (key := (number, sentence, match.weight)) not in seen:
                        seen.add(key)
                        yield number, match
                elif known is None or (match.weight, -first) > (known.weight, -known.first):
                    best[number] = match

    def _in_context(self, index: Index, reading: Reading, pending: dict[int, list[Match]]) -> Found:
        """Of each rule's matches the best whose `with` and `unless` agree."""
        around: dict[tuple[int, str], set[int]] = {}
        for posting, at in _candidates(index, reading):
            wanted = [use for use in posting.uses if use[0] in pending]
            sentence = reading.words.sentence_of(at)
            if all(sentence in around.get(use, ()) for use in wanted):
                continue
            if (span := _verify(posting, reading, at)) is not None:
                for use in wanted:
                    around.setdefault(use, set()).add(span[2])
        for number, matches in pending.items():
            rule = self._rules[number]
            also = around.get((number, "with"), set())
            unless = around.get((number, "unless"), set())
            good = [
                match
                for match in matches
                if (not rule.also or (bool(also) if rule.also_scope == "text" else match.sentence in also))
                and not (rule.unless and (bool(unless) if rule.unless_scope == "text" else match.sentence in unless))
            ]
            if good:
                yield number, max(good, key=lambda match: (match.weight, -match.first))

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
        start, end = len(words.text), 0
        if match.first < match.stop:
            start, end = words.span(match.first)[0], words.span(match.stop - 1)[1]
        kinds = match.posting.kinds
        for handle in words.handles if kinds else ():  # @Acme takes no word, yet it fired
            if match.first <= handle.at <= match.stop and any(
                handle.at in reading.names(kind).handles for kind in kinds
            ):
                begin, stop = words.handle_span(handle)
                start, end = min(start, begin), max(end, stop)
        rival = None
        if "rival" in kinds:
            named = reading.names("rival").named
            rival = next((named[at] for at in range(match.first, match.stop + 1) if at in named), None)
        text = words.text[start:end]
        asks = words.sentences[match.sentence].question
        if in_title:
            return Hit(rule.id, rule.about, rule.evidence, text, -1, -1, -1, match.weight, rival, asks)
        return Hit(rule.id, rule.about, rule.evidence, text, start, end, match.sentence, match.weight, rival, asks)


def _joined(shelves: Sequence[_Shelf], lang: str) -> _Shelf:
    """Several shelves as one, read with the closed words of `lang`."""
    return _Shelf(
        merge([shelf.main for shelf in shelves]),
        merge([shelf.context for shelf in shelves]),
        tuple(sorted(number for shelf in shelves for number in shelf.bare)),
        Tongue.of(lang),
    )


def _candidates(index: Index, reading: Reading) -> Iterable[tuple[Posting, int]]:
    """Every phrase whose look-up words stand in the text, and whose rarest other word does too, with the place."""
    folded, absent = reading.folded, reading.present.isdisjoint
    entries, stems = index.words.get, index.stems.get
    last = len(folded) - 1
    for at, word in enumerate(folded):
        entry = entries(word)
        if entry is not None:
            for posting in entry.alone:
                if posting.next_to is not None and (not at or folded[at - 1] not in posting.next_to):
                    continue
                for words in posting.also:
                    if absent(words):
                        break
                else:
                    yield posting, at
            if at < last and (followed := entry.followed.get(folded[at + 1])) is not None:
                for posting in followed:
                    if posting.next_to is not None and (not at or folded[at - 1] not in posting.next_to):
                        continue
                    for words in posting.also:
                        if absent(words):
                            break
                    else:
                        yield posting, at
        beginnings = stems(word[:SHORTEST_STEM])
        if beginnings is not None:
            for stem, posting in beginnings:
                if word.startswith(stem) and not any(map(absent, posting.also)):
                    yield posting, at
    for sign, entry in index.signs.items():
        for at in _places(sign, reading):
            for posting in entry.alone:
                if not any(map(absent, posting.also)):
                    yield posting, at
            if entry.followed and at < last:
                for posting in entry.followed.get(folded[at + 1], ()):
                    if not any(map(absent, posting.also)):
                        yield posting, at


def _places(sign: str, reading: Reading) -> Iterable[int]:
    """Where phrases are tried that are filed under a sign instead of a word (`rules.index.SIGNS`)."""
    if sign == "{n}":
        return reading.words.numbers
    if sign == "{rival}":
        return reading.names("rival").named
    if sign in ("{brand}", "{product}"):
        return reading.names("brand").named
    if sign == "^":
        return reading.words.firsts
    return range(len(reading.folded))


def _verify(posting: Posting, reading: Reading, at: int) -> tuple[int, int, int] | None:
    """The words a phrase takes when looked up at word `at`: first, stop, sentence. None: it does not stand there."""
    words = reading.words
    if not words.sentences:
        return None
    number = words.sentence_of(at)
    sentence = words.sentences[number]
    phrase = posting.phrase
    if phrase.asks and not sentence.question:
        return None
    for kind in posting.names:
        if not reading.names(kind).named:
            return None
    stop = at + posting.taken
    if stop > sentence.stop:
        return None
    first = at
    if posting.after:
        stops = run_ahead(posting.after, reading, (stop,), sentence.stop)
        if phrase.ends:
            stops = tuple(place for place in stops if place == sentence.stop)
        if not stops:
            return None
        stop = min(stops)
    elif phrase.ends and stop != sentence.stop:
        return None
    if posting.before:
        firsts = run_back(posting.before, reading, (at,), sentence.first)
        if phrase.begins:
            firsts = tuple(place for place in firsts if place == sentence.first)
        if not firsts:
            return None
        first = max(firsts)
    elif phrase.begins and first != sentence.first:
        return None
    return first, stop, number
