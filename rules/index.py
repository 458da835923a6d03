"""The index: which phrases stand in a text, found by walking from word to word.

Phrases that begin with the same words share the states of one walk: from each word of a text a few dictionary look-ups lead
through all phrases that go on like the text does, however many rules there are. A state is worked out when a text
first gets there and then kept, so that building the index costs little and memory follows what people write. What is
no plain word (a gap, a name, a number, `word*`) ends the walk with steps that are still to be taken, one by one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import Any, NamedTuple

from rules.languages import COMMON
from rules.phrases import SHORTEST_STEM, Phrase, fixed_words
from rules.steps import Choice, Exact, Gap, Name, NameKind, Number, Step, Word, Year

_NO_WORDS: frozenset[str] = frozenset()
_DIGITS = Number(_NO_WORDS)  # number words are plain words of a walk
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
    needs: tuple[frozenset[str], ...]  # of each of these sets one word must stand in the text too, rarest set first
    names: tuple[NameKind, ...]  # kinds of names that must stand in it
    kinds: frozenset[NameKind]  # kinds of names that may have fired


Start = tuple[str, Iterable[str], tuple[Step, ...]]  # "word", "stem" or a sign; its words; the steps from there on
Rest = tuple[Posting, tuple[Step, ...]]  # a phrase, and what is still asked for


class State(dict[str, "State | list[Rest]"]):
    """Where a walk stands: next word -> the next state, or what it will be made of once a text gets there."""

    __slots__ = ("marks", "named", "others", "plain")

    def __init__(self, marks: tuple[Rest, ...], branches: Iterable[Branch]) -> None:
        super().__init__()
        self.marks = marks  # phrases that end here, or go on behind a gap
        self.named = tuple([branch for branch in branches if isinstance(branch.step, Name)])
        self.others = tuple([branch for branch in branches if not isinstance(branch.step, Name)])
        self.plain = not (marks or branches)


class Branch:
    """A way on from a state that is no plain word: a number, a name, a word with a certain beginning or with its accents."""

    __slots__ = ("_following", "digits", "stems", "step")

    def __init__(self, step: Step, following: list[Rest]) -> None:
        self.step = step
        self.stems = step.stems if isinstance(step, Word) else ()
        self.digits = isinstance(step, Number | Year)
        self._following: State | list[Rest] = following

    def state(self) -> State:
        """The state behind it."""
        following = self._following
        if isinstance(following, list):
            following = self._following = expand(following)
        return following


@dataclass(frozen=True, slots=True)
class Index:
    """All phrases of some rules."""

    words: dict[str, State | list[Rest]]  # by the word they begin with
    stems: dict[str, list[tuple[str, Rest]]]  # by the first letters of each beginning (`word*`)
    signs: dict[str, list[Rest]]  # by what must stand there instead of a word: see `SIGNS`
    always: bool  # whether one of these signs stands in every text
    nowhere: State  # where a word leads that begins no phrase

    def begin(self, folded: list[str]) -> tuple[list[State], list[State | list[Rest] | None]]:
        """For each word the state it leads to, and what the word after leads to from there.

        Most words begin no phrase that the next word goes on with. To find that out without a line of Python for each
        word saves a quarter of the engine's time; a state that is not worked out yet fails, once.
        """
        row: list[Any] = list(map(self.words.get, folded, repeat(self.nowhere)))
        after = [*folded[1:], ""]
        try:
            return row, list(map(State.get, row, after))
        except TypeError:
            for at, state in enumerate(row):
                if isinstance(state, list):
                    row[at] = self.words[folded[at]] = expand(state)
            return row, list(map(State.get, row, after))


# What a phrase is filed under where no word will do, and how often a post has it.
SIGNS = {"{brand}": 0.8, "{product}": 0.8, "{rival}": 0.1, "{n}": 0.3, "^": 1.5, "*": 15.0}


def expand(rests: Iterable[Rest]) -> State:
    """The state of a text that has got as far as all of these."""
    marks: dict[tuple[int, tuple[Step, ...]], Rest] = {}
    branches: dict[Step, list[Rest]] = {}
    nexts: dict[str, list[Rest]] = {}
    left = list(rests)
    while left:
        each = left.pop()
        posting, steps = each
        if not steps or isinstance(steps[0], Gap):
            marks[id(posting), steps] = each
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
            branches.setdefault(_DIGITS if isinstance(step, Number) else step, []).append(following)
        elif step.stems:
            branches.setdefault(Word(_NO_WORDS, step.stems), []).append(following)
    state = State(tuple(marks.values()), [Branch(step, each) for step, each in branches.items()])
    state.update(nexts)
    return state


def build(phrases: Iterable[tuple[int, str, Phrase]]) -> Index:
    """File phrases, given with the number of their rule and their role in it: "any", "with" or "unless"."""
    shared: dict[object, tuple[Phrase, list[int], list[tuple[int, str]]]] = {}
    for rule, role, phrase in phrases:  # phrases that differ only in how they are written are one
        key = (phrase.steps, phrase.asks, phrase.begins, phrase.ends, phrase.holds_negation)
        _, rules, context = shared.setdefault(key, (phrase, [], []))
        if role == "any":
            rules.append(rule)
        else:
            context.append((rule, role))
    words: dict[str, State | list[Rest]] = {}
    stems: dict[str, list[tuple[str, Rest]]] = {}
    signs: dict[str, list[Rest]] = {}
    for phrase, rules, context in shared.values():
        steps = asked(phrase)
        _, at, starts = place(phrase, steps)
        posting = _posting(phrase, steps, at, tuple(rules), tuple(context))
        for kind, forms, rest in starts:
            following = (posting, rest)
            if kind == "word":
                for word in forms:
                    known = words.get(word)
                    if known is None:
                        words[word] = [following]
                    else:
                        assert isinstance(known, list)
                        known.append(following)
            elif kind == "stem":
                for stem in forms:
                    stems.setdefault(stem[:SHORTEST_STEM], []).append((stem, following))
            else:
                signs.setdefault(kind, []).append(following)
    return Index(words, stems, signs, not signs.keys().isdisjoint(("^", "*")), State((), ()))


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
    walked = at + 1
    while walked < len(steps) and isinstance(steps[walked], Word | Choice):
        walked += 1
    needs = _needs((*steps[:at], *steps[walked:]))
    names = tuple({step.kind for step in steps if isinstance(step, Name) and not step.may_lack})
    return Posting(
        rules,
        context,
        phrase,
        before,
        taken,
        not (before or needs or names or phrase.asks or phrase.begins or phrase.ends),
        needs,
        names,
        frozenset(_kinds(steps)),
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
            found += [("word", step.words, rest), ("{n}", (), these)]
        elif isinstance(step, Year):
            found.append(("{n}", (), these))
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
