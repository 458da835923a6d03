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
from itertools import compress, count, repeat
from sys import intern
from typing import Any, Final, NamedTuple

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
_NUMBER: Final = 1
_WORD: Final = 2  # and what is less becomes a word
_HANDLE: Final = 3
_HASHTAG: Final = 4
_PICTURE: Final = 5
_END: Final = 6
_CLAUSE: Final = 7
_CLAUSES = frozenset(",;:)")
_MARKS = _CLAUSES | frozenset(".!?")
Token = tuple[int, str, int, int]  # kind, word or mark, where it begins and ends in its chunk
Read = str | tuple[Token, ...]  # what a chunk holds: one word and nothing else, or its tokens in order
LONGEST: Final = 32  # characters of a chunk that is remembered
_REMEMBERED: Final = 50_000  # chunks

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
        "_bases", "_mixed", "_mixed_from", "_plain", "_shifts", "breaks", "chunks", "firsts", "folded", "handles", "known", "numbers",
        "reads", "sentences", "text",
    )  # fmt: skip

    def __init__(self, text: str, plain: str) -> None:
        self.text = text
        self._plain = plain  # of the same length, with straight apostrophes
        self.folded: list[str] = []
        self.sentences: list[Sentence] = []  # empty where there is no word
        self.firsts: list[int] = []  # first word of each sentence
        self.breaks: list[int] = []  # words that begin a clause: behind a comma, dash, bracket, sentence end; ascending
        self.handles: list[Handle] = []
        self.numbers: list[int] = []  # words that are numbers, or units like € and %
        self.chunks: list[str] = []  # runs without white space, apostrophes made straight
        self.reads: list[Read] = []  # what each of them holds
        self.known: dict[object, Any] = {}  # what others found in these words, so that nobody looks for it twice
        # Chunks that hold more, or less, than one word; how many words stand before each; by how much the number of a word
        # behind it differs from that of its chunk.
        self._mixed: list[int] = []
        self._mixed_from: list[int] = []
        self._shifts: list[int] = []
        self._bases: list[int] = []  # where each chunk begins; empty until asked for

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
        bases = self._bases or self._find_bases()
        last = bisect_right(self._mixed_from, at) - 1
        chunk = at if last < 0 else at + self._shifts[last]
        if last < 0 or chunk > self._mixed[last]:
            base = bases[chunk]
            return base, base + len(self.chunks[chunk])
        chunk = self._mixed[last]
        inside: list[Token] = [token for token in self.reads[chunk] if token[0] <= _WORD]  # type: ignore[misc, operator]
        _, _, begin, stop = inside[at - self._mixed_from[last]]
        return bases[chunk] + begin, bases[chunk] + stop

    def reach(self, first: int, stop: int) -> tuple[int, int]:
        """Where the words from `first` up to, not including, `stop` begin and end in the text."""
        begin, end = self.span(first)
        return begin, end if stop == first + 1 else self.span(stop - 1)[1]

    def handle_span(self, handle: Handle) -> tuple[int, int]:
        """Where a handle begins and ends in the text."""
        base = (self._bases or self._find_bases())[handle.chunk]
        return base + handle.begin, base + handle.stop

    def slice(self, first: int, stop: int) -> str:
        """The text from word `first` up to, not including, word `stop`, as its author wrote it."""
        begin, end = self.reach(first, stop)
        return self.text[begin:end]

    def written(self, most: int) -> list[str]:
        """The first `most` words, as their author wrote them."""
        return [self.slice(at, at + 1) for at in range(min(most, len(self.folded)))]

    def mixed(self) -> list[str]:
        """The chunks that are not just one word: those with punctuation, numbers, signs."""
        chunks = self.chunks
        return [chunks[number] for number in self._mixed]

    def _find_bases(self) -> list[int]:
        """Find the place of each chunk."""
        bases = self._bases
        at = 0
        for chunk in self.chunks:
            bases.append(at)
            at += len(chunk) + 1
        if at - 1 != len(self._plain):  # not one space between each two, and none around
            at = 0
            for number, chunk in enumerate(self.chunks):
                at = bases[number] = self._plain.index(chunk, at)
                at += len(chunk)
        return bases


@lru_cache(4096)
def handle_forms(name: str) -> tuple[str, ...]:
    """A handle's folded name, and that name's beginnings by its capitals: AcmeHelp is "acmehelp", with the beginning "acme"."""
    low = fold(name).replace("_", "")
    spans = humps(name[:64])[:-1] if name != low else []
    joined = ""
    return (low, *[joined := joined + fold(name[a:b]) for a, b in spans])


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
    words = Words(text, plain)
    folded, chunks = words.folded, words.chunks
    first = 0
    for line in plain.splitlines():
        row = line.split()
        here: list[Any] = list(map(_read, row))
        begun, done = len(chunks), 0
        chunks += row
        words.reads += here
        for number in compress(
            count(), map(isinstance, here, repeat(tuple))
        ):  # one line of Python for each is too much
            folded += here[done:number]
            first = _mix(words, begun + number, here[number], first)
            done = number + 1
        folded += here[done:]
        if first < len(folded):
            first = _end_sentence(words, first, question=False)
    return words


def _mix(words: Words, number: int, tokens: tuple[Token, ...], first: int) -> int:
    """Add what a chunk holds that is not just one word. `first`: where the sentence begins; returns where it does then."""
    folded = words.folded
    words._mixed.append(number)
    words._mixed_from.append(len(folded))
    for kind, word, begin, stop in tokens:
        if kind <= _WORD:
            if kind == _NUMBER:
                words.numbers.append(len(folded))
            folded.append(word)
        elif kind == _CLAUSE:
            words.breaks.append(len(folded))
        elif kind == _HANDLE:
            words.handles.append(Handle(len(folded), word, number, begin, stop))
        elif first < len(folded) and not (word == "." and _abbreviates(folded[-1])):
            first = _end_sentence(words, first, "?" in word)
    words._shifts.append(number + 1 - len(folded))
    return first


def _end_sentence(words: Words, first: int, question: bool) -> int:
    stop = len(words.folded)
    words.sentences.append(Sentence(first, stop, question))
    words.firsts.append(first)
    words.breaks.append(stop)
    return stop


def _abbreviates(word: str) -> bool:
    return (len(word) == 1 and word.isalpha()) or word in _ABBREVIATIONS


class _Chunks(dict[str, Read]):
    """Chunk -> what it holds. People write the same words all the time: reading a chunk anew takes ten times as long as
    remembering it, and a word that is the same object everywhere is found faster in every dictionary after. Bounded in
    number and length. Threads may share it: a lost race repeats a reading.
    """

    def __missing__(self, chunk: str) -> Read:
        if chunk.isalpha():
            read: Read = intern(fold(chunk))
        else:
            mark = chunk[-1]
            if mark in _MARKS and chunk[:-1].isalpha():
                kind = _CLAUSE if mark in _CLAUSES else _END
                read = (_WORD, intern(fold(chunk[:-1])), 0, len(chunk) - 1), (kind, mark, 0, 0)
            else:
                tokens = tuple(_tokens(chunk))
                whole = len(tokens) == 1 and tokens[0][0] == _WORD and tokens[0][2] == 0 and tokens[0][3] == len(chunk)
                read = tokens[0][1] if whole else tokens
        if len(chunk) <= LONGEST:
            if len(self) >= _REMEMBERED:
                self.clear()
            self[chunk] = read
        return read


_read = _Chunks().__getitem__


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
