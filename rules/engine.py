"""The engine: which rules a post matches, and on which words. One pass over its words, linear in the text.

`Engine.evaluate(facts)` gives at most one `Hit` a rule: of all places where the rule holds, the one that weighs most
(behind "but" more than before), then the first. Hits come in the order of the rules. The engine holds no state that
an evaluation changes, so threads may share it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from rules.facts import Facts, Hit
from rules.index import Index, Posting, build
from rules.reading import AFTER_CONTRAST, NameTable, Reading, Tongue
from rules.ruleset import Rule, Ruleset
from rules.steps import NameKind, run_back
from rules.walk import Candidate, candidates
from rules.words import Words, prepare

UNKNOWN = "und"


Match = tuple[Posting, int, int, int, float]  # a phrase that stands in a text: from word, up to word, sentence, weight


# What a rule asks for beside its phrases, as bits.
_FACTS: Final = 1
_CONTEXT: Final = 2
_UNNEGATED: Final = 4


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
        self._asks = [
            (_FACTS if rule.when is not None else 0)
            | (_CONTEXT if rule.also or rule.unless else 0)
            | (_UNNEGATED if rule.negatable else 0)
            for rule in ruleset.rules
        ]
        self._tables = _tables(brand_names, products, rivals)
        self._languages = tuple(dict.fromkeys(languages)) or ruleset.languages
        self._shelves: dict[str, _Shelf] = {}

    def for_names(self, brand_names: Sequence[str], products: Sequence[str] = (), rivals: Sequence[str] = ()) -> Engine:
        """The same rules for other names; phrases are filed once and shared."""
        twin = Engine(self.ruleset, brand_names, products, rivals, self._languages)
        twin._shelves = self._shelves
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
        reading = Reading(words, shelf.tongue, self._tables, given)
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
            cancelled = False
            for number in posting.rules:
                known = best.get(number)
                if known is not None and not posting.before and known[4] >= enough:
                    first = known[1]
                    if first < at or (first == at and known[2] >= stop):
                        continue
                asks = self._asks[number]
                if asks & _FACTS:
                    holds = met.get(number)
                    if holds is None:
                        holds = met[number] = self._holds(self._rules[number], facts, reading)
                    if not holds:
                        continue
                if match is None:
                    if posting.plain:
                        match = (posting, at, stop, sentence, reading.weight(at, stop) if reading.turning else 1.0)
                    elif (match := _verify(candidate, reading)) is None:
                        break
                    if reading.denying and not posting.phrase.holds_negation:
                        cancelled = reading.negated(match[1], match[2])
                if cancelled and asks & _UNNEGATED:
                    continue
                if asks & _FACTS and not self._asked(self._rules[number], reading, sentence):
                    continue
                if asks & _CONTEXT:
                    places = pending.setdefault(number, {})
                    other = places.get((sentence, match[4]))
                    if other is None or _better(match, other):
                        places[sentence, match[4]] = match
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
                if rule.also and not (also if rule.also_scope == "text" else match[3] in also):
                    continue
                if unless and (rule.unless_scope == "text" or match[3] in unless):
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
    def _asked(rule: Rule, reading: Reading, sentence: int) -> bool:
        asked = None if rule.when is None else rule.when.in_question
        return asked is None or asked == reading.words.sentences[sentence].question

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


def _tables(brand_names: Sequence[str], products: Sequence[str], rivals: Sequence[str]) -> dict[NameKind, NameTable]:
    ours = NameTable.of((*brand_names, *products))  # "my Acme" and "my Acme One" are said alike
    return {"brand": ours, "product": ours, "rival": NameTable.of(tuple(rivals))}


def _better(one: Match, other: Match) -> bool:
    """Whether a match weighs more, or stands earlier, or says more."""
    if one[4] != other[4]:
        return one[4] > other[4]
    return one[1] < other[1] or (one[1] == other[1] and one[2] > other[2])


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
            if any(map(reading.lacks, posting.needs)):
                return None
            firsts = run_back(posting.before, reading, (at + posting.taken,), sentence.first)
            if phrase.begins:
                firsts = [place for place in firsts if place == sentence.first]
            if not firsts:
                return None
            first = max(firsts)
        elif phrase.begins and first != sentence.first:
            return None
    return posting, first, stop, number, reading.weight(first, stop) if reading.turning else 1.0
