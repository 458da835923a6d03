"""Bring what a connector hands over within what can be stored, dated and shown.

A page is stored whole or not at all, so one post that a database cannot hold, or a date that no calendar can reckon
with, would stop its source for ever. Whoever wrote it may be hostile, and connectors may be anybody's: it is mended
here, once, for polls and imports alike. Ordinary posts pass unchanged, as the same object.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from hashlib import blake2b

from connectors.base import Author, Mention

EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
LATEST = datetime(2100, 1, 1, tzinfo=UTC)
KEY_BYTES = 500  # of an id; PostgreSQL's B-tree takes entries of 2,704 bytes, and some indexes hold more than an id
MOST = 2**53  # the largest number that is the same in JSON, both databases and a webhook's reader


def bounded(mention: Mention, now: datetime) -> Mention:
    """`mention`, its ids, numbers and date within bounds. A date that cannot be is now where it lies ahead."""
    published = mention.published_at
    if published >= LATEST:
        published = now
    author = mention.author
    followers = author.followers
    if followers is not None and not 0 <= followers <= MOST:
        followers = None
    changed = replace(
        mention,
        external_id=_key(mention.external_id),
        parent_id=mention.parent_id and _key(mention.parent_id),
        thread_id=mention.thread_id and _key(mention.thread_id),
        published_at=max(published, EARLIEST),
        author=Author(_key(author.id), author.handle, author.name, followers),
        engagement={name: count for name, count in mention.engagement.items() if -MOST <= count <= MOST},
    )
    return mention if changed == mention else changed


def _key(key: str) -> str:
    """`key`, or where it is too long its beginning and a hash: two long ids stay two."""
    encoded = key.encode(errors="replace")
    if len(encoded) <= KEY_BYTES:
        return key
    beginning = encoded[: KEY_BYTES - 40].decode(errors="ignore")
    return f"{beginning}#{blake2b(encoded, digest_size=16).hexdigest()}"
