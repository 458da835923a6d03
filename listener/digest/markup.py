"""Words as Markdown that shows them and does nothing else, and the few shapes that the digest's Markdown is made of."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from listener.digest.figures import NamedCount, Post
from listener.digest.labels import Labels

_PUNCTUATION = re.compile(r"([\\`*_{}\[\]()#+\-.!|~^:@/=$])")


def escape(text: str) -> str:
    """`text` as Markdown that shows it and does nothing else."""
    html = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    # The entities just made hold no punctuation of the pattern; a colon and a slash are escaped so that no bare
    # address becomes a link, "@" and "#" so that nobody is mentioned and nothing referred to.
    return _PUNCTUATION.sub(r"\\\1", html)


def quoted(post: Post, book: Labels) -> str:
    """A post's words with a link to it."""
    text = f"“{escape(post.text)}”" if post.text else escape(book.say("text_removed"))
    return text + link(post.url, book)


def link(url: str, book: Labels) -> str:
    """A link in brackets, "" where there is none."""
    # `safe_url` let no bracket-breaking character through but parentheses, which angle brackets make harmless.
    return f" ([{book.say('post_word')}](<{url}>))" if url else ""


def counts(named: Iterable[NamedCount], book: Labels) -> str:
    """People by name, as one listing."""
    return book.listing([f"{entry.label} {book.people(entry.authors)}" for entry in named])


def table(header: Sequence[str], rows: Iterable[Sequence[str]], numeric: range) -> Iterator[str]:
    """A table; the columns of `numeric` are set flush right."""
    yield f"| {' | '.join(map(escape, header))} |"
    yield f"| {' | '.join('---:' if column in numeric else '---' for column in range(len(header)))} |"
    for row in rows:
        yield f"| {' | '.join(map(escape, row))} |"


def bullets(sentences: Iterable[str]) -> Iterator[str]:
    """A list, one line each."""
    for sentence in sentences:
        yield f"- {escape(sentence)}"
