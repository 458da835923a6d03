"""Text in an SVG: how wide it is about to be, and where its lines break.

SVG does not wrap. Widths are estimated per character for a sans-serif face, on the wide side, so that lines stay
inside their column whatever font the reader's machine has; long words are broken, too much text ends in an ellipsis.
"""

from __future__ import annotations

import unicodedata

_NARROW = frozenset("iljtfrI.,:;'’!|()[]·")
_BROAD = frozenset("mwMW@%—…")


def width(text: str, size: float) -> float:
    """The estimated width of `text` at font size `size`, in the same unit."""
    return size * sum(map(_em, text))


def wrap(text: str, room: float, size: float, lines: int) -> list[str]:
    """`text` as at most `lines` lines no wider than `room`."""
    found: list[str] = []
    line = ""
    for word in text.split():
        joined = f"{line} {word}" if line else word
        if width(joined, size) <= room:
            line = joined
            continue
        if line:
            found.append(line)
        while width(word, size) > room:
            head = _head(word, room, size)
            found.append(head)
            word = word[len(head) :]  # the rest of a broken word goes on as a word
            if len(found) > lines:
                break
        line = word
        if len(found) > lines:
            break
    if line:
        found.append(line)
    if len(found) <= lines:
        return found
    last = found[lines - 1]
    while last and width(last + "…", size) > room:
        last = last[:-1]
    return [*found[: lines - 1], last.rstrip(" ,.;:") + "…"]


def fit(text: str, room: float, size: float) -> str:
    """`text` on one line, cut with an ellipsis where it does not fit."""
    if width(text, size) <= room:
        return text
    return _head(text, room - width("…", size), size).rstrip() + "…"


def _head(word: str, room: float, size: float) -> str:
    used = 0.0
    for place, character in enumerate(word):
        used += _em(character) * size
        if used > room:
            return word[: max(1, place)]
    return word


def _em(character: str) -> float:
    if unicodedata.combining(character) or character in "\u200b\u200c\u200d\ufe0f":
        return 0.0
    if unicodedata.east_asian_width(character) in "WF":
        return 1.08
    if character == " ":
        return 0.3
    if character in _NARROW:
        return 0.33
    if character in _BROAD:
        return 0.9
    return 0.68 if character.isupper() else 0.55
