"""How X's search reads a query: groups of OR in brackets, joined by AND; words, phrases, handles, lang:, from:, is:."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

Post = dict[str, Any]


def words_of(query: str) -> list[str]:
    return re.findall(r'\(|\)|-?"[^"]*"|[^\s()]+', query)


def stands_alone(word: str) -> bool:
    return word not in ("(", ")", "OR") and not word.startswith(("-", "lang:", "is:", "has:"))


@lru_cache(200)
def compiled(query: str) -> Any:
    """(post, accounts) -> whether the query finds it: groups of OR in brackets, joined by AND."""
    groups: list[list[str]] = []
    inside = False
    for word in words_of(query):
        if word == "(":
            inside = True
            groups.append([])
        elif word == ")":
            inside = False
        elif word == "OR":
            continue
        elif inside:
            groups[-1].append(word)
        else:
            groups.append([word])
    return lambda post, accounts: all(any(_finds(word, post, accounts) for word in group) for group in groups)


def _finds(word: str, post: Post, accounts: dict[str, dict[str, Any]]) -> bool:
    if word.startswith("-"):
        return not _finds(word[1:], post, accounts)
    if word == "is:retweet":
        return any(one["type"] == "retweeted" for one in post.get("referenced_tweets", ()))
    if word.startswith("from:"):
        return bool(accounts[post["author_id"]]["username"] == word[5:].lower())
    if word.startswith("lang:"):
        return bool(post["lang"] == word[5:])
    text = post.get("note_tweet", post)["text"][:20_000].casefold()
    if word.startswith('"'):
        return " ".join(re.findall(r"\w+", word.casefold())) in " ".join(re.findall(r"\w+", text))
    if word[0] in "@#$":
        return word.casefold() in re.findall(r"[@#$]\w+", text)
    return word.casefold() in re.findall(r"\w+", text)
