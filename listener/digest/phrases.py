"""Emerging phrases: words that more people use this week than the weeks before lead one to expect (METHODS §6.2).

Counted are people, so that one who repeats a text eight times is one. Candidates are phrases of one to three words by two
people or more, shown are those of three or more; each is tested against the earlier weeks by the exact conditional binomial test, with the people who wrote
in that language as exposure, and Benjamini and Hochberg keep the false ones of a language low. What is left
is ranked by log-odds; phrases that stand in the same posts are one. Of a large week one in so many posts is read, chosen by
their reference, now and before alike.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

from listener.digest.findings import NO_PHRASES, Phrase, PhraseList
from listener.digest.given import Spoken
from listener.digest.labels import Labels
from listener.digest.parts import NamedCount
from listener.digest.said import HAPPY, UNHAPPY, Said, example, standing
from listener.digest.stats import benjamini_hochberg, binomial_tail, log_odds
from listener.digest.terms import Words, said_in, tree_of
from listener.digest.text import visible

LEVEL = 0.07  # of what is shown, the share that may be false
LEAST = 3  # people, or a phrase is not shown
_TESTED = 2  # people: were only what may be shown tested, having been picked for being frequent would count as evidence
READ = 2_500  # posts of one week that are read; of a larger one a sample
_SHOWN = 10
_EXAMPLES = 2
_SAME = 0.8  # of their posts in common: one phrase
_COMMON = 0.1  # of the people of a language: a word so common neither begins nor ends a phrase
_PRIOR = 100.0  # people


def one_in(posts: int) -> int:
    """One in how many posts is read of a week of `posts`."""
    return max(1, -(-posts // READ))


def bound(one_in: int) -> str | None:
    """References below this belong to the sample: they are hashes, written in hexadecimal. None: all do."""
    return f"{-(-65_536 // one_in):04x}" if one_in > 1 else None


@dataclass(slots=True)
class _Post:
    one: Said
    runs: list[list[str]]


class Sayings:
    """Hears every counted post; `figures` compares what was said with earlier weeks."""

    def __init__(self, own: Iterable[str], one_in: int) -> None:
        self._words = Words(own)
        self._one_in = one_in
        self._below = bound(one_in)
        self._by_lang: dict[str, list[_Post]] = {}

    def add(self, one: Said) -> None:
        """Keep the words of a post, if it is one of the sample."""
        if self._below is not None and one.post.ref >= self._below:
            return
        if runs := self._words.runs(one.post.text):
            self._by_lang.setdefault(one.post.lang, []).append(_Post(one, runs))

    def figures(
        self,
        spoken: Iterable[Spoken] | None,
        weeks: Collection[int],
        buyers: Mapping[str, int],
        labels: Mapping[str, str],
        book: Labels,
    ) -> PhraseList:
        """`spoken`: posts of earlier weeks, week by week; those of other weeks than `weeks` are passed over."""
        if spoken is None or not weeks:
            return NO_PHRASES if spoken is None else PhraseList((), 0, 0, self._one_in, book.say("phrases_no_weeks"))
        languages = {lang: _Language(posts) for lang, posts in self._by_lang.items() if lang != "und"}
        earlier = 0
        for post in spoken:
            if post.week in weeks:
                earlier += 1
                if (language := languages.get(post.lang)) is not None:
                    language.hear(post, self._words)
        tested = sum(len(language.candidates) for language in languages.values() if language.people_before)
        finds = [find for lang in sorted(languages) for find in languages[lang].finds(lang)]
        finds.sort(key=lambda find: (-find.z, find.lang, find.phrase))
        shown = tuple(_phrase(find, buyers, labels) for find in finds[:_SHOWN])
        return PhraseList(
            shown, tested, earlier, self._one_in, _sentence(len(shown), tested, earlier, self._one_in, book)
        )


@dataclass(slots=True)
class _Find:
    lang: str
    phrase: str
    authors: int
    usual: float
    p: float
    z: float
    posts: list[_Post]


class _Language:
    """One language's candidates, and how many people used them before."""

    def __init__(self, posts: Sequence[_Post]) -> None:
        self._posts = sorted(posts, key=lambda post: (post.one.author, post.one.post.ref))
        self.people = len({post.one.author for post in posts})
        self.candidates = self._candidates()
        self._tree = tree_of(self.candidates)
        self.people_before = 0
        self._before: Counter[str] = Counter()
        self._week = 0
        self._said: dict[str, set[str]] = {}  # of the week that is being heard: person -> candidates they used

    def _candidates(self) -> dict[str, int]:
        """Phrases by three people or more, with their number. A phrase is looked at only if its parts are."""
        known: dict[str, int] = {}
        for length in (1, 2, 3):
            counts: Counter[str] = Counter()
            for _, theirs in groupby(self._posts, key=lambda post: post.one.author):
                counts.update({phrase for post in theirs for phrase in _of_length(post.runs, length, known)})
            known |= {phrase: count for phrase, count in counts.items() if count >= _TESTED}
        return {phrase: count for phrase, count in known.items() if not phrase.isdecimal()}

    def hear(self, post: Spoken, words: Words) -> None:
        """Count a post of an earlier week; the weeks come one after the other."""
        if post.week != self._week:
            self._week = post.week
            self._said.clear()
        used = said_in(words.runs(post.text), self._tree)
        before = self._said.get(post.author_key)
        if before is None:
            self.people_before += 1
            self._said[post.author_key] = used
        else:
            used = used - before
            before |= used
        self._before.update(used)

    def finds(self, lang: str) -> list[_Find]:
        """What more people say than usual, phrases of the same posts once."""
        if not self.people_before or not self.candidates:
            return []
        both = self.people + self.people_before
        share = self.people / both
        common = {
            phrase
            for phrase, count in self.candidates.items()
            if " " not in phrase and count + self._before[phrase] > _COMMON * both
        }
        names = [
            phrase
            for phrase in self.candidates
            if phrase.split(" ", 1)[0] not in common and phrase.rsplit(" ", 1)[-1] not in common
        ]
        chances = benjamini_hochberg(
            [binomial_tail(self.candidates[name], self.candidates[name] + self._before[name], share) for name in names]
        )
        found = {
            name: chance
            for name, chance in zip(names, chances, strict=True)
            if chance < LEVEL and self.candidates[name] >= LEAST
        }
        if not found:
            return []
        posts: dict[str, list[_Post]] = {name: [] for name in found}
        tree = tree_of(found)
        for post in self._posts:
            for phrase in said_in(post.runs, tree):
                posts[phrase].append(post)
        return list(_merged([self._find(lang, name, chance, posts[name]) for name, chance in found.items()]))

    def _find(self, lang: str, name: str, chance: float, posts: list[_Post]) -> _Find:
        now, before = self.candidates[name], self._before[name]
        z = log_odds(now, before, self.people, self.people_before, _PRIOR)
        usual = before * self.people / self.people_before
        return _Find(lang, name, now, usual, chance, z, posts)


