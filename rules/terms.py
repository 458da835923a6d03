"""What a query is made of once parsed, and how each part is looked up in a post.

`holds(post)` answers yes or no; parts that stand at places (words, phrases, alternatives of them) also give `spans`, which
`near/n` needs. Looking up is linear in the post: words come from an index of the post's own words.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from rules.words import Words, exact, fold, prepare

FARTHEST = 50  # words that near/n may leave between
Span = tuple[int, int]  # first word, and the one after the last

_DOT = re.compile(
    r"\s{0,3}[\[({<]\s{0,3}(?:\.|dot|point|punto|punkt)\s{0,3}[\])}>]\s{0,3}"
    r"|\s{1,3}dot\s{1,3}(?=(?:com|net|org|io|co|eu|fr|it|es|de|uk|app|shop)\b)",
    re.IGNORECASE,
)
_HOST = re.compile(r"(?<![\w.-])[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}")
_DOMAIN = re.compile(r"[\w-]{1,63}(?:\.[\w-]{1,63}){0,8}\.[^\W\d_]{2,24}\Z")


@dataclass(frozen=True, slots=True)
class QueryFacts:
    """One post as queries see it."""

    text: str
    title: str = ""
    author: str = ""  # handle, with or without "@"
    url: str = ""
    lang: str = ""


class Post:
    """A post made ready for queries; hand the same one to many. Lists are filled at the first question."""

    __slots__ = ("_hosts", "_words", "facts", "folded", "places", "title_words")

    def __init__(self, facts: QueryFacts) -> None:
        self.facts = facts
        title = prepare(_loose(facts.title)) if facts.title else None
        body = prepare(_loose(facts.text))
        self.title_words = title
        self._words: tuple[tuple[int, Words], ...]
        if title is None:
            self.folded = body.folded
            self._words = ((0, body),)
        else:  # words apart enough that no phrase and no near/n reaches from the title into the text
            start = len(title.folded) + FARTHEST + 1
            self.folded = [*title.folded, *[""] * (FARTHEST + 1), *body.folded]
            self._words = ((start, body), (0, title))
        self.places: dict[str, list[int]] = {}
        for at, word in enumerate(self.folded):
            self.places.setdefault(word, []).append(at)
        self._hosts: frozenset[str] | None = None

    def original(self, at: int) -> str:
        """Word `at` with its case as written."""
        for start, words in self._words:
            if at >= start:
                return words.slice(at - start, at - start + 1)
        return ""

    def has_host(self, host: str) -> bool:
        """Whether the text, the title or the post's address names this host or one below it, hidden dots included."""
        if self._hosts is None:
            self._hosts = frozenset(
                each for text in (self.facts.text, self.facts.title, self.facts.url) for each in _hosts(text)
            )
        return host in self._hosts


@dataclass(frozen=True, slots=True)
class Word:
    """One word of a phrase."""

    folded: str
    any_ending: bool = False

    def fits(self, word: str) -> bool:
        return word.startswith(self.folded) if self.any_ending else word == self.folded

    def places(self, post: Post) -> list[int]:
        if not self.any_ending:
            return post.places.get(self.folded, [])
        return sorted(at for word, found in post.places.items() if word.startswith(self.folded) for at in found)


class Node(Protocol):
    """A part of a query."""

    def holds(self, post: Post) -> bool: ...


class Placed(Node, Protocol):
    """A part that stands at places in the text."""

    def spans(self, post: Post) -> list[Span]: ...


@dataclass(frozen=True, slots=True)
class Term:
    """A word or phrase; with `original`, case and accents must be so."""

    text: str
    words: tuple[Word, ...]
    original: tuple[str, ...] = ()

    def holds(self, post: Post) -> bool:
        return next(self._spans(post), None) is not None

    def spans(self, post: Post) -> list[Span]:
        return list(self._spans(post))

    def _spans(self, post: Post) -> Iterator[Span]:
        rarest = min(range(len(self.words)), key=lambda n: len(self.words[n].places(post)))
        folded, size = post.folded, len(self.words)
        for at in self.words[rarest].places(post):
            first = at - rarest
            if first < 0 or first + size > len(folded):
                continue
            if all(word.fits(folded[first + n]) for n, word in enumerate(self.words)) and self._as_written(post, first):
                yield first, first + size

    def _as_written(self, post: Post, first: int) -> bool:
        return all(post.original(first + n) == word for n, word in enumerate(self.original))


