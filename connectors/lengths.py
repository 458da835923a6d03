"""How long a text is, as platforms count it before they refuse it.

Where a rule is not followed to its last corner the count is too high, never too low: who writes at the limit is asked
for a shorter text, and nothing is refused behind their back.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

LINK = 23  # what a link counts on X and on Mastodon, however long it is

LINKS = re.compile(r"https?://\S+", re.IGNORECASE)
_BARE = re.compile(r"(?<![\w@./-])(?:[\w-]+\.)+[a-z]{2,}(?:/\S*)?", re.IGNORECASE)  # X makes links of these, too
_ELSEWHERE = re.compile(r"(?<![\w/])@(\w+)@[\w.-]*\w")
_JOINER = "\u200d"
# docs.x.com, "Counting characters" (twitter-text, configuration 3): these count one, all others two.
_LIGHT = ((0, 4351), (8192, 8205), (8208, 8223), (8242, 8247))


def graphemes(text: str) -> Iterator[str]:
    """What a reader takes for one sign: a letter with its accents, an emoji with all it is joined of, a flag."""
    cluster = ""
    for sign in unicodedata.normalize("NFC", text):
        if cluster and (_extends(sign) or cluster.endswith(_JOINER) or (_is_half_a_flag(sign) and _half(cluster))):
            cluster += sign
            continue
        if cluster:
            yield cluster
        cluster = sign
    if cluster:
        yield cluster


def on_bluesky(text: str) -> int:
    """300 graphemes, and 3,000 bytes (lexicon app.bsky.feed.post); the count that is nearer to its limit, in tenths of bytes."""
    return max(sum(1 for _ in graphemes(text)), -(-len(text.encode()) // 10))


def on_mastodon(text: str) -> int:
    """Graphemes; a link is 23, an account of another server its name (docs.joinmastodon.org/user/posting)."""
    text = _ELSEWHERE.sub(r"@\1", LINKS.sub("x" * LINK, text))
    return sum(1 for _ in graphemes(text))


def on_x(text: str) -> int:
    """Weighted: Latin letters and their like 1, all others and every emoji 2, a link 23."""
    text = unicodedata.normalize("NFC", text)
    count = LINK * len(LINKS.findall(text))
    rest = LINKS.sub(" ", text)
    count -= len(LINKS.findall(text))  # the blanks in their place
    for bare in _BARE.findall(rest):
        count += max(0, LINK - _weight(bare))
    return count + _weight(rest)


def _weight(text: str) -> int:
    return sum(
        min(2, sum(_heavy(sign) for sign in one)) if _is_emoji(one) else sum(map(_heavy, one))
        for one in graphemes(text)
    )


def _heavy(sign: str) -> int:
    return 1 if any(low <= ord(sign) <= high for low, high in _LIGHT) else 2


def _is_emoji(cluster: str) -> bool:
    return any(unicodedata.category(sign) == "So" for sign in cluster) or "\ufe0f" in cluster


def _extends(sign: str) -> bool:
    if sign == _JOINER or unicodedata.category(sign) in ("Mn", "Me", "Mc"):  # variation selectors are Mn
        return True
    return 0x1F3FB <= ord(sign) <= 0x1F3FF or 0xE0020 <= ord(sign) <= 0xE007F


def _is_half_a_flag(sign: str) -> bool:
    return 0x1F1E6 <= ord(sign) <= 0x1F1FF


def _half(cluster: str) -> bool:
    return len(cluster) == 1 and _is_half_a_flag(cluster)
