"""What is asked of X's search: the terms, OR-joined, in as few queries as fit.

X takes 512 characters a query from self-serve accounts (docs: posts/search/integrate/build-a-query). A term is never cut:
one that fits into no query is an error that names it. The terms of a query are its name, so that a change of what is
left out (own accounts, languages) does not make it read its history again.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

QUERY_LIMIT = 512  # characters

_HANDLE = re.compile(r"\w{1,15}", re.ASCII)
_BARE = re.compile(r"[@#$]?\w+")
_OPERATORS = frozenset({"OR", "AND", "NOT"})


@dataclass(frozen=True, slots=True)
class Query:
    """One search. `text` is what X is asked, `name` what its progress is kept under."""

    name: str
    text: str


class TermTooLong(ValueError):
    """A term that fits into no query. The message is for the operator."""


def queries(
    terms: Sequence[str], own: Iterable[str] = (), read_elsewhere: Iterable[str] = (), languages: Iterable[str] = ()
) -> tuple[Query, ...]:
    """The searches for `terms`, in their order.

    Posts of the handles `own` are left out, and those that mention one of `read_elsewhere`: their mentions timeline
    gives them for less. Raises `TermTooLong`.
    """
    suffix = _suffix(own, read_elsewhere, languages)
    wanted = list(dict.fromkeys(word for term in terms if (word := _word(term))))
    groups: list[list[str]] = []
    for word in wanted:
        if len(_text([word], suffix)) > QUERY_LIMIT:
            allowed = max(0, QUERY_LIMIT - len(suffix))
            raise TermTooLong(
                f'the term "{word[:60]}…" has {len(word)} characters, and X takes {QUERY_LIMIT} a query, of which'
                f" {allowed} are left beside the accounts and languages; shorten the term"
            )
        if groups and len(_text([*groups[-1], word], suffix)) <= QUERY_LIMIT:
            groups[-1].append(word)
        else:
            groups.append([word])
    return tuple(Query(" ".join(group), _text(group, suffix)) for group in groups)


def is_handle(text: str) -> bool:
    """Whether X could have an account of this name."""
    return _HANDLE.fullmatch(text) is not None


def _text(words: Sequence[str], suffix: str) -> str:
    joined = " OR ".join(words)
    return (f"({joined})" if len(words) > 1 else joined) + suffix


def _suffix(own: Iterable[str], read_elsewhere: Iterable[str], languages: Iterable[str]) -> str:
    """Everything is joined by AND; groups cannot be negated (docs: build-a-query), so each account stands alone."""
    # Keyword search returns no retweets since May 2026 (docs: changelog); it costs nothing to say so.
    parts = ["-is:retweet"]
    parts += [f"-from:{handle}" for handle in sorted(set(own)) if is_handle(handle)]
    parts += [f"-@{handle}" for handle in sorted(set(read_elsewhere)) if is_handle(handle)]
    spoken = [f"lang:{language}" for language in dict.fromkeys(languages)]
    if spoken:
        parts.append(f"({' OR '.join(spoken)})" if len(spoken) > 1 else spoken[0])
    return "".join(f" {part}" for part in parts)


def _word(term: str) -> str:
    """A term as the query language writes it: a word, hashtag or handle bare, everything else as a phrase."""
    term = " ".join(term.replace('"', " ").replace("\\", " ").split())
    if not term or (_BARE.fullmatch(term) and term.upper() not in _OPERATORS):
        return term
    return f'"{term}"'
