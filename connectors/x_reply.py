"""Answering on X, as the account of four keys that may write.

X lets an app of the self-serve plans answer only posts that mention or quote the answering account (docs:
posts/manage-tweets/integrate, since 2026-02-23); other posts are refused here, before anything is typed. It takes no key
against repetition, so what an earlier try has published is looked for on the account's own timeline. A reply is billed:
$0.010, with a link $0.200.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from connectors.base import (
    AccessDenied,
    Approved,
    BudgetReached,
    CannotReply,
    Malformed,
    Mention,
    Parked,
    Posted,
    Refused,
    SourceContext,
    Unavailable,
    Voice,
)
from connectors.lengths import LINKS, on_x
from connectors.secret import read_secret
from connectors.text import label
from connectors.x_client import SITE, Client, Keys, NotPublished
from connectors.x_posts import PLATFORM, Own, is_id, posts_of
from connectors.x_settings import REPLY_KEYS, XSettings
from connectors.x_spend import OWNED_POST, USER, Price, Till

LONGEST = 280  # weighted
RECENT = 20  # own posts that are looked through
CLOCKS_DIFFER = timedelta(minutes=5)
REPLY = Price("reply", 0.010)
REPLY_WITH_LINK = Price("reply with a link", 0.200)


class XReplies:
    """The half of an X source that writes."""

    def __init__(self, settings: XSettings, context: SourceContext) -> None:
        self._settings = settings
        self._context = context
        self._till = Till(context.purse)
        self._client: Client | None = None
        self._own = ""  # number of the account

    def voice(self) -> Voice | CannotReply:
        settings = self._settings
        if not settings.replies or settings.reply_as is None:
            keys = ", ".join(f"{key}_env" for key in REPLY_KEYS)
            return CannotReply("off", f"set replies = true, reply_as and {keys} (of an app that may read and write)")
        return Voice(settings.reply_as, LONGEST, on_x)

    def may_reply(self, post: Mention) -> Voice | CannotReply:
        voice = self.voice()
        if isinstance(voice, CannotReply):
            return voice
        if not is_id(post.external_id):
            return CannotReply("place", "its address is not known well enough to answer it from here; answer there")
        if not self._is_summoned(post, voice.account):
            return CannotReply(
                "summons",
                f"X lets an app answer only posts that mention or quote @{voice.account}, and this one does not, as far as is"
                " known here; answer it on X",
            )
        return voice

    def reply(self, post: Mention, approved: Approved, now: datetime) -> Posted:
        client, _ = self._log_in(now)
        price = REPLY_WITH_LINK if LINKS.search(approved.text) else REPLY
        try:
            with self._paying(price, approved.key, now):
                told = client.create(approved.text, post.external_id, now)
        except NotPublished as refusal:
            if not refusal.is_repeated:
                raise
            raise Unavailable(f"{SITE} says that the account has written this already; it is looked for") from None
        data = told.get("data")
        one = label(data.get("id")) if isinstance(data, dict) else ""
        if not is_id(one):
            raise Malformed(f"{SITE} took the reply without saying where it stands")
        return self._posted(one)

    def find_reply(self, post: Mention, approved: Approved, now: datetime) -> Posted | None:
        client, own = self._log_in(now)
        with self._till.paying({OWNED_POST: RECENT}, now) as bill:
            answer = client.own_posts(own, approved.at - CLOCKS_DIFFER, RECENT, now)
            found = posts_of(answer, Own())
            bill.add(OWNED_POST, [str(one.id) for one in found])
        for one in found:
            mention = one.mention
            if mention is not None and mention.parent_id == post.external_id and _same(mention.text, approved.text):
                return self._posted(str(one.id))
        if len(found) >= RECENT:
            raise Refused("the account has posted too much since to be sure")
        return None

    def close(self) -> None:
        """Release sockets. Idempotent."""
        if self._client is not None:
            self._client.close()

    def _is_summoned(self, post: Mention, account: str) -> bool:
        if re.search(rf"(?<!\w)@{re.escape(account)}(?!\w)", post.text, re.IGNORECASE):
            return True
        # An answer to the account names it beside its text; with several own accounts nobody can tell which.
        own = {one.partition(":")[2].lstrip("@").casefold() for one in self._context.own_accounts if _is_ours(one)}
        return post.in_reply_to_brand is True and own <= {account.casefold()}

    def _log_in(self, now: datetime) -> tuple[Client, str]:
        """A client with the keys, once X says that they are that account's."""
        settings, wanted = self._settings, self._settings.reply_as or ""
        if self._client is None:
            keys = [secret for key in REPLY_KEYS if (secret := read_secret(settings, key)) is not None]
            if not (settings.replies and len(keys) == len(REPLY_KEYS)):
                raise AccessDenied("replies are off for this source; nothing is published without replies = true")
            user = Keys(None, (keys[0], keys[1], keys[2], keys[3]))
            self._client = Client(user, settings.base_url, self._context.user_agent, settings.timeout)
        if not self._own:
            with self._till.paying({USER: 1}, now) as bill:
                data = self._client.me(now).get("data")
                bill.add(USER, ["me"])
            handle = label(data.get("username")) if isinstance(data, dict) else ""
            if handle.casefold() != wanted.casefold():
                raise AccessDenied(
                    f"the keys for replies belong to @{handle or '?'}, not to @{wanted}; correct reply_as or the keys"
                )
            self._own = label(data.get("id")) if isinstance(data, dict) else ""
        return self._client, self._own

    @contextmanager
    def _paying(self, price: Price, key: str, now: datetime) -> Iterator[None]:
        """Paid unless X says for certain that nothing was published."""
        with self._till.paying({price: 1}, now) as bill:
            bill.add(price, [key])
            try:
                yield
            except (Parked, Refused, BudgetReached):
                bill.came.clear()
                raise

    def _posted(self, one: str) -> Posted:
        return Posted(one, f"https://x.com/{self._settings.reply_as}/status/{one}")


def _is_ours(account: str) -> bool:
    return account.partition(":")[0].casefold() == PLATFORM


def _same(one: str, other: str) -> bool:
    """X puts the handles of who is answered in front, and writes links in its own way: neither is compared."""
    return _bare(one) == _bare(other)


def _bare(text: str) -> str:
    words = text.split()
    while words and words[0].startswith("@"):
        words.pop(0)
    return " ".join(word for word in words if "://" not in word)
