"""Posts of X as mentions, in both spellings of the API.

X's specification renamed fields in the summer of 2026 (`note_tweet` became `note_post`, `referenced_tweets`
`referenced_posts`, …) while its pages kept the old names; both are read here, from raw JSON. Ids are snowflakes: they
hold the millisecond of their making (docs: resources/fundamentals/x-ids). An edit is a post of its own with a new id; a
mention is known by the first id of its history.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from connectors.base import Author, Malformed, Mention
from connectors.text import clean, label, unescaped
from connectors.x_query import is_handle

PLATFORM = "x"

# Asked for in the old spelling, which the documents use; `connectors.x_client` knows the new one.
POST_FIELDS = (
    "author_id",
    "conversation_id",
    "created_at",
    "edit_history_tweet_ids",
    "entities",
    "in_reply_to_user_id",
    "lang",
    "note_tweet",
    "public_metrics",
    "referenced_tweets",
)
USER_FIELDS = ("name", "public_metrics", "username")

_SNOWFLAKE_EPOCH = datetime(2010, 11, 4, 1, 42, 54, 657000, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_ID = re.compile(r"[0-9]{1,19}")
_NO_LANGUAGE = frozenset({"und", "zxx", "art", "qam", "qct", "qht", "qme", "qst"})  # X's codes for what is no language


@dataclass(frozen=True, slots=True)
class Found:
    """One post as an answer held it."""

    id: int  # of this version
    history: tuple[int, ...]  # ids of all versions, oldest first, this one among them
    mention: Mention | None  # None where it is a retweet or has no text

    @property
    def edited(self) -> bool:
        return self.history[0] != self.id


@dataclass(frozen=True, slots=True)
class Own:
    """The brand's own accounts: handles in lower case, ids where they are known."""

    handles: frozenset[str] = frozenset()
    ids: frozenset[str] = frozenset()


