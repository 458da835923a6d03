"""Discourse: the posts of one public forum that name a term.

No account. The forum's own search shows one post of each topic and counts in days, so it would hide posts; the listing of
all newest posts hides none, goes on by post id, and brings whole texts. It is read and matched here. Quotes of others and
previews of links are not the author's words and are left out. Stored posts are looked up again by id; one that begins a topic
is looked up with its topic, which alone knows the title.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Self
from urllib.parse import quote, urlsplit

from pydantic import Field, model_validator

from connectors.base import (
    AccessDenied,
    Author,
    Connector,
    ConnectorError,
    Cursor,
    Json,
    Known,
    Looked,
    Malformed,
    Mention,
    Page,
    Policy,
    RateLimited,
    SourceContext,
    SourceSettings,
)
from connectors.http import LONGEST_WAIT, Answer, Client
from connectors.lookup import GONE, Found, one_by_one
from connectors.text import HTML_LIMIT, label, matcher, mentions, plain, safe_url
from connectors.walk import Batch, Post, Reach, walk

LOOK_UPS = 20  # posts looked up at once, one request each
OLD_PAGE = 50  # ids that older versions look at for one page, whatever they find among them
_ASIDE = re.compile(r"<(/?)aside\b[^<>]{0,2000}>", re.IGNORECASE)
_LIKE = 2  # the kind of action that is a like (discourse: PostActionType)


class DiscourseSettings(SourceSettings):
    """Keys of a Discourse source. `base_url` is needed: the forum's address."""

    terms: tuple[str, ...] = Field(default=(), description="words and phrases to keep; default: the brand's names")
    history: timedelta = Field(
        default=timedelta(days=1), gt=timedelta(0), description="how far the first poll reads back"
    )
    lookback: timedelta = Field(
        default=timedelta(minutes=15),
        ge=timedelta(0),
        description="how late a post may show up in the listing and still be found",
    )

    @model_validator(mode="after")
    def _forum(self) -> Self:
        if not safe_url(self.base_url):
            raise ValueError('base_url must be the forum\'s address, such as "https://forum.example.org"')
        return self


class Discourse:
    """A source: the forum's newest posts."""

    def __init__(self, settings: DiscourseSettings, context: SourceContext) -> None:
        base = (settings.base_url or "").rstrip("/")
        parts = urlsplit(base)
        host = parts.hostname or ""
        forum = _Forum(base, host + parts.path)
        self._client = Client(
            host,
            base,
            context.user_agent,
            settings.timeout,
            explain=lambda answer, now: _explain(host, answer, now),
            intranet=context.intranet,
        )
        self._forum = forum
        self._pattern = matcher(settings.terms or context.terms)
        self._reach = Reach(settings.history, settings.lookback, settings.page_cap)

    def poll(self, cursor: Cursor | None, now: datetime) -> Iterator[Page]:
        yield from walk({"posts": _Newest(self._client, self._forum, self._pattern, now)}, cursor, now, self._reach)

    def recheck(self, posts: Sequence[Known], now: datetime) -> Looked:
        """Ask for each post by its id."""
        return one_by_one("discourse", posts, lambda post: self._look(post, now))

    def close(self) -> None:
        self._client.close()

    def _look(self, post: Known, now: datetime) -> Found:
        one = post.external_id.removeprefix(f"{self._forum.name}:")
        if not one.isdecimal():
            return None
        topic = (post.thread_id or "").removeprefix(f"{self._forum.name}:topic:")
        try:
            said = self._in_topic(int(one), topic, now) if post.kind == "post" and topic.isdecimal() else None
            said = said or self._client.find(f"/posts/{one}.json", now)
        except AccessDenied:
            return None  # moved to a place for members; the forum does not say that it is gone
        if said is None or (isinstance(said, dict) and (said.get("user_deleted") or said.get("deleted_at"))):
            return GONE
        if not isinstance(said, dict) or str(said.get("id")) != one:
            return None
        if post.kind == "post" and not said.get("topic_title"):
            return None
        return _mention(self._forum, int(one), said, post.published_at)

    def _in_topic(self, one: int, topic: str, now: datetime) -> dict[str, Any] | None:
        """The post as its topic shows it; None where the topic is gone, or the post is not among its first."""
        found = self._client.find(f"/t/{topic}.json", now)
        stream = found.get("post_stream") if isinstance(found, dict) else None
        posts = stream.get("posts") if isinstance(stream, dict) else None
        for said in posts if isinstance(posts, list) else ():
            if isinstance(said, dict) and said.get("id") == one:
                return {**said, "topic_title": found.get("title")}
        return None


@dataclass(frozen=True, slots=True)
class _Forum:
    base: str
    name: str  # host and folder; post ids are a forum's own


