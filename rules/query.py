"""The query language: a boolean expression that says what counts as a mention.

    acme OR "acme one" OR acme.com               words, phrases, sites (acme[.]com counts as acme.com)
    (delay* near/5 parcel) -job NOT "acme corp"  endings, nearness, exclusion; AND may be left out
    exact:"Gap" title:review author:ann site:reddit.com lang:fr

`parse` gives a `Query` or raises `QueryError` with position, caret line and hint; nothing else. Matching is linear in the
post. For platforms that search by themselves a query gives `terms()` of which each match holds at least one, and `split`s
them into searches no longer than the platform allows; what they find is matched here again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, cast

from lark import Lark, Token, Transformer, UnexpectedCharacters, UnexpectedInput, UnexpectedToken
from lark.exceptions import VisitError

from rules.errors import QueryError, did_you_mean
from rules.terms import (
    FARTHEST,
    AllOf,
    AnyOf,
    Domain,
    Field,
    Near,
    Node,
    Not,
    Placed,
    Post,
    QueryFacts,
    Term,
    Title,
    exact_term,
    fold_host,
    term,
)  # fmt: skip
from rules.words import fold

__all__ = ["Query", "QueryFacts", "parse"]

LONGEST = 10_000  # characters of a query
DEEPEST = 40  # brackets in brackets
MOST_NEAR = 8  # near/n in a row
_QUOTATION_MARKS = str.maketrans(dict.fromkeys("“”„«»＂", '"'))  # as word processors write them
FIELDS = ("author", "site", "lang", "title", "exact")


@dataclass(frozen=True, slots=True)
class Query:
    """What counts as a mention: `main` holds, one of `requires` does if there are any, and none of `excludes`."""

    text: str
    main: Node
    requires: tuple[Node, ...] = ()
    excludes: tuple[Node, ...] = ()

    def matches(self, post: QueryFacts | Post) -> bool:
        """Whether the post counts. Where many queries look at one post, hand each the same `Post`."""
        if isinstance(post, QueryFacts):
            post = Post(post)
        return (
            self.main.holds(post)
            and (not self.requires or any(node.holds(post) for node in self.requires))
            and not any(node.holds(post) for node in self.excludes)
        )

    def terms(self) -> tuple[str, ...]:
        """Words and phrases of which every matching post holds at least one; empty where a query has no such words.

        Where all of several parts must hold, the one with the fewest terms stands for them. `word*` is given as "word":
        a platform may then find less than the query asks for.
        """
        return tuple(dict.fromkeys(_cover(self.main) or ()))

    def split(self, limit: int, render: Callable[[Sequence[str]], str] | None = None) -> list[str]:
        """Searches of at most `limit` characters each that together find every match. Empty where `terms()` is.

        `render` writes some terms as one search of the platform; by default `acme OR "acme one"`.
        """
        write = render or or_search
        pieces: list[list[str]] = []
        for each in self.terms():
            if len(write([each])) > limit:
                where = max(0, self.text.casefold().find(each.casefold()))
                raise QueryError(
                    self.text,
                    where,
                    f"{each[:40]!r} alone is longer than the {limit} characters of a search",
                    "Use a shorter phrase.",
                )
            if pieces and len(write([*pieces[-1], each])) <= limit:
                pieces[-1].append(each)
            else:
                pieces.append([each])
        return [write(piece) for piece in pieces]


def or_search(terms: Sequence[str]) -> str:
    """The commonest way to write alternatives: phrases in quotes, OR between."""
    return " OR ".join(f'"{each}"' if " " in each else each for each in terms)


def parse(text: str, requires: Sequence[str] = (), excludes: Sequence[str] = ()) -> Query:
    """Read a query; `requires` are queries of which one must hold too (for brands that are common words), `excludes` none.

    Raises QueryError, whose position counts within the query that is wrong.
    """
    main = _parse(text)
    if not _positive(main):
        raise QueryError(text, 0, "the query only excludes", "Add a word, phrase or site that a mention must hold.")
    return Query(text, main, tuple(map(_parse, requires)), tuple(map(_parse, excludes)))


def _parse(given: str) -> Node:
    text = given.translate(_QUOTATION_MARKS)
    if not text.strip():
        raise QueryError(text, 0, "the query is empty", 'Write a name, for example acme OR "acme one".')
    if len(text) > LONGEST:
        raise QueryError(
            text, LONGEST, f"the query has {len(text)} characters", f"At most {LONGEST}; make it two queries."
        )
    depth = 0
    quoted = False
    for at, mark in enumerate(text):
        quoted ^= mark == '"'
        depth += 0 if quoted else (mark == "(") - (mark == ")")
        if depth > DEEPEST:
            raise QueryError(
                text, at, f"brackets are nested deeper than {DEEPEST}", "OR and AND need few brackets; leave some out."
            )
    if quoted:
        raise QueryError(text, text.rfind('"'), "a quotation mark is not closed", 'Write "two words".')
    for mark in "“”„«»":
        if mark in text:
            raise QueryError(
                text, text.index(mark), f"{mark} is no quotation mark here", 'Write "two words" with straight marks.'
            )
    try:
        tree = _parser().parse(text)
        node = _Builder(text).transform(tree)
    except VisitError as error:
        if isinstance(error.orig_exc, QueryError):
            raise error.orig_exc from None
        raise
    except UnexpectedInput as error:
        raise _explain(text, error) from None
    return cast("Node", node)


@cache
def _parser() -> Lark:
    # Built at the first query, not at import: it takes some 20 ms.
    return Lark(files("rules").joinpath("query.lark").read_text(encoding="utf-8"), parser="lalr", start="start")


def _explain(text: str, error: UnexpectedInput) -> QueryError:
    """What lark could not read, in the user's terms."""
    at = error.pos_in_stream if error.pos_in_stream is not None else len(text)
    if isinstance(error, UnexpectedToken):
        found: Token = error.token
        if found.type == "$END":
            last = text.rstrip()
            hint = "Close the bracket with ')'." if last.count("(") > last.count(")") else "Something must follow."
            return QueryError(text, len(last), "the query ends too early", hint)
        at = found.start_pos if found.start_pos is not None else at
        if found == ")":
            return QueryError(
                text, at, "')' closes nothing here", "Remove it, or write the bracket and the word before it."
            )
        if found.type == "NEAR":
            return QueryError(text, at, f"{found} stands without a word before it", "Write one word near/5 another.")
        return QueryError(
            text,
            at,
            f"{found} stands where a word is expected",
            "AND and OR stand between two words; NOT and - before one.",
        )
    mark = text[at : at + 1]
    if isinstance(error, UnexpectedCharacters) and mark == "-":
        return QueryError(text, at, "'-' stands alone", "Write -word without a space, or NOT word.")
    word = text[at:].split(None, 1)[0] if text[at:].split(None, 1) else mark
    if word in ("NOT", "AND", "OR"):
        return QueryError(
            text, at, f"{word} stands where a word is expected", 'Put a word behind it, or quote it: "OR".'
        )
    return QueryError(text, at, f"{mark!r} cannot stand here", 'Put names with special marks in quotes: "AT&T".')


