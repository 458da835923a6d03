"""Text to words, once: what the rule engine, queries and sentiment all read.

`prepare(text)` splits a post into words with a folded form (case, accents, ß and apostrophes made equal), their
place in the text, the sentence and the clause they stand in. Handles and addresses of pages are no words, hashtags
are (#BoycottAcme gives "boycott", "acme"), each emoji is one. Elided and clitic parts are words of their own:
"l'appli" gives "l", "appli"; "Acme's" gives "acme", "s"; but "don't" gives "dont", as many people write it.
Linear in the text, for any text.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

_EMOJI = (
    "\u203c\u2049\u2122\u2139\u2194-\u21aa\u231a-\u23ff\u24c2\u25aa-\u25fe\u2600-\u27bf\u2934\u2935\u2b05-\u2b55"
    "\u3030\u303d\u3297\u3299\U0001f000-\U0001faff"
)
_JOINED = "\ufe0e\ufe0f\u20e3\U0001f3fb-\U0001f3ff"  # variation selectors and skin tones belong to the emoji before
_LETTERS = r"[^\W_]+(?:[\u0300-\u036f][^\W_]*|'[^\W_]+)*"

# Every repetition is bounded or disjoint from what follows it, so that scanning stays linear on hostile text.
_TOKEN = re.compile(
    rf"""
      (?:https?://|www\.)\S+ | \b[^\W_]{{1,63}}(?:\.[^\W_]{{1,63}}){{1,4}}/\S*                  # a page's address
    | (?<![\w@])@(\w{{1,64}})(?:@[\w.-]{{1,128}})?                                              # 1 handle
    | (?<![\w&])\#(\w+)                                                                         # 2 hashtag
    | (\d+(?:[.,]\d+)*|[€$£%])                                                                  # 3 number, unit
    | ({_LETTERS})                                                                              # 4 word
    | ([{_EMOJI}])(?:[{_JOINED}]|\u200d[{_EMOJI}])*                                             # 5 emoji
    | ([!?]+[.!?…]*|[\n\r\u2028\u2029]+|\.(?=["'»”)\]]{{0,3}}(?:\s|$)))                         # 6 end of a sentence
    | ([,;:()\[\]—–…]|\.{{2,}}|(?<=\s)-+(?=\s))                                                 # 7 end of a clause
    """,
    re.VERBOSE,
)
_HANDLE, _HASHTAG, _NUMBER, _WORD, _PICTURE, _END, _CLAUSE = range(1, 8)

_CAMEL = re.compile(r"[^\W\d_]+|\d+")
_APOSTROPHES = str.maketrans(dict.fromkeys("’‘ʼ´`＇ʹ′", "'"))
_LIGATURES = str.maketrans({"œ": "oe", "æ": "ae", "ø": "o", "ł": "l", "đ": "d", "ı": "i", "ð": "d"})
_GLUED = frozenset(("t", "m", "ve"))  # don't, I'm, I've: written without apostrophe as often as with it
_GLUED_IS = frozenset(
    ("it", "what", "that", "he", "she", "who", "where", "how", "there", "here", "let", "when", "why")
)  # it's = its
_ABBREVIATIONS = frozenset(
    (
        "mr",
        "mrs",
        "ms",
        "dr",
        "vs",
        "st",
        "etc",
        "env",
        "ex",
        "ca",
        "bzw",
        "usw",
        "zb",
        "sig",
        "sra",
        "sr",
        "srl",
        "tel",
        "nr",
        "approx",
        "incl",
        "excl",
        "inkl",
        "evtl",
        "ggf",
        "resp",
        "art",
        "av",
        "bd",
    )
)


@dataclass(frozen=True, slots=True)
class Sentence:
    """A run of words between two sentence ends."""

    first: int  # index of its first word
    stop: int  # index after its last word
    question: bool  # ends with a question mark


@dataclass(frozen=True, slots=True)
class Handle:
    """A handle as it stands in the text, before word number `at`."""

    at: int
    name: str  # without "@" and without a server
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Words:
    """A text's words, as parallel lists. `sentences` is empty where there is no word."""

    text: str
    folded: list[str]
    starts: list[int]  # character offsets into `text`
    ends: list[int]
    sentence: list[int]  # index into `sentences`
    clause: list[int]  # grows at commas, dashes, brackets and sentence ends
    sentences: list[Sentence]
    handles: list[Handle]

    def slice(self, first: int, stop: int) -> str:
        """The text from word `first` up to, not including, word `stop`, as its author wrote it."""
        return self.text[self.starts[first] : self.ends[stop - 1]]


def fold(word: str) -> str:
    """Lower case, without accents, ß as ss, œ as oe. Folding twice changes nothing."""
    if word.isascii():
        return word.lower()
    for _ in range(4):  # a second round is needed by few letters, a third by none known
        before = word
        plain = unicodedata.normalize("NFKD", word.casefold()).translate(_LIGATURES)
        word = "".join([c for c in plain if not unicodedata.combining(c)]).casefold()
        if word == before:
            break
    return word


def exact(word: str) -> str:
    """Lower case with accents kept: what a phrase element marked with "=" compares."""
    return unicodedata.normalize("NFC", word.casefold())


def straight(text: str) -> str:
    """The same text, of the same length, with typographic apostrophes as "'"."""
    return text if text.isascii() and "`" not in text else text.translate(_APOSTROPHES)


def parts(word: str) -> list[tuple[int, int]]:
    """Where a word with inner apostrophes comes apart: spans into `word`. See the module's first lines."""
    spans: list[tuple[int, int]] = []
    begin = 0
    at = word.find("'")
    while at >= 0:
        after = word.find("'", at + 1)
        right = word[at + 1 : after if after >= 0 else len(word)].lower()
        left = word[begin:at].lower()
        if not (
            (right == "s" and left in _GLUED_IS)
            or (right in _GLUED and (right != "t" or left.endswith("n")) and left not in ("n", "j", "d", "l"))
        ):
            spans.append((begin, at))
            begin = at + 1
        at = after
    spans.append((begin, len(word)))
    return spans


def humps(tag: str) -> list[tuple[int, int]]:
    """Where a hashtag or handle in camel case comes apart: spans into `tag`. Capitals in a row stay together."""
    spans: list[tuple[int, int]] = []
    for run in _CAMEL.finditer(tag):
        begin, stop = run.span()
        for i in range(begin + 1, stop):
            ends_hump = tag[i].isupper() and (not tag[i - 1].isupper() or (i + 1 < stop and tag[i + 1].islower()))
            if ends_hump:
                spans.append((begin, i))
                begin = i
        spans.append((begin, stop))
    return spans


def prepare(text: str) -> Words:
    """Split a text into words. Never raises."""
    plain = straight(text)
    folded: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    sentence: list[int] = []
    clause: list[int] = []
    sentences: list[Sentence] = []
    handles: list[Handle] = []
    first = clauses = 0
    pieces: tuple[tuple[str, int, int], ...]

    for found in _TOKEN.finditer(plain):
        kind = found.lastindex
        if kind == _WORD:
            begin, stop = found.span()
            word = plain[begin:stop]
            low = word.lower() if word.isascii() else fold(word)
            if "'" not in low:
                pieces = ((low, begin, stop),)
            else:
                pieces = tuple((fold(word[a:b].replace("'", "")), begin + a, begin + b) for a, b in parts(word))
        elif kind == _CLAUSE:
            clauses += 1
            continue
        elif kind == _END:
            mark = found.group()
            if first == len(folded):
                continue
            if mark == "." and ((len(folded[-1]) == 1 and folded[-1].isalpha()) or folded[-1] in _ABBREVIATIONS):
                continue
            sentences.append(Sentence(first, len(folded), "?" in mark))
            first = len(folded)
            clauses += 1
            continue
        elif kind == _NUMBER:
            begin, stop = found.span()
            pieces = ((plain[begin:stop], begin, stop),)
        elif kind == _PICTURE:
            begin = found.start()
            pieces = ((plain[begin], begin, found.end()),)
        elif kind == _HASHTAG:
            begin = found.start(_HASHTAG)
            tag = found.group(_HASHTAG)
            pieces = tuple((fold(tag[a:b]), begin + a, begin + b) for a, b in humps(tag))
        elif kind == _HANDLE:
            handles.append(Handle(len(folded), found.group(_HANDLE), found.start(), found.end()))
            continue
        else:
            continue
        at = len(sentences)
        for low, begin, stop in pieces:
            folded.append(low)
            starts.append(begin)
            ends.append(stop)
            sentence.append(at)
            clause.append(clauses)

    if first < len(folded):
        sentences.append(Sentence(first, len(folded), False))
    return Words(text, folded, starts, ends, sentence, clause, sentences, handles)