def _of_length(runs: Iterable[Sequence[str]], length: int, known: Mapping[str, int]) -> Iterator[str]:
    """Phrases of so many words of which both shorter parts are known; of single words all."""
    for run in runs:
        if length == 1:
            yield from run
        elif length == 2:
            yield from (f"{one} {two}" for one, two in pairwise(run) if one in known and two in known)
        else:
            pairs = [f"{one} {two}" for one, two in pairwise(run)]
            yield from (
                f"{first} {word}"
                for first, second, word in zip(pairs, pairs[1:], run[2:], strict=False)
                if first in known and second in known
            )


def _merged(finds: Sequence[_Find]) -> Iterator[_Find]:
    """The longest phrase of those that stand in the same posts."""
    kept: list[tuple[_Find, set[str]]] = []
    for find in sorted(finds, key=lambda find: (-find.phrase.count(" "), -find.z, find.phrase)):
        refs = {post.one.post.ref for post in find.posts}
        if all(len(refs & others) < _SAME * max(len(refs), len(others)) for _, others in kept):
            kept.append((find, refs))
            yield find


def _phrase(find: _Find, buyers: Mapping[str, int], labels: Mapping[str, str]) -> Phrase:
    signs: dict[str, list[int]] = {}
    stages: dict[str, tuple[set[str], list[str]]] = {}
    for post in find.posts:
        signs.setdefault(post.one.author, [0, 0, 0])[post.one.sign] += 1
        people, refs = stages.setdefault(post.one.key, (set(), []))
        people.add(post.one.author)
        refs.append(post.one.post.ref)
    bought, not_bought = standing(signs, buyers)
    first: dict[str, Said] = {}
    for post in sorted(find.posts, key=lambda post: post.one.rank):
        first.setdefault(post.one.author, post.one)
    ranked = sorted(stages.items(), key=lambda entry: (-len(entry[1][0]), entry[0]))
    return Phrase(
        text=visible(find.phrase, 80),
        lang=visible(find.lang, 20),
        authors=find.authors,
        usual=round(find.usual, 1),
        p=round(find.p, 4),
        log_odds=round(find.z, 2),
        unhappy=sum(1 for mood in signs.values() if mood[UNHAPPY] > mood[HAPPY]),
        happy=sum(1 for mood in signs.values() if mood[HAPPY] > mood[UNHAPPY]),
        stages=tuple(NamedCount(key, labels[key], len(refs), len(people)) for key, (people, refs) in ranked),
        examples=tuple(example(one.post, one.key) for one in list(first.values())[:_EXAMPLES]),
        buyers=bought,
        non_buyers=not_bought,
    )


def _sentence(shown: int, tested: int, earlier: int, one_in: int, book: Labels) -> str:
    if not earlier:
        return book.say("phrases_no_weeks")
    if not tested:
        return book.say("phrases_none_tested")
    sample = book.say("phrases_sample", one_in) if one_in > 1 else ""
    if not shown:
        return book.say("phrases_none", tested, sample=sample)
    return book.say("phrases_found", shown, tested=book.number(tested), sample=sample)