class _Builder(Transformer[Token, Any]):
    """Lark's tree to nodes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self._text = text

    def start(self, children: list[Node]) -> Node:
        return children[0]

    def any(self, children: list[Node]) -> Node:
        return AnyOf(tuple(children))

    def all(self, children: list[Node]) -> Node:
        return AllOf(tuple(children))

    def refused(self, children: list[Any]) -> Node:
        return Not(children[-1])

    def close(self, children: list[Any]) -> Node:
        if len(children) > 2 * MOST_NEAR + 1:
            raise self._error(children[1], f"more than {MOST_NEAR} near/n in a row", "Use brackets with OR, or AND.")
        node: Node = children[0]
        for sign, right in zip(children[1::2], children[2::2], strict=True):
            width = int(sign.rpartition("/")[2])
            if not 1 <= width <= FARTHEST:
                raise self._error(sign, f"{sign} is not possible", f"Allowed: near/1 to near/{FARTHEST}.")
            for side in (node, right):
                if not _is_placed(side):
                    raise self._error(
                        sign, f"{sign} needs words or phrases on both sides", "Write word near/5 (this OR that)."
                    )
            node = Near(cast("Placed", node), right, width)
        return node

    def phrase(self, children: list[Token]) -> Node:
        return self._term(children[0], children[0][1:-1])

    def word(self, children: list[Token]) -> Node:
        token = children[0]
        name, colon, _ = token.partition(":")
        if colon and name.isalpha() and not token.startswith(("http:", "https:")):
            if name.lower() in FIELDS:
                raise self._error(
                    token, f"{name}: has nothing behind it", f'Write {name.lower()}:word or {name.lower()}:"two words".'
                )
            raise self._error(
                token, f"{name}: is unknown", did_you_mean(name.lower(), FIELDS) + " Quote a word that holds ':'."
            )
        if "*" in token.rstrip("*") or token.strip("*") == "":
            raise self._error(token, f"'*' stands where it cannot in {token}", "It stands at a word's end: delay*.")
        return self._term(token, str(token))

    def exact(self, children: list[Token]) -> Node:
        node = exact_term(_value(children[0]))
        if node is None:
            raise self._error(children[0], f"{children[0]} holds no word", 'Write exact:"Apple".')
        return node

    def field(self, children: list[Token]) -> Node:
        token = children[0]
        name = token.partition(":")[0].lower()
        value = _value(token).strip()
        if name == "title":
            node = self._term(token, value)
            if not isinstance(node, Term):
                raise self._error(token, f"{token} is a site, not words", "Use site: for where a post stands.")
            return Title(node)
        if name == "lang":
            value = value.partition("-")[0].lower()
            if not (value.isascii() and value.isalpha() and 2 <= len(value) <= 3):
                raise self._error(
                    token, f"{token} names no language", "Write lang:fr, with a code of two or three letters."
                )
            return Field(name, value)
        if name == "site":
            host = fold_host(value.partition("://")[2] or value).partition("/")[0]
            if "." not in host:
                raise self._error(token, f"{token} names no site", "Write site:example.com.")
            return Field(name, host)
        handle = fold(value.removeprefix("@").rstrip("*"))
        if not handle:
            raise self._error(token, f"{token} names nobody", "Write author:ann.")
        return Field(name, handle, value.endswith("*"))

    def _term(self, token: Token, text: str) -> Node:
        node = term(text)
        if node is None:
            raise self._error(token, f"{token} holds no word", "A word has at least one letter, digit or emoji.")
        if isinstance(node, Term) and any(word.any_ending and len(word.folded) < 2 for word in node.words):
            raise self._error(token, f"{token} would match nearly everything", "Give at least 2 letters before '*'.")
        return node

    def _error(self, token: Token, what: str, hint: str) -> QueryError:
        return QueryError(self._text, token.start_pos or 0, what, hint)


def _value(token: Token) -> str:
    return token.partition(":")[2].strip('"')


def _is_placed(node: Node) -> bool:
    if isinstance(node, AnyOf):
        return all(map(_is_placed, node.nodes))
    return isinstance(node, Term | Near)


def _positive(node: Node) -> bool:
    """Whether a post must hold something for this to hold."""
    if isinstance(node, Not):
        return False
    if isinstance(node, AnyOf):
        return all(map(_positive, node.nodes))
    if isinstance(node, AllOf):
        return any(map(_positive, node.nodes))
    return True


def _cover(node: Node) -> tuple[str, ...] | None:
    """Terms of which one stands in every post where the node holds; None where there is no such set."""
    if isinstance(node, Term):
        return (" ".join(word.rstrip("*") for word in node.text.split()),)
    if isinstance(node, Domain):
        return (node.host,)
    if isinstance(node, Title):
        return _cover(node.term)
    if isinstance(node, AnyOf):
        covers = [_cover(each) for each in node.nodes]
        return None if any(each is None for each in covers) else tuple(term for each in covers for term in each or ())
    if isinstance(node, Near):
        return _fewest([node.left, node.right])
    if isinstance(node, AllOf):
        return _fewest(node.nodes)
    return None


def _fewest(nodes: Sequence[Node]) -> tuple[str, ...] | None:
    covers = [cover for node in nodes if (cover := _cover(node)) is not None]
    whole = [node for node in nodes if isinstance(node, Term) and not any(w.any_ending for w in node.words)]
    if whole:  # one plain word or phrase: the longer, the fewer posts hold it
        return _cover(max(whole, key=lambda each: len(each.text)))
    return min(covers, key=lambda cover: (len(cover), -min(map(len, cover))), default=None)
