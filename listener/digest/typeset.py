"""Text in an SVG: how wide it is about to be, and where its lines break.

SVG does not wrap. Widths are estimated per character for a sans-serif face, on the wide side, so that lines stay
inside their column whatever font the reader's machine has; long words are broken, too much text ends in an ellipsis
between two words.
"""

from __future__ import annotations

import unicodedata

# Advance widths of DejaVu Sans in em, the widest of the faces that pages and pictures meet (other than monospaced ones).
_GROUPS = (
    ("ijlI.,:;'’!|()[]·", 0.36),
    (" ", 0.32),
    ('tfr“”"-–', 0.45),
    ("csvxyzkJ", 0.57),
    ("wM▲▼→±−+×", 0.86),
    ("mW@%—…", 1.0),
)
_EMS = {character: em for group, em in _GROUPS for character in group}
_BOLD = 1.08  # a bold face against a plain one
SERIF = 0.92  # a text face with serifs against it


def width(text: str, size: float, *, bold: bool = False) -> float:
    """The estimated width of `text` at font size `size`, in the same unit."""
    return size * sum(map(_em, text)) * (_BOLD if bold else 1.0)


def wrap(text: str, room: float, size: float, lines: int, *, bold: bool = False) -> list[str]:
    """`text` as at most `lines` lines no wider than `room`."""
    size *= _BOLD if bold else 1.0
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
    last, following = found[lines - 1], found[lines]
    return [*found[: lines - 1], _cut(f"{last} {following}", room, size)]


def fit(text: str, room: float, size: float, *, bold: bool = False) -> str:
    """`text` on one line, cut with an ellipsis where it does not fit; nothing where there is no room at all."""
    size *= _BOLD if bold else 1.0
    if width(text, size) <= room:
        return text
    return _cut(text, room, size)


def leftward(text: str) -> bool:
    """Whether `text` is written from right to left: its first letter that has a direction decides (UAX 9, P2)."""
    for character in text:
        direction = unicodedata.bidirectional(character)
        if direction in ("L", "R", "AL"):
            return direction != "L"
    return False


def _cut(text: str, room: float, size: float) -> str:
    """The beginning of a `text` that is too long, with an ellipsis: of whole words, unless that leaves less than half."""
    left = room - width("…", size)
    if left <= 0:
        return ""
    head = _head(text, left, size)
    whole = head if text[len(head) :].startswith(" ") else head.rpartition(" ")[0]
    return (whole if len(whole) * 2 >= len(head) else head).rstrip(" ,.;:") + "…"


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
    return _EMS.get(character) or (0.74 if character.isupper() else 0.64)
