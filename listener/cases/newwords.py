"""Words that are new in a spike: used by several of its authors, and hardly by those who wrote of the same before.

Counted by author, since one person who repeats himself makes no news (METHODS §6.2). Words and pairs of neighbours, in any
language; which words are common anyhow is learnt from the earlier posts, and without enough of them nothing is said. Pure.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterable, Sequence
from itertools import pairwise

LEAST_AUTHORS = 3
LEAST_SHARE = 0.15  # of the spike's authors
LEAST_EARLIER = 20  # authors before it, or nothing is said
_FACTOR = 4.0  # how much more often than before
_MOST = 3
_OUTSIDE = re.compile(r"https?://\S+|www\.\S+|[@#]?\S+@\S+|@\S+")
_WORD = re.compile(r"[^\W\d_](?:[\w'’-]*\w)?")
_LONGEST = 40

Said = tuple[str, str]  # author, text


def new_words(now: Sequence[Said], before: Sequence[Said], known: Collection[str]) -> list[tuple[str, int]]:
    """At most three words or pairs with their number of authors, the most telling first. `known`: the brand's own names."""
    spoken, earlier = _authors_of(now, known), _authors_of(before, known)
    authors, usual = len({author for author, _ in now}), len({author for author, _ in before})
    if usual < LEAST_EARLIER:
        return []
    scores: dict[str, float] = {}
    for term, of in spoken.items():
        if len(of) < max(LEAST_AUTHORS, LEAST_SHARE * authors):
            continue
        share, was = (len(of) + 0.5) / (authors + 1), (len(earlier.get(term, ())) + 0.5) / (usual + 1)
        if share >= _FACTOR * was:
            scores[term] = len(of) * math.log(share / was)
    chosen: list[str] = []
    # A pair says more than its words do, where nearly all who use the word use the pair.
    for term in sorted(scores, key=lambda one: (-scores[one] * (1.3 if " " in one else 1.0), one)):
        if not any(set(term.split()) & set(other.split()) for other in chosen):
            chosen.append(term)
        if len(chosen) == _MOST:
            break
    return [(term, len(spoken[term])) for term in chosen]


def _authors_of(said: Iterable[Said], known: Collection[str]) -> dict[str, set[str]]:
    names = {word for name in known for word in _WORD.findall(name.casefold())}
    found: dict[str, set[str]] = {}
    for author, text in said:
        words = [word for word in _WORD.findall(_OUTSIDE.sub(" . ", text.casefold())) if len(word) <= _LONGEST]
        terms = {word for word in words if len(word) > 3} | {
            f"{one} {two}" for one, two in pairwise(words) if len(one) > 2 and len(two) > 2
        }
        for term in terms:
            if not names & set(term.split()):
                found.setdefault(term, set()).add(author)
    return found
