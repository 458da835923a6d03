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
from itertools import accumulate
from typing import NamedTuple

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
        "_chunk_of", "_chunks", "_ends", "_forms", "_pieces", "_places", "_plain", "_starts",
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
        chunk_of: list[int],
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
        self._chunk_of = chunk_of  # the chunk of each word
        self._forms: list[tuple[int, str, list[str]]] | None = None
        self._places: list[int] = []
        self._pieces: dict[int, list[tuple[int, int]]] = {}
        self._starts: list[int] | None = None
        self._ends: list[int] | None = None

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
        number = self._chunk_of[at]
        base = (self._places or self._lay_chunks())[number]
        chunk = self._chunks[number]
        if chunk.isalpha():
            return base, base + len(chunk)
        pieces = self._pieces.get(number)
        if pieces is None:
            pieces = self._pieces[number] = _spans(chunk)
        first = at
        while first > 0 and self._chunk_of[first - 1] == number and at - first < len(pieces):
            first -= 1
        begin, stop = pieces[at - first]
        return base + begin, base + stop

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
        base = (self._places or self._lay_chunks())[handle.chunk]
        return base + handle.begin, base + handle.stop

    @property
    def starts(self) -> list[int]:
        """Where each word begins in the text."""
        if self._starts is None:
            self._lay_out()
        assert self._starts is not None
        return self._starts

    @property
    def ends(self) -> list[int]:
        """Where each word ends in the text."""
        if self._ends is None:
            self._lay_out()
        assert self._ends is not None
        return self._ends

    def slice(self, first: int, stop: int) -> str:
        """The text from word `first` up to, not including, word `stop`, as its author wrote it."""
        return self.text[self.span(first)[0] : self.span(stop - 1)[1]]

    def _lay_chunks(self) -> list[int]:
        """Where each chunk begins in the text."""
        chunks = self._chunks
        if len(self._plain) == sum(map(len, chunks)) + len(chunks) - 1:  # one space between, none around
            places = list(accumulate([len(chunk) + 1 for chunk in chunks], initial=0))
        else:
            at = 0
            places = []
            for chunk in chunks:
                at = self._plain.index(chunk, at)
                places.append(at)
                at += len(chunk)
        self._places = places
        return places

    def _lay_out(self) -> None:
        spans: list[tuple[int, int]] = []
        for base, chunk in zip(self._places or self._lay_chunks(), self._chunks, strict=False):
            if chunk.isalpha():
                spans.append((base, base + len(chunk)))
            else:
                spans += [(base + a, base + b) for a, b in _spans(chunk)]
        self._starts = [a for a, _ in spans]
        self._ends = [b for _, b in spans]


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
    ascii_only = plain.isascii()
    folded: list[str] = []
    sentences: list[Sentence] = []
    firsts: list[int] = []
    breaks: list[int] = []
    handles: list[Handle] = []
    chunks: list[str] = []
    chunk_of: list[int] = []
    numbers: list[int] = []
    first = 0
    for line in plain.splitlines():
        for chunk in line.split():
            number = len(chunks)
            chunks.append(chunk)
            if chunk.isalpha():
                folded.append(chunk.lower() if ascii_only else fold(chunk))
                chunk_of.append(number)
                continue
            mark = chunk[-1]
            if mark in _MARKS and chunk[:-1].isalpha():
                folded.append(fold(chunk[:-1]))
                chunk_of.append(number)
                tokens: list[Token] = [(_CLAUSE if mark in _CLAUSES else _END, mark, 0, 0)]
            else:
                tokens = _tokens(chunk)
            for kind, word, begin, stop in tokens:
                if kind <= _WORD:
                    if kind == _NUMBER:
                        numbers.append(len(folded))
                    folded.append(word)
                    chunk_of.append(number)
                elif kind == _HANDLE:
                    handles.append(Handle(len(folded), word, number, begin, stop))
                elif kind == _CLAUSE:
                    breaks.append(len(folded))
                elif first < len(folded) and not (word == "." and _abbreviates(folded[-1])):
                    sentences.append(Sentence(first, len(folded), "?" in word))
                    firsts.append(first)
                    first = len(folded)
                    breaks.append(first)
        if first < len(folded):
            sentences.append(Sentence(first, len(folded), False))
            firsts.append(first)
            first = len(folded)
            breaks.append(first)
    return Words(text, plain, folded, sentences, firsts, breaks, handles, numbers, chunks, chunk_of)


def _abbreviates(word: str) -> bool:
    return (len(word) == 1 and word.isalpha()) or word in _ABBREVIATIONS


def _tokens(chunk: str) -> list[Token]:
    """What a chunk that is not one plain word holds, in order; words carry their folded form."""
    tokens: list[Token] = []
    for found in _TOKEN.finditer(chunk):
        kind = found.lastindex
        if kind is None:
            continue  # a page's address
        begin, stop = found.span()
        if kind == _WORD:
            word = found.group()
            if "'" not in word:
                tokens.append((_WORD, fold(word), begin, stop))
            else:
                tokens += [(_WORD, fold(word[a:b].replace("'", "")), begin + a, begin + b) for a, b in parts(word)]
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


def _spans(chunk: str) -> list[tuple[int, int]]:
    """Where the words of a chunk stand in it."""
    if chunk[-1] in _MARKS and chunk[:-1].isalpha():
        return [(0, len(chunk) - 1)]
    return [(begin, stop) for kind, _, begin, stop in _tokens(chunk) if kind <= _WORD]
