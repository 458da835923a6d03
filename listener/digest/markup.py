"""Words as Markdown that shows them and does nothing else, and the few shapes that the digest's Markdown is made of."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from listener.digest.figures import NamedCount, Post
from listener.digest.text import listing, number

_PUNCTUATION = re.compile(r"([\\`*_{}\[\]()#+\-.!|~^:@/=$])")


def escape(text: str) -> str:
    """`text` as Markdown that shows it and does nothing else."""
    html = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    # The entities just made hold no punctuation of the pattern; a colon and a slash are escaped so that no bare
    # address becomes a link, "@" and "#" so that nobody is mentioned and nothing referred to.
    return _PUNCTUATION.sub(r"\\\1", html)


def quoted(post: Post) -> str:
    """A post's words with a link to it."""
    return f"“{escape(post.text)}”{link(post.url)}" if post.text else f"(text removed){link(post.url)}"


def link(url: str) -> str:
    """A link in brackets, "" where there is none."""
    # `safe_url` let no bracket-breaking character through but parentheses, which angle brackets make harmless.
    return f" ([post](<{url}>))" if url else ""


def counts(named: Iterable[NamedCount]) -> str:
    """People by name, as one listing."""
    return listing(
        [
            f"{entry.label} {number(entry.authors)} people" if entry.authors != 1 else f"{entry.label} 1 person"
            for entry in named
        ]
    )


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