def id_at(moment: datetime) -> int:
    """The lowest id that a post of this moment may have."""
    return max(0, (moment - _SNOWFLAKE_EPOCH) // _MILLISECOND) << 22


def time_of(post: int) -> datetime:
    """When a post of this id was made, to the millisecond."""
    return _SNOWFLAKE_EPOCH + (post >> 22) * _MILLISECOND


def ids_across(span: timedelta) -> int:
    """How far ids move in that time."""
    return (span // _MILLISECOND) << 22


def is_id(text: str) -> bool:
    """Whether X could have a post or user of this id."""
    return _ID.fullmatch(text) is not None


def posts_of(answer: Mapping[str, Any], own: Own, *, to_us: bool = False) -> tuple[Found, ...]:
    """The posts of an answer, newest first. `to_us`: all of them mention the brand's own account. Raises `Malformed`."""
    data = answer.get("data")
    if data is None:
        data = []  # nothing found: X leaves the list out
    if not isinstance(data, list):
        raise Malformed("X answered without a list of posts; its API may have changed")
    authors = _authors(answer)
    found = [one for post in data if isinstance(post, dict) and (one := _found(post, authors, own, to_us)) is not None]
    if data and not found:
        raise Malformed("X answered with posts that have no id; its API may have changed")
    return tuple(sorted(found, key=lambda one: one.id, reverse=True))


def users_of(answer: Mapping[str, Any]) -> list[str]:
    """Ids of the users that came with an answer."""
    return list(_authors(answer))


def _found(post: Mapping[str, Any], authors: Mapping[str, Author], own: Own, to_us: bool) -> Found | None:
    one = label(post.get("id"))
    if not is_id(one):
        return None
    told = _either(post, "edit_history_tweet_ids", "edit_history_post_ids")
    versions = {int(text) for each in told if is_id(text := label(each))} if isinstance(told, list) else set()
    history = tuple(sorted(versions | {int(one)}))
    return Found(int(one), history, _mention(post, one, history, authors, own, to_us))


def _mention(
    post: Mapping[str, Any], one: str, history: tuple[int, ...], authors: Mapping[str, Author], own: Own, to_us: bool
) -> Mention | None:
    answered = _referenced(post)
    text = _text(post)
    if not text or "retweeted" in answered or "reposted" in answered:
        return None
    author_id = label(post.get("author_id"))
    author = authors.get(author_id, Author(author_id))
    lang = label(post.get("lang"), 20)
    thread = label(post.get("conversation_id"))
    first = str(history[0])
    return Mention(
        platform=PLATFORM,
        external_id=first,
        text=text,
        published_at=_published(post, history[0]),
        author=author,
        url=f"https://x.com/{author.handle if is_handle(author.handle) else 'i'}/status/{one}",
        kind="comment" if "replied_to" in answered else "post",
        lang=lang if lang and lang not in _NO_LANGUAGE else None,
        parent_id=answered.get("replied_to"),
        # The root's own conversation is itself, under the id of its newest version.
        thread_id=first if thread and int(thread if is_id(thread) else 0) in history else thread or None,
        in_reply_to_brand=True if to_us else _to_brand(post, own),
        engagement=_engagement(post),
    )


def _text(post: Mapping[str, Any]) -> str:
    """`text` ends at 280 characters; the whole of a longer post is in its note."""
    note = _either(post, "note_tweet", "note_post")
    whole = note.get("text") if isinstance(note, dict) else None
    text = whole if isinstance(whole, str) and whole.strip() else post.get("text")
    if not isinstance(text, str):
        return ""
    return clean(unescaped(text[:100_000]))


def _published(post: Mapping[str, Any], first: int) -> datetime:
    """When the first version was written; `created_at` is of this one."""
    if first == int(label(post.get("id"))):
        try:
            at = datetime.fromisoformat(str(post.get("created_at")))
            return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
        except (ValueError, OverflowError):
            pass
    return time_of(first)


def _referenced(post: Mapping[str, Any]) -> dict[str, str]:
    """How it refers to other posts ("replied_to", "quoted", "retweeted") -> their id."""
    listed = _either(post, "referenced_tweets", "referenced_posts")
    if not isinstance(listed, list):
        return {}
    return {
        label(one.get("type")): other
        for one in listed
        if isinstance(one, dict) and is_id(other := label(one.get("id")))
    }


def _to_brand(post: Mapping[str, Any], own: Own) -> bool | None:
    if not own.handles and not own.ids:
        return None
    if label(post.get("in_reply_to_user_id")) in own.ids:
        return True
    note = _either(post, "note_tweet", "note_post")
    for holder in (post, note):
        entities = holder.get("entities") if isinstance(holder, dict) else None
        named = entities.get("mentions") if isinstance(entities, dict) else None
        for one in named if isinstance(named, list) else ():
            if isinstance(one, dict) and (
                label(one.get("username")).casefold() in own.handles or label(one.get("id")) in own.ids
            ):
                return True
    return False


def _engagement(post: Mapping[str, Any]) -> dict[str, int]:
    told = post.get("public_metrics")
    if not isinstance(told, dict):
        return {}
    counts = {
        "likes": told.get("like_count"),
        "replies": told.get("reply_count"),
        "reposts": _either(told, "retweet_count", "repost_count"),
    }
    return {name: count for name, count in counts.items() if isinstance(count, int) and count >= 0}


def _authors(answer: Mapping[str, Any]) -> dict[str, Author]:
    """Those X handed over; an author who is suspended or gone is missing."""
    includes = answer.get("includes")
    users = includes.get("users") if isinstance(includes, dict) else None
    authors: dict[str, Author] = {}
    for user in users if isinstance(users, list) else ():
        if not isinstance(user, dict) or not (one := label(user.get("id"))):
            continue
        metrics = user.get("public_metrics")
        followers = metrics.get("followers_count") if isinstance(metrics, dict) else None
        authors[one] = Author(
            id=one,
            handle=label(user.get("username")),
            name=label(user.get("name")),
            followers=followers if isinstance(followers, int) and followers >= 0 else None,
        )
    return authors


def _either(holder: Mapping[str, Any], old: str, new: str) -> Any:
    value = holder.get(old)
    return holder.get(new) if value is None else value
