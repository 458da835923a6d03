"""The index: which phrases stand in a text, found by walking from word to word.

Phrases that begin with the same words share the states of one walk: from each word of a text a few dictionary look-ups lead
through all phrases that go on like the text does, however many rules there are. A state is worked out when a text
first gets there and then kept, so that building the index costs little and memory follows what people write. Numbers,
names, `word*` and gaps are ways on from a state, too; gaps of one width share what stands behind them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from rules.languages import COMMON
from rules.phrases import SHORTEST_STEM, Phrase, fixed_words
from rules.steps import Choice, Exact, Gap, Name, NameKind, Number, Step, Word, Year

_NO_WORDS: frozenset[str] = frozenset()
_NO_KINDS: frozenset[NameKind] = frozenset()  # shared: six thousand empty sets of their own are a megabyte
_DIGITS = Number(_NO_WORDS)  # number words are plain words of a walk
MOST_REMEMBERED = 50_000  # words that begin no phrase; bounded, whatever posts say
MOST_NEEDS = 3  # sets of words that are asked for before any step is taken


@dataclass(frozen=True, slots=True, eq=False)
class Posting:
    """A phrase as filed, once for all rules that hold it."""

    rules: tuple[int, ...]  # numbers of the rules that hold it in `any`
    context: tuple[tuple[int, str], ...]  # number of a rule and "with" or "unless"
    phrase: Phrase
    before: tuple[Step, ...]  # what must stand before the place it is filed under
    taken: int  # 1 where `before` holds the word it is filed under, too
    plain: bool  # asks for nothing but its words
    needs: tuple[frozenset[str], ...]  # what `before` asks for: of each set one word must stand in the text
    names: tuple[NameKind, ...]  # kinds of names that must stand in it
    kinds: frozenset[NameKind]  # kinds of names that may have fired


Start = tuple[str, Iterable[str], tuple[Step, ...]]  # "word", "stem" or a sign; its words; the steps from there on
Rest = tuple[Posting, tuple[Step, ...]]  # a phrase, and what is still asked for


# How a walk goes on from a state, as bits: a text asks only for those that it can take (`heeded`).
FRESH: Final = 1  # not worked out yet
ENDS: Final = 2  # phrases end here
GAPS: Final = 4
BEGUN: Final = 8
ACCENTS: Final = 16
NAMES: Final = 32
LACKING: Final = 64
DIGITS: Final = 128
WAYS: Final = 252  # all but the first two


def heeded(numbers: bool, standing: bool, brand_given: bool) -> int:
    """The bits that matter in a text: does it hold numbers, does a name stand in it, is it said to the brand anyway."""
    return (
        FRESH | ENDS | GAPS | BEGUN | ACCENTS
        | (DIGITS if numbers else 0) | (NAMES if standing else 0) | (LACKING if brand_given else 0)
    )  # fmt: skip


class State:
    """Where a walk stands. It is filled when a text first gets there."""

    __slots__ = ("ended", "gaps", "leads", "named", "nexts", "others", "rests", "stems")

    def __init__(self, rests: Sequence[Rest]) -> None:
        self.nexts: dict[str, State] = {}  # next word -> the next state
        self.rests: Sequence[Rest] = rests  # what it will be made of; empty once it is
        self.leads = FRESH
        self.ended: tuple[Posting, ...] = ()  # phrases of which nothing is left
        self.gaps: tuple[Way, ...] = ()
        self.named: tuple[Way, ...] = ()
        self.others: tuple[Way, ...] = ()
        self.stems: tuple[str, ...] = ()  # of all of them

    def fill(self) -> int:
        """Work out where it leads, and return its bits. A second thread that does the same at the same time changes nothing."""
        ended: dict[int, Posting] = {}
        ways: dict[Step, list[Rest]] = {}
        nexts: dict[str, list[Rest]] = {}
        left = list(self.rests)
        if self.leads != FRESH:
            return self.leads
        while left:
            posting, steps = left.pop()
            if not steps:
                ended[id(posting)] = posting
                continue
            step, following = steps[0], (posting, steps[1:])
            if isinstance(step, Choice):
                if step.optional:
                    left.append(following)
                left += [(posting, option + steps[1:]) for option in step.options]
                continue
            for word in step.words if isinstance(step, Word | Number) else ():
                if word in nexts:
                    nexts[word].append(following)
                else:
                    nexts[word] = [following]
            if not isinstance(step, Word):
                ways.setdefault(_DIGITS if isinstance(step, Number) else step, []).append(following)
            elif step.stems:
                ways.setdefault(Word(_NO_WORDS, step.stems), []).append(following)
        self.nexts.update(shared(nexts))
        found = [Way(step, State(each)) for step, each in ways.items()]
        self.ended = tuple(ended.values())
        self.gaps = tuple([way for way in found if way.kind == GAPS])
        self.named = tuple([way for way in found if way.kind & (NAMES | LACKING)])
        self.others = tuple([way for way in found if way.kind & (BEGUN | ACCENTS | DIGITS)])
        self.stems = tuple([stem for way in found for stem in way.stems])
        leads = ENDS if ended else 0
        for way in found:
            leads |= way.kind
        self.leads = leads
        self.rests = ()
        return leads


def shared(nexts: Mapping[str, list[Rest]]) -> Iterable[tuple[str, State]]:
    """States for what words lead to; words that lead to the same share one, which makes thousands of them hundreds."""
    states: dict[tuple[int, ...], State] = {}
    for word, rests in nexts.items():
        key = tuple(map(id, rests))
        state = states.get(key)
        if state is None:
            state = states[key] = State(rests)
        yield word, state


class Way:
    """A way on from a state that is no plain word: a gap, a number, a name, a word with a certain beginning or accents."""

    __slots__ = ("kind", "state", "stems", "step", "width")

    def __init__(self, step: Step, state: State) -> None:
        self.step = step
        self.state = state  # behind it
        self.width = step.width + 1 if isinstance(step, Gap) else 0  # places where the walk may go on
        self.stems = step.stems if isinstance(step, Word) else ()
        self.kind = _kind(step)


def _kind(step: Step) -> int:
    if isinstance(step, Name):
        return NAMES | LACKING if step.may_lack else NAMES
    if isinstance(step, Gap):
        return GAPS
    return ACCENTS if isinstance(step, Exact) else BEGUN if isinstance(step, Word) else DIGITS


_NOWHERE = State(())  # where a word leads that begins no phrase
_NOWHERE.fill()


class Begins(dict[str, State]):
    """First word -> state. A word that is not there is looked up among the beginnings (`word*`), once."""

    def __init__(self, words: Mapping[str, list[Rest]], stems: Mapping[str, list[Rest]]) -> None:
        self._stems: dict[str, list[tuple[str, list[Rest]]]] = {}  # by their first letters
        for stem, rests in stems.items():
            self._stems.setdefault(stem[:SHORTEST_STEM], []).append((stem, rests))
        super().__init__(shared({word: [*rests, *self._begun(word)] for word, rests in words.items()}))
        self._states: dict[tuple[int, ...], State] = {}
        self._most = len(self) + MOST_REMEMBERED

    def __missing__(self, word: str) -> State:
        rests = self._begun(word)
        state = self._states.setdefault(tuple(map(id, rests)), State(rests)) if rests else _NOWHERE
        if len(self) < self._most:
            self[word] = state
        return state

    def _begun(self, word: str) -> list[Rest]:
        filed = self._stems.get(word[:SHORTEST_STEM])
        return [rest for stem, rests in filed for rest in rests if word.startswith(stem)] if filed else []


@dataclass(frozen=True, slots=True)
class Index:
    """All phrases of some rules."""

    words: Begins
    numbers: State | None  # behind a number in digits that phrases begin with
    signs: dict[str, State]  # by what else must stand there instead of a word: see `SIGNS`
    always: bool  # whether one of these signs stands in every text


# What a phrase is filed under where no word will do, and how often a post has it.
SIGNS = {"{brand}": 0.8, "{product}": 0.8, "{rival}": 0.1, "{n}": 0.3, "{year}": 0.1, "^": 1.5, "*": 15.0}


def build(phrases: Iterable[tuple[int, str, Phrase]]) -> Index:
    """File phrases, given with the number of their rule and their role in it: "any", "with" or "unless"."""
    filed: dict[object, tuple[Phrase, list[int], list[tuple[int, str]]]] = {}
    for rule, role, phrase in phrases:  # phrases that differ only in how they are written are one
        key = (phrase.steps, phrase.asks, phrase.begins, phrase.ends, phrase.holds_negation)
        _, rules, context = filed.setdefault(key, (phrase, [], []))
        if role == "any":
            rules.append(rule)
        else:
            context.append((rule, role))
    words: dict[str, list[Rest]] = {}
    stems: dict[str, list[Rest]] = {}
    signs: dict[str, list[Rest]] = {}
    for phrase, rules, context in filed.values():
        steps = asked(phrase)
        _, at, starts = place(phrase, steps)
        posting = _posting(phrase, steps, at, tuple(rules), tuple(context))
        for kind, forms, rest in starts:
            following = (posting, rest)
            if kind == "word":
                for word in forms:
                    if word in words:
                        words[word].append(following)
                    else:
                        words[word] = [following]
            elif kind == "stem":
                for stem in forms:
                    stems.setdefault(stem, []).append(following)
            else:
                signs.setdefault(kind, []).append(following)
    numbers = signs.pop("{n}", None)
    return Index(
        Begins(words, stems),
        None if numbers is None else State(numbers),
        {sign: State(rests) for sign, rests in signs.items()},
        not signs.keys().isdisjoint(("^", "*")),
    )


def asked(phrase: Phrase) -> tuple[Step, ...]:
    """The steps without those at the edges that may be missing, where nothing hangs on them."""
    steps = phrase.steps
    while not phrase.begins and _may_lack(steps[0]):
        steps = steps[1:]
    while not phrase.ends and _may_lack(steps[-1]):
        steps = steps[:-1]
    return steps


def _may_lack(step: Step) -> bool:
    return isinstance(step, Gap) or (isinstance(step, Choice) and step.optional)


def _posting(
    phrase: Phrase, steps: tuple[Step, ...], at: int, rules: tuple[int, ...], context: tuple[tuple[int, str], ...]
) -> Posting:
    taken = 1 if isinstance(steps[at], Exact) else 0
    before = steps[: at + taken]
    needs = _needs(before[: len(before) - taken])
    names = tuple({step.kind for step in steps if isinstance(step, Name) and not step.may_lack})
    kinds = _kinds(steps)
    return Posting(
        rules,
        context,
        phrase,
        before,
        taken,
        not (before or names or phrase.asks or phrase.begins or phrase.ends),
        needs,
        names,
        frozenset(kinds) if kinds else _NO_KINDS,
    )


class Place(NamedTuple):
    """Where a phrase is filed: the step, how often a post makes the engine try it (a guess), and all it begins with there."""

    rate: float
    at: int
    starts: list[Start]


def _starts(steps: tuple[Step, ...]) -> list[Start] | None:
    """All that these steps can begin with; None where that is open."""
    found: list[Start] = []
    left = [steps]
    while left:
        these = left.pop()
        if not these:
            return None
        step, rest = these[0], these[1:]
        if isinstance(step, Word):
            if step.words:
                found.append(("word", step.words, rest))
            if step.stems:
                found.append(("stem", step.stems, rest))
        elif isinstance(step, Choice):
            if step.optional:
                left.append(rest)
            left += [option + rest for option in step.options]
        elif isinstance(step, Number):
            found += [("word", step.words, rest), ("{n}", (), rest)]
        elif isinstance(step, Year):
            found.append(("{year}", (), these))
        elif isinstance(step, Name) and not step.may_lack:
            found.append((f"{{{step.kind}}}", (), these))
        else:
            return None
    return found


def _rate(starts: Iterable[Start]) -> float:
    rate = 0.0
    for kind, words, rest in starts:
        if kind == "word":
            often = sum(0.3 if word in COMMON else 0.03 if len(word) < 4 else 0.01 for word in words)
            rate += often * (1.0 if not rest or isinstance(rest[0], Gap) else 0.1)  # a second word ends most walks
        else:
            rate += sum(0.05 for _ in words) if kind == "stem" else SIGNS[kind]
    return rate


def place(phrase: Phrase, steps: tuple[Step, ...]) -> Place:
    """Where a phrase is filed. `steps`: those of its steps that the engine asks for."""
    best = Place(SIGNS["^"], 0, [("^", (), steps)]) if phrase.begins else Place(SIGNS["*"], 0, [("*", (), steps)])
    walkable = not any(isinstance(step, Gap) for step in steps)
    for at, step in enumerate(steps):
        if _may_lack(step):
            continue
        if isinstance(step, Exact):
            starts: list[Start] | None = [("word", fixed_words(step), steps[at + 1 :])]
        else:
            starts = _starts(steps[at:])
        if starts is None:
            continue
        rate = _rate(starts)
        if rate < best.rate:
            best = Place(rate, at, starts)
        if not at and walkable and all(kind == "word" for kind, _, _ in starts):
            return Place(rate, 0, starts)  # from its first word the walk leads through all of it
    return best


def _needs(steps: Sequence[Step]) -> tuple[frozenset[str], ...]:
    """What some steps ask for: its absence rules most texts out before any step is taken."""
    sets = [words for step in steps if (words := fixed_words(step))]
    return tuple(sorted(sets, key=lambda words: len(words) + 20 * len(words & COMMON))[:MOST_NEEDS])


def _kinds(steps: Iterable[Step]) -> set[NameKind]:
    kinds: set[NameKind] = set()
    for step in steps:
        if isinstance(step, Name):
            kinds.add(step.kind)
        elif isinstance(step, Choice):
            kinds.update(*map(_kinds, step.options))
    return kinds
