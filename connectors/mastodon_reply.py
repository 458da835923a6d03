"""Answering on Mastodon: as the account of a token, on the instance of the source, to posts of any server.

A post of another server is asked for by its address first, so that the instance knows it. `Idempotency-Key` keeps a
repeated request from being a second post (for an hour: docs.joinmastodon.org/methods/statuses); what an earlier try has
published is looked for among the account's own posts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from connectors.base import (
    AccessDenied,
    Approved,
    CannotReply,
    Malformed,
    Mention,
    Posted,
    Refused,
    ReplySettings,
    Voice,
)
from connectors.http import Answer, Client
from connectors.lengths import on_mastodon
from connectors.mastodon_posts import home_of, time_of
from connectors.secret import read_secret
from connectors.text import label, plain, safe_url

LONGEST = 500  # of an instance that has not raised it
RECENT = 40  # own posts that are looked through; the most an instance gives at once
CLOCKS_DIFFER = timedelta(minutes=5)
RIGHTS = "profile (or read:accounts), read:search, read:statuses and write:statuses"


class MastodonReplies:
    """The half of a Mastodon source that writes. `connect` makes a client of the instance that sends these headers."""

    def __init__(self, settings: ReplySettings, base: str, connect: Callable[[Mapping[str, str]], Client]) -> None:
        self._settings = settings
        self._base = base
        self._connect = connect
        self._client: Client | None = None
        self._own = ""  # id of the account

    def voice(self) -> Voice | CannotReply:
        settings = self._settings
        if not settings.replies or settings.reply_as is None:
            return CannotReply(
                "off", f"set replies = true, reply_as and reply_token_env (a token with the rights {RIGHTS})"
            )
        return Voice(settings.reply_as, LONGEST, on_mastodon)

    def may_reply(self, post: Mention) -> Voice | CannotReply:
        voice = self.voice()
        if isinstance(voice, CannotReply):
            return voice
        if not safe_url(post.external_id):
            return CannotReply("place", "its address is not known well enough to answer it from here; answer there")
        # Without the handle its author is not told (docs.joinmastodon.org/user/network).
        opening = f"@{post.author.handle} " if post.author.handle else ""
        return Voice(voice.account, voice.longest, voice.measure, opening)

    def reply(self, post: Mention, approved: Approved, now: datetime) -> Posted:
        client, _ = self._log_in(now)
        body = {"status": approved.text, "in_reply_to_id": self._here(client, post, now), "visibility": "public"}
        told = client.decoded(client.post("/api/v1/statuses", now, body, {"Idempotency-Key": approved.key}))
        if not isinstance(told, dict) or not (posted := _posted(told)):
            raise Malformed("the instance took the reply without saying where it stands")
        return posted

    def find_reply(self, post: Mention, approved: Approved, now: datetime) -> Posted | None:
        client, own = self._log_in(now)
        here = self._here(client, post, now)
        listed = client.json(f"/api/v1/accounts/{own}/statuses", now, {"limit": RECENT, "exclude_reblogs": "true"})
        if not isinstance(listed, list):
            raise Malformed("the instance answered without a list of the account's own posts")
        known = [one for one in listed if isinstance(one, dict)]
        for status in known:
            at, content = time_of(status), status.get("content")
            if at is None or at < approved.at - CLOCKS_DIFFER or label(status.get("in_reply_to_id")) != here:
                continue
            if isinstance(content, str) and _same(plain(content), approved.text) and (posted := _posted(status)):
                return posted
        times = [at for one in known if (at := time_of(one)) is not None]
        if len(known) >= RECENT and min(times, default=now) > approved.at:
            raise Refused("the account has posted too much since to be sure")
        return None

    def close(self) -> None:
        """Release sockets. Idempotent."""
        if self._client is not None:
            self._client.close()

    def _log_in(self, now: datetime) -> tuple[Client, str]:
        """A client with the token, once the instance says that it is that account's."""
        if self._client is None:
            token = read_secret(self._settings, "reply_token")
            if not (self._settings.replies and token):
                raise AccessDenied("replies are off for this source; nothing is published without replies = true")
            self._client = self._connect({"Authorization": f"Bearer {token}"})
        if not self._own:
            told = self._client.json("/api/v1/accounts/verify_credentials", now)
            name, wanted = label(told.get("acct") if isinstance(told, dict) else ""), self._settings.reply_as or ""
            if name.casefold() != wanted.partition("@")[0].casefold():
                raise AccessDenied(
                    f"reply_token belongs to {name or 'nobody'}, not to {wanted}; correct reply_as or the token"
                )
            self._own = label(told.get("id"))
        return self._client, self._own

    def _here(self, client: Client, post: Mention, now: datetime) -> str:
        """The post's id on this instance."""
        home = home_of(post.external_id)
        if home is not None and home[0].casefold() == self._base.casefold():
            return home[1]
        asked = urlencode({"q": post.external_id, "type": "statuses", "resolve": "true", "limit": 1})
        found = client.json(f"/api/v2/search?{asked}", now)
        statuses = found.get("statuses") if isinstance(found, dict) else None
        for status in statuses if isinstance(statuses, list) else ():
            if isinstance(status, dict) and status.get("uri") == post.external_id and (one := label(status.get("id"))):
                return one
        raise Refused("the account's instance cannot find this post; it may be gone, or its server be blocked there")


def explain_writing(answer: Answer, now: datetime) -> Refused | AccessDenied | None:
    """What an instance says with a refusal to publish."""
    if answer.status in (401, 403):
        return AccessDenied(f"the instance answered {answer.status}: reply_token needs the rights {RIGHTS}")
    if answer.status == 404:
        return Refused("the instance says that the post is not there any more")
    if answer.status == 422:
        return Refused("the instance refuses this text (422): it may be too long there, or the post cannot be answered")
    return None


def _posted(status: Mapping[str, Any]) -> Posted | None:
    uri = label(status.get("uri"), 1000)
    return Posted(uri, safe_url(status.get("url")) or safe_url(uri)) if uri else None


def _same(one: str, other: str) -> bool:
    """Instances write handles without their server and shorten links in what they show: those are not compared."""
    return _bare(one) == _bare(other)


def _bare(text: str) -> str:
    words = (word.split("@")[1] if word.startswith("@") and len(word) > 1 else word for word in text.split())
    return " ".join(word for word in words if "://" not in word)