@dataclass(frozen=True, slots=True)
class _Newest:
    """All public posts, newest first. A position is the id that the next page lies below."""

    client: Client
    forum: _Forum
    pattern: re.Pattern[str] | None
    now: datetime

    def read(self, since: datetime, position: Json) -> Batch:
        before = position if isinstance(position, int) else None
        found = self.client.json("/posts.json", self.now, None if before is None else {"before": before})
        listed = found.get("latest_posts") if isinstance(found, dict) else None
        if not isinstance(listed, list):
            raise Malformed(f"{self.client.site} answered without a list of posts; is it a Discourse forum?")
        read = [
            (one, at, post)
            for post in listed
            if isinstance(post, dict) and isinstance(one := post.get("id"), int) and (at := _time(post)) is not None
        ]
        posts = tuple(
            Post(at, self._mention(one, post, own))
            for (one, own, post), at in zip(read, _order([at for _, at, _ in read]), strict=True)
        )
        oldest = min((one for one, _, _ in read), default=None)
        # Older versions give what they find among 50 ids, which may be nothing; they also repeat the post of `before`.
        if oldest is None or oldest == before:
            oldest = None if before is None else before - OLD_PAGE
        return Batch(posts, oldest if oldest is not None and oldest > 1 else None)

    def _mention(self, one: int, post: Mapping[str, Any], at: datetime) -> Mention | None:
        """The mention, or None for what does not count or does not name a term."""
        found = _mention(self.forum, one, post, at)
        return found if found and mentions(self.pattern, found.text, found.title) else None


def _mention(forum: _Forum, one: int, post: Mapping[str, Any], at: datetime) -> Mention | None:
    """The post, whatever it says; None for what is hidden, removed or the system's own."""
    number, username, cooked = post.get("post_number"), label(post.get("username")), post.get("cooked")
    user = post.get("user_id")
    if any(post.get(key) for key in ("hidden", "user_deleted", "deleted_at")) or not isinstance(cooked, str):
        return None
    if not username or (isinstance(user, int) and user < 0):
        return None
    is_first = number == 1
    title = label(post.get("topic_title")) if is_first else ""  # an answer's title is its topic's
    text = plain(own_words(cooked)) or plain(cooked) or title
    if not text:
        return None
    topic, slug = label(post.get("topic_id")), quote(label(post.get("topic_slug")) or "-", safe="-")
    place = f"{forum.base}/t/{slug}/{topic}/{label(number)}"
    actions = post.get("actions_summary")
    actions = actions if isinstance(actions, list) else []
    likes = [action.get("count") for action in actions if isinstance(action, dict) and action.get("id") == _LIKE]
    counts = {"replies": post.get("reply_count"), "likes": likes[0] if likes else None}
    return Mention(
        platform="discourse",
        external_id=f"{forum.name}:{one}",
        text=text,
        published_at=at,
        author=Author(f"{forum.name}:{username}", username, label(post.get("name"))),
        url=safe_url(place) if topic else "",
        title=title,
        kind="post" if is_first else "comment",
        thread_id=f"{forum.name}:topic:{topic}" if topic else None,
        engagement={key: count for key, count in counts.items() if isinstance(count, int)},
    )


def own_words(cooked: str) -> str:
    """The post's HTML without its asides: quotes of others and previews of links, which nest."""
    cooked = cooked[:HTML_LIMIT]
    kept: list[str] = []
    depth = at = 0
    for tag in _ASIDE.finditer(cooked):
        if depth == 0:
            kept.append(cooked[at : tag.start()])
        depth = max(0, depth - 1) if tag[1] else depth + 1
        at = tag.end()
    if depth == 0:
        kept.append(cooked[at:])
    return "\n".join(kept)


def _order(times: list[datetime]) -> list[datetime]:
    """The moments by which to order posts listed by id, newest first, so that a moved or imported post ends nothing.

    Such a post has a new id and an old date. Each counts as no older than what is listed below it, and the last one, below
    which nothing is known, as old as the one above it.
    """
    if len(times) > 1:
        times = [*times[:-1], max(times[-1], times[-2])]
    ordered: list[datetime] = []
    newest = datetime.min.replace(tzinfo=UTC)
    for at in reversed(times):
        newest = max(newest, at)
        ordered.append(newest)
    return ordered[::-1]


def _explain(host: str, answer: Answer, now: datetime) -> ConnectorError | None:
    """What a forum says with a refusal: how long to wait, or that it is for members only."""
    if answer.status not in (403, 429) or "retry-after" in answer.headers:
        return None
    try:
        told = json.loads(answer.content)
    except (ValueError, RecursionError):
        return None
    if not isinstance(told, dict):
        return None
    if answer.status == 403 and told.get("error_type") == "not_logged_in":
        return AccessDenied(f"{host} shows its posts to members only; such a forum cannot be read")
    extras = told.get("extras")
    seconds = extras.get("wait_seconds") if isinstance(extras, dict) else None
    if answer.status == 429 and isinstance(seconds, int) and seconds >= 0:
        again = now + min(timedelta(seconds=min(max(seconds, 1), 10**6)), LONGEST_WAIT)
        return RateLimited(f"{host} asks to wait (429), not before {again:%H:%M:%S} UTC", again)
    return None


def _time(post: Mapping[str, Any]) -> datetime | None:
    try:
        at = datetime.fromisoformat(str(post.get("created_at")))
        return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


connector = Connector(
    name="discourse",
    summary="posts of a Discourse forum",
    settings=DiscourseSettings,
    open=Discourse,
    every=timedelta(minutes=5),
    credentials="none on public forums",
    policy=Policy(recheck=timedelta(days=1), note="each forum has terms of its own; a post's 404 means deleted"),
    recheck_batch=LOOK_UPS,
)
