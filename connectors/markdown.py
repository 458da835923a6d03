"""Markdown to plain text: what its author says, without code blocks, quotes of others, templates' comments and markup.

Linear in the input, like everything in `connectors.text`, which does the cleaning. Where nothing of a text remains, it is
kept as it is: a post that is all quote or all code still says something.
"""

from __future__ import annotations

import re

from connectors.base import TEXT_LIMIT
from connectors.text import HTML_LIMIT, clean, plain

_COMMENT = re.compile(r"<!--(?:(?!-->).)*+(?:-->|$)", re.DOTALL)
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_HEADING = re.compile(r" {0,3}#{1,6}[ \t]+")
_LINK = re.compile(r"!?\[([^\[\]\n]{0,500})\]\([^()\s]{0,2000}(?:[ \t]\"[^\"\n]{0,200}\")?\)")
_AUTOLINK = re.compile(r"<(https?://[^<>\s]{1,2000})>")
_MARKS = re.compile(r"\*\*|~~|`|(?<![\w\\])__(?=\w)|(?<=\w)__(?!\w)")
# What only looks like the beginning of a tag is text in Markdown.
_NO_TAG = re.compile(r"<(?!/?[A-Za-z][A-Za-z0-9-]{0,40}(?:\s[^<>]{0,2000})?/?>)")


def plain_markdown(markdown: str, limit: int = TEXT_LIMIT) -> str:
    """The author's own words; at most `limit` characters."""
    markdown = markdown[:HTML_LIMIT].replace("\r\n", "\n")
    own = _plain("\n".join(_own_lines(_COMMENT.sub("", markdown))), limit)
    return own or _plain(markdown, limit) or clean(markdown, limit)


def _own_lines(markdown: str) -> list[str]:
    lines: list[str] = []
    fence = ""
    for line in markdown.split("\n"):
        found = _FENCE.match(line)
        if fence:
            if found and found[1].startswith(fence) and not line[found.end() :].strip("`~ \t"):
                fence = ""
        elif found:
            fence = found[1]
        elif not line.lstrip(" ").startswith(">"):
            lines.append(_HEADING.sub("", line, count=1))
    return lines


def _plain(markdown: str, limit: int) -> str:
    unlinked = _LINK.sub(r"\1", _LINK.sub(r"\1", markdown))  # twice: a badge is a picture within a link
    text = _MARKS.sub("", _AUTOLINK.sub(r"\1", unlinked))
    return plain(_NO_TAG.sub("&lt;", text).replace("\n", "<br>"), limit)
