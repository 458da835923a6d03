"""The weekly audit: twenty verdicts drawn by chance, for a person to look at; half of them where misses hide.

Pure, and the same twenty for a week however often they are drawn, so that an audit may be left and taken up again. Drawn are posts
of others: what the rules found about the brand, and what they set aside as irrelevant, promotional or low (METHODS §9.2).
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b

from listener.model import Counted
from rules.vocabulary import Urgency

SAMPLE = 20  # verdicts a week
SET_ASIDE = 10  # of them from those that nobody is told of


def sample(posts: Iterable[Counted], week: str) -> list[Counted]:
    """The audit's posts of `week` ("2026-W47"), in the order in which chance drew them; fewer where there are fewer."""
    told: list[tuple[bytes, Counted]] = []
    aside: list[tuple[bytes, Counted]] = []
    for post in posts:
        if post.subject not in ("brand", "none") or not post.text:
            continue  # our own posts, rivals', drills, and what was removed
        drawn = blake2b(f"{week}:{post.ref}".encode(), digest_size=8).digest()
        low = post.urgency is Urgency.LOW or not post.relevant or post.promotional
        pile = aside if low else told
        pile.append((drawn, post))
        if len(pile) > 4 * SAMPLE:  # a week may hold a million
            pile.sort(key=lambda one: one[0])
            del pile[SAMPLE:]
    for pile in (told, aside):
        pile.sort(key=lambda one: one[0])
    of_aside = min(len(aside), max(SET_ASIDE, SAMPLE - len(told)))
    chosen = aside[:of_aside] + told[: SAMPLE - of_aside]
    return [post for _, post in sorted(chosen, key=lambda one: one[0])]
