"""Answering on Reddit, as the account of a refresh token, with an approved key.

Approval is per use case: a key that Reddit approved for reading may not answer (support.reddithelp.com, Responsible Builder
Policy). Locked and archived threads, and subreddits that let the account not in, answer with a code of their own.
Reddit takes no key against repetition, so what an earlier try has published is looked for among the account's own comments.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from connectors.addresses import Guard
from connectors.base import (
    AccessDenied,
    Approved,
    CannotReply,
    ConnectorError,
    Malformed,
    Mention,
    Posted,
    RateLimited,
    Refused,
    SourceContext,
    Voice,
)
from connectors.reddit_api import children
from connectors.reddit_posts import FULLNAME, SITE, thing
from connectors.reddit_settings import SCOPES, RedditSettings
from connectors.secret import read_secret
from connectors.text import label

if TYPE_CHECKING:
    from connectors.reddit_wire import Connection

LONGEST = 10_000
RECENT = 100  # own comments that are looked through
CLOCKS_DIFFER = timedelta(minutes=5)
_LIMITS = 30  # the limit changes with each question: listings are cached by their address (praw#1050)

_REFUSALS = {
    "THREAD_LOCKED": "its thread is locked; nobody can answer there any more",
    "TOO_OLD": "its thread is archived; nobody can answer there any more",
    "DELETED_COMMENT": "the comment was deleted",
    "DELETED_LINK": "the post was deleted",
    "SUBREDDIT_NOTALLOWED": "this subreddit does not let the account comment; ask its moderators",
    "BANNED_FROM_SUBREDDIT": "the account is banned from this subreddit; ask its moderators",
    "TOO_LONG": "Reddit finds the text too long",
    "NO_TEXT": "Reddit finds no text in it",
}


class RedditReplies:
    """The half of a Reddit source that writes."""

    def __init__(self, settings: RedditSettings, context: SourceContext) -> None:
        self._settings = settings
        self._context = context
        self._connection: Connection | None = None
        self._is_proved = False  # the token is that account's

    def voice(self) -> Voice | CannotReply:
        settings = self._settings
        if not settings.replies or settings.reply_as is None:
            need = f"replies = true, reply_as and reply_token_env (a refresh token with the scopes {SCOPES})"
            if settings.client_id is None:
                need = f"through the feeds nothing can be answered; set client_id, client_secret_env, {need}"
                return CannotReply("off", need)
            return CannotReply("off", f"set {need}; Reddit approves keys for one use case, so ask for this one, too")
        return Voice(settings.reply_as, LONGEST, len)

    def may_reply(self, post: Mention) -> Voice | CannotReply:
        voice = self.voice()
        if isinstance(voice, Voice) and not FULLNAME.fullmatch(post.external_id):
            return CannotReply("place", "its address is not known well enough to answer it from here; answer there")
        return voice

    def reply(self, post: Mention, approved: Approved, now: datetime) -> Posted:
        connection = self._log_in(now)
        self._check(connection, post, now)
        body = {"api_type": "json", "thing_id": post.external_id, "text": approved.text}
        told = connection.post("/api/comment/", body, now).get("json")
        if not isinstance(told, dict):
            raise Malformed("Reddit took the reply without saying where it stands")
        if errors := told.get("errors"):
            raise _refusal(errors, now)
        data = told.get("data")
        made = data.get("things") if isinstance(data, dict) else None
        first = thing(made[0]) if isinstance(made, list) and made else None
        if first is None:
            raise Malformed("Reddit took the reply without saying where it stands")
        return _posted(first)

    def find_reply(self, post: Mention, approved: Approved, now: datetime) -> Posted | None:
        connection = self._log_in(now)
        limit = RECENT - int(now.timestamp()) % _LIMITS
        path = f"/user/{self._settings.reply_as}/comments/"
        listed = children(connection.get(path, {"sort": "new", "limit": limit}, now))
        own = [data for child in listed if (data := thing(child)) is not None]
        for data in own:
            if data.get("parent_id") == post.external_id and _same(data.get("body"), approved.text):
                return _posted(data)
        times = [float(at) for data in own if isinstance(at := data.get("created_utc"), int | float)]
        if len(own) >= limit and datetime.fromtimestamp(min(times, default=0), UTC) > approved.at:
            raise Refused("the account has commented too much since to be sure")
        return None

    def close(self) -> None:
        """Release sockets. Idempotent."""
        if self._connection is not None:
            self._connection.close()

    def _log_in(self, now: datetime) -> Connection:
        """A connection with the token, once Reddit says that it is that account's."""
        settings = self._settings
        if self._connection is None:
            from connectors.reddit_wire import Connection, Key

            secret, token = read_secret(settings, "client_secret"), read_secret(settings, "reply_token")
            if not (settings.replies and settings.client_id and secret and token):
                raise AccessDenied("replies are off for this source; nothing is published without replies = true")
            key = Key(settings.client_id, secret, self._context.user_agent, settings.timeout, settings.base_url, token)
            self._connection = Connection(key, Guard(self._context.intranet))
        if not self._is_proved:
            name, wanted = label(self._connection.get("/api/v1/me", {}, now).get("name")), settings.reply_as or ""
            if name.casefold() != wanted.casefold():
                raise AccessDenied(
                    f"reply_token belongs to {name or 'nobody'}, not to {wanted}; correct reply_as or the token"
                )
            self._is_proved = True
        return self._connection

    def _check(self, connection: Connection, post: Mention, now: datetime) -> None:
        """A locked or archived thread is said before anything is sent."""
        about = children(connection.get("/api/info/", {"id": post.external_id}, now))
        data = next((one for child in about if (one := thing(child)) is not None), None)
        if data is None:
            raise Refused("the post is not there any more")
        for key, code in (("locked", "THREAD_LOCKED"), ("archived", "TOO_OLD")):
            if data.get(key) is True:
                raise Refused(_REFUSALS[code])


def _refusal(errors: Any, now: datetime) -> ConnectorError:
    """[["CODE", "sentence", "field"], …]"""
    first = errors[0] if isinstance(errors, list) and errors else []
    code = label(first[0]) if isinstance(first, list) and first else ""
    if code == "RATELIMIT":
        return RateLimited(
            "Reddit lets this account comment only so often, and asks it to wait", now + timedelta(minutes=5)
        )
    return Refused(_REFUSALS.get(code, f"Reddit refuses this reply ({code or 'no reason given'}); answer there"))


def _posted(data: Mapping[str, Any]) -> Posted:
    """By an address that says nothing of the thread's title, which is a customer's."""
    name, link = str(data["name"]), label(data.get("link_id")).removeprefix("t3_")
    return Posted(name, f"{SITE}/comments/{link or '_'}/_/{name.removeprefix('t1_')}/")


def _same(one: object, other: str) -> bool:
    return isinstance(one, str) and one.split() == other.split()
