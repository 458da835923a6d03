"""Text to words, once: what the rule engine, queries and sentiment all read.

`prepare(text)` splits a post into words with a folded form (case, accents, ß and apostrophes made equal), in sentences and
clauses. Handles and addresses of pages are no words, hashtags are (#BoycottAcme gives "boycott", "acme"), each emoji is
one. Elided and clitic parts are words of their own: "l'appli" gives "l", "appli"; "Acme's" gives "acme", "s"; but "don't"
gives "dont", as many people write it. Linear in the text, for any text; most of the engine's time is spent here, so
plain words take the short way, and places in the text are worked out only when somebody asks for them.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from functools import lru_cache
from itertools import accumulate, compress, repeat
from operator import add
from sys import intern
from typing import Any, NamedTuple

_EMOJI = (
    "\u203c\u2049\u2194-\u21aa\u231a-\u23ff\u25aa-\u25fe\u2600-\u27bf\u2934\u2935\u2b05-\u2b55"
    "\u3030\u303d\u3297\u3299\U0001f000-\U0001faff"
)
_JOINED = "\ufe0e\ufe0f\u20e3\U0001f3fb-\U0001f3ff"  # variation selectors and skin tones belong to the emoji before
_LETTERS = r"[^\W_]+(?:[\u0300-\u036f][^\W_]*|'[^\W_]+)*"

# Read within a chunk, a run without white space. Every repetition is bounded or disjoint from what follows it, so that
# scanning stays linear on hostile text.
_TOKEN = re.compile(
    rf"""
      (?i:https?://|www\.).+ | \b[^\W_]{{1,63}}(?:\.[^\W_]{{1,63}}){{1,4}}/.*                    # a page's address
    | (\d+(?:[.,]\d+)*|[€$£%])                                                                  # 1 number, unit
    | ({_LETTERS})                                                                              # 2 word
    | (?<![\w@])@(\w{{1,64}})(?:@[\w.-]{{1,128}})?                                              # 3 handle
    | (?<![\w&])\#(\w+)                                                                         # 4 hashtag
    | ([{_EMOJI}])(?:[{_JOINED}]|\u200d[{_EMOJI}])*                                             # 5 emoji
    | ([!?]+[.!?…]*|\.(?=["'»”)\]]{{0,3}}$))                                                    # 6 end of a sentence
    | ([,;:()\[\]—–…]|\.{{2,}}|^-+$)                                                            # 7 end of a clause
    """,
    re.VERBOSE | re.DOTALL,
)
_NUMBER, _WORD, _HANDLE, _HASHTAG, _PICTURE, _END, _CLAUSE = range(1, 8)  # the first two become words
_CLAUSES = frozenset(",;:)")
_MARKS = _CLAUSES | frozenset(".!?")
Token = tuple[int, str, int, int]  # kind, word or mark, where it begins and ends in its chunk
Read = str | tuple[Token, ...]  # what a chunk holds
_REMEMBERED = 32  # characters of a chunk, at most

_HUMP = re.compile(r"\d+|[A-Z]+(?![a-z])|[A-Z]?[a-z]+")  # `humps` for plain letters, where it is asked for most
_RUN = re.compile(r"[^\W\d_]+|\d+")
_APOSTROPHES = "’`‘´ʼ＇ʹ′"
_LIGATURES = {"œ": "oe", "æ": "ae", "ø": "o", "ł": "l", "đ": "d", "ı": "i", "ð": "d"}
_GLUED = frozenset(("t", "m", "ve"))  # don't, I'm, I've: written without apostrophe as often as with it
_GLUED_IS = frozenset(
    ("it", "what", "that", "he", "she", "who", "where", "how", "there", "here", "let", "when", "why")
)  # it's = its
_ABBREVIATIONS = frozenset(
    (
        "mr", "mrs", "ms", "dr", "vs", "st", "etc", "env", "ex", "ca", "bzw", "usw", "zb", "sig", "sra", "sr", "srl", "tel",
        "nr", "approx", "incl", "excl", "inkl", "evtl", "ggf", "resp", "art", "av", "bd",
    )
)  # fmt: skip


class Sentence(NamedTuple):
    """A run of words between two sentence ends."""

    first: int  # index of its first word
    stop: int  # index after its last word
    question: bool  # ends with a question mark


class Handle(NamedTuple):
    """A handle, which stands before word number `at`."""

    at: int
    name: str  # without "@" and without a server
    chunk: int  # where it is written: `Words.handle_span`
    begin: int
    stop: int


class Words:
    """A text's words. Their places in the text are worked out at the first question, which is why this is no dataclass."""

    __slots__ = (
        "_bases", "_chunks", "_counts", "_forms", "_plain", "_reads",
        "breaks", "firsts", "folded", "handles", "numbers", "sentences", "text",
    )  # fmt: skip

    def __init__(
        self,
        text: str,
        plain: str,
        folded: list[str],
        sentences: list[Sentence],
        firsts: list[int],
        breaks: list[int],
        handles: list[Handle],
        numbers: list[int],
        chunks: list[str],
        reads: list[Read],
    ) -> None:
        self.text = text
        self._plain = plain  # of the same length, with straight apostrophes
        self.folded = folded
        self.sentences = sentences  # empty where there is no word
        self.firsts = firsts  # first word of each sentence
        self.breaks = breaks  # words that begin a clause: behind a comma, dash, bracket, sentence end; ascending
        self.handles = handles
        self.numbers = numbers  # words that are numbers, or units like € and %
        self._chunks = chunks  # runs without white space, apostrophes made straight
        self._reads = reads  # what each of them holds
        self._forms: list[tuple[int, str, list[str]]] | None = None
        self._bases: list[int] = []  # where each chunk begins; empty until asked for
        self._counts: list[int] = []  # words before each chunk; empty until asked for

    def __len__(self) -> int:
        return len(self.folded)

    def sentence_of(self, at: int) -> int:
        """Index of the sentence that word `at` stands in."""
        return bisect_right(self.firsts, at) - 1

    def same_clause(self, one: int, other: int) -> bool:
        """Whether two words stand in the same clause."""
        return bisect_right(self.breaks, one) == bisect_right(self.breaks, other)

    def span(self, at: int) -> tuple[int, int]:
        """Where word `at` begins and ends in the text, in characters."""
        number = bisect_right(self._counts or self._count(), at) - 1
        base, read = self._bases[number], self._reads[number]
        if isinstance(read, str):
            return base, base + len(self._chunks[number])
        _, _, begin, stop = [token for token in read if token[0] <= _WORD][at - self._counts[number]]
        return base + begin, base + stop

    def reach(self, first: int, stop: int) -> tuple[int, int]:
        """Where the words from `first` up to, not including, `stop` begin and end in the text."""
        begin, end = self.span(first)
        return begin, end if stop == first + 1 else self.span(stop - 1)[1]

    def handle_forms(self) -> list[tuple[int, str, list[str]]]:
        """For each handle the word it stands before, its folded name, and that name's beginnings by its capitals.

        @AcmeHelp: "acmehelp", with the beginning "acme".
        """
        if self._forms is None:
            self._forms = []
            for handle in self.handles:
                name = handle.name
                low = fold(name).replace("_", "")
                spans = humps(name[:64])[:-1] if name != low else []
                joined = ""
                forms = [joined := joined + fold(name[a:b]) for a, b in spans]
                self._forms.append((handle.at, low, forms))
        return self._forms

    def handle_span(self, handle: Handle) -> tuple[int, int]:
        """Where a handle begins and ends in the text."""
        if not self._counts:
            self._count()
        base = self._bases[handle.chunk]
        return base + handle.begin, base + handle.stop

    def slice(self, first: int, stop: int) -> str:
        """The text from word `first` up to, not including, word `stop`, as its author wrote it."""
        begin, end = self.reach(first, stop)
        return self.text[begin:end]

    def written(self, most: int) -> list[str]:
        """The first `most` words, as their author wrote them."""
        return [self.slice(at, at + 1) for at in range(min(most, len(self.folded)))]

    def _count(self) -> list[int]:
        """Find the place of each chunk, and the words before it."""
        chunks = self._chunks
        lengths = list(map(len, chunks))
        if len(self._plain) == sum(lengths) + len(chunks) - 1:  # one space between, none around
            self._bases = list(map(add, accumulate(lengths, initial=0), range(len(chunks))))
        else:
            at = 0
            for chunk in chunks:
                at = self._plain.index(chunk, at)
                self._bases.append(at)
                at += len(chunk)
        reads: list[Any] = self._reads
        held = [1] * len(reads)
        for at in compress(range(len(reads)), map(isinstance, reads, repeat(tuple))):
            held[at] = sum([token[0] <= _WORD for token in reads[at]])
        self._counts = list(accumulate(held, initial=0))
        return self._counts


def fold(word: str) -> str:
    """Lower case, without accents, ß as ss, œ as oe. Folding twice changes nothing."""
    if word.isascii():
        return word.lower()
    for _ in range(4):  # a second round is needed by few letters, a third by none known
        plain = unicodedata.normalize("NFKD", word.casefold())
        if not plain.isascii():
            plain = "".join([_LIGATURES.get(c, c) for c in plain if not unicodedata.combining(c)])
            if not plain.isascii():
                plain = plain.casefold()
        if plain == word or plain.isascii():
            return plain.lower()
        word = plain
    return word


def exact(word: str) -> str:
    """Lower case with accents kept: what a phrase element marked with "=" compares."""
    return unicodedata.normalize("NFC", word.casefold())


def straight(text: str) -> str:
    """The same text, of the same length, with typographic apostrophes as "'"."""
    if text.isascii():
        return text
    for mark in _APOSTROPHES:  # faster than str.translate, which asks for every character
        if mark in text:
            text = text.replace(mark, "'")
    return text


def parts(word: str) -> list[tuple[int, int]]:
    """Where a word with inner apostrophes comes apart: spans into `word`. See the module's first lines."""
    spans: list[tuple[int, int]] = []
    begin = 0
    at = word.find("'")
    while at >= 0:
        after = word.find("'", at + 1)
        right = word[at + 1 : after if after >= 0 else len(word)].lower()
        left = word[begin:at].lower()
        glued = (right == "s" and left in _GLUED_IS) or (
            right in _GLUED and (right != "t" or left.endswith("n")) and left not in ("n", "j", "d", "l")
        )
        if not glued:
            spans.append((begin, at))
            begin = at + 1
        at = after
    spans.append((begin, len(word)))
    return spans


def humps(tag: str) -> list[tuple[int, int]]:
    """Where a hashtag or handle in camel case comes apart: spans into `tag`. Capitals in a row stay together."""
    if tag.isascii():
        return [found.span() for found in _HUMP.finditer(tag)]
    spans: list[tuple[int, int]] = []
    for run in _RUN.finditer(tag):
        begin, stop = run.span()
        for i in range(begin + 1, stop):
            if tag[i].isupper() and (not tag[i - 1].isupper() or (i + 1 < stop and tag[i + 1].islower())):
                spans.append((begin, i))
                begin = i
        spans.append((begin, stop))
    return spans


def prepare(text: str) -> Words:
    """Split a text into words. Never raises."""
    plain = straight(text)
    folded: list[str] = []
    sentences: list[Sentence] = []
    firsts: list[int] = []
    breaks: list[int] = []
    handles: list[Handle] = []
    numbers: list[int] = []
    chunks: list[str] = []
    reads: list[Read] = []
    first = 0
    for line in plain.splitlines():
        row = line.split()
        here = list(map(_read if max(map(len, row), default=0) <= _REMEMBERED else _read_new, row))
        number = len(chunks)
        chunks += row
        reads += here
        for read in here:
            if isinstance(read, str):
                folded.append(read)
                number += 1
                continue
            for kind, word, begin, stop in read:
                if kind <= _WORD:
                    if kind == _NUMBER:
                        numbers.append(len(folded))
                    folded.append(word)
                elif kind == _CLAUSE:
                    breaks.append(len(folded))
                elif kind == _HANDLE:
                    handles.append(Handle(len(folded), word, number, begin, stop))
                elif first < len(folded) and not (word == "." and _abbreviates(folded[-1])):
                    sentences.append(Sentence(first, len(folded), "?" in word))
                    firsts.append(first)
                    first = len(folded)
                    breaks.append(first)
            number += 1
        if first < len(folded):
            sentences.append(Sentence(first, len(folded), False))
            firsts.append(first)
            first = len(folded)
            breaks.append(first)
    return Words(text, plain, folded, sentences, firsts, breaks, handles, numbers, chunks, reads)


def _abbreviates(word: str) -> bool:
    return (len(word) == 1 and word.isalpha()) or word in _ABBREVIATIONS


def _read_new(chunk: str) -> Read:
    """What a chunk holds: a plain word, folded, or its tokens in order; words among them carry their folded form."""
    if chunk.isalpha():
        return intern(fold(chunk))
    mark = chunk[-1]
    if mark in _MARKS and chunk[:-1].isalpha():
        kind = _CLAUSE if mark in _CLAUSES else _END
        return (_WORD, intern(fold(chunk[:-1])), 0, len(chunk) - 1), (kind, mark, 0, 0)
    return tuple(_tokens(chunk))


# People write the same words all the time: reading a chunk anew takes ten times as long as remembering it, and a word that
# is the same object everywhere is found faster in every dictionary after. Bounded in number and length.
_read = lru_cache(8192)(_read_new)


def _tokens(chunk: str) -> list[Token]:
    tokens: list[Token] = []
    for found in _TOKEN.finditer(chunk):
        kind = found.lastindex
        if kind is None:
            continue  # a page's address
        begin, stop = found.span()
        if kind == _WORD:
            word = found.group()
            if "'" not in word:
                tokens.append((_WORD, intern(fold(word)), begin, stop))
            else:
                tokens += [
                    (_WORD, intern(fold(word[a:b].replace("'", ""))), begin + a, begin + b) for a, b in parts(word)
                ]
        elif kind == _NUMBER:
            tokens.append((_NUMBER, found.group(), begin, stop))
        elif kind == _PICTURE:
            tokens.append((_WORD, chunk[begin], begin, stop))
        elif kind == _HASHTAG:
            tag = found.group(_HASHTAG)
            for a, b in humps(tag):
                tokens.append((_NUMBER if tag[a].isdecimal() else _WORD, fold(tag[a:b]), begin + 1 + a, begin + 1 + b))
        elif kind == _HANDLE:
            tokens.append((_HANDLE, found.group(_HANDLE), begin, stop))
        else:
            tokens.append((kind, found.group(), begin, stop))
    return tokens