@dataclass(frozen=True, slots=True)
class Domain:
    """A site's name, however its dots are hidden: acme.com, acme[.]com, acme(dot)com."""

    host: str

    def holds(self, post: Post) -> bool:
        return post.has_host(self.host)


@dataclass(frozen=True, slots=True)
class Field:
    """`author:` `site:` `lang:`: a fact about the post beside its words."""

    name: str
    value: str
    any_ending: bool = False

    def holds(self, post: Post) -> bool:
        facts = post.facts
        if self.name == "site":
            return self.value in _hosts(facts.url)
        if self.name == "lang":
            return facts.lang.partition("-")[0].lower() == self.value
        author = fold(facts.author.removeprefix("@"))
        return author.startswith(self.value) if self.any_ending else author == self.value


@dataclass(frozen=True, slots=True)
class Title:
    """`title:`: words of the title."""

    term: Term

    def holds(self, post: Post) -> bool:
        return post.title_words is not None and any(
            stop <= len(post.title_words.folded) for _, stop in self.term.spans(post)
        )


@dataclass(frozen=True, slots=True)
class Near:
    """Both, in either order, with at most `width` words between."""

    left: Placed
    right: Placed
    width: int

    def holds(self, post: Post) -> bool:
        return bool(self.spans(post))

    def spans(self, post: Post) -> list[Span]:
        right = self.right.spans(post)
        starts = sorted(right)
        stops = sorted((stop, start) for start, stop in right)
        found: list[Span] = []
        for start, stop in self.left.spans(post):
            after = bisect_left(starts, (stop, 0))
            if after < len(starts) and starts[after][0] - stop <= self.width:
                found.append((start, starts[after][1]))
            before = bisect_left(stops, (start + 1, 0)) - 1
            if before >= 0 and start - stops[before][0] <= self.width:
                found.append((stops[before][1], stop))
        return sorted(found)


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one of them."""

    nodes: tuple[Node, ...]

    def holds(self, post: Post) -> bool:
        return any(node.holds(post) for node in self.nodes)

    def spans(self, post: Post) -> list[Span]:
        return sorted({span for node in self.nodes for span in getattr(node, "spans", _nowhere)(post)})


@dataclass(frozen=True, slots=True)
class AllOf:
    """All of them."""

    nodes: tuple[Node, ...]

    def holds(self, post: Post) -> bool:
        return all(node.holds(post) for node in self.nodes)


@dataclass(frozen=True, slots=True)
class Not:
    """It must not hold."""

    node: Node

    def holds(self, post: Post) -> bool:
        return not self.node.holds(post)


def term(text: str) -> Term | Domain | None:
    """A word, a phrase or a domain out of a query's text; None where it holds no word. "*" ends a word of any ending."""
    bare = _DOT.sub(".", text.strip())
    if _DOMAIN.match(bare):
        return Domain(fold_host(bare))
    words: list[Word] = []
    for chunk in text.split():
        folded = prepare(_loose(chunk.rstrip("*"))).folded
        words += [Word(word) for word in folded[:-1]]
        if folded:
            words.append(Word(folded[-1], chunk.endswith("*")))
    return Term(text.strip(), tuple(words)) if words else None


def exact_term(text: str) -> Term | None:
    """A word or phrase whose case and accents count."""
    words = prepare(_loose(text))
    if not words.folded:
        return None
    written = tuple(words.slice(at, at + 1) for at in range(len(words.folded)))
    return Term(text.strip(), tuple(Word(word) for word in words.folded), written)


def fold_host(host: str) -> str:
    """A host's name as it is compared: lower case, without www."""
    return exact(host).strip(".").removeprefix("www.")


def _hosts(text: str) -> set[str]:
    """Every host a text names, and the ones above it: shop.acme.com gives acme.com too."""
    found: set[str] = set()
    if "." not in text and "dot" not in text.lower() and "[" not in text and "(" not in text:
        return found
    for match in _HOST.finditer(_DOT.sub(".", text)):
        labels = fold_host(match.group()).split(".")
        found.update(".".join(labels[n:]) for n in range(len(labels) - 1))
    return found


def _loose(text: str) -> str:
    """Handles count as words for queries: what is said to @Acme mentions Acme."""
    return text.replace("@", " ")


def _nowhere(post: Post) -> list[Span]:
    return []
