"""Posts of Bluesky as mentions: what of a record is read, when it names a term, when it was really written.

A record is what its author's software wrote, unchecked: every field may be missing, lie, or be of another kind.
Shapes: app.bsky.feed.post, app.bsky.feed.defs#postView, app.bsky.richtext.facet, app.bsky.embed.* (docs.bsky.app, lexicons).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from connectors.base import Author, Mention
from connectors.text import clean, fold, label, matcher, safe_url

PLATFORM = "bluesky"
COLLECTION = "app.bsky.feed.post"
BESIDE = 40  # tags, links, pictures and words of a link card that are read of one post

# What the platform lets an author's software claim without a second witness: posts are written a while before they
# arrive where a server was away, never after.
_CLAIM = timedelta(days=1)
_TID = (
    "234567abcdefghijklmnopqrstuvwxyz"  # atproto.com/specs/tid: 13 letters of base32, microseconds in the upper 53 bits
)
_KEY = re.compile(r"[A-Za-z0-9._~:-]{1,512}")  # atproto.com/specs/record-key
_DID = re.compile(r"did:[a-z]+:[A-Za-z0-9._:%-]{1,2000}")
_HANDLE = re.compile(r"[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63})+")
_URI = re.compile(rf"at://({_DID.pattern})/{re.escape(COLLECTION)}/({_KEY.pattern})")
_APART = "\n\x00\n"  # between two pieces of a post: no phrase reaches from one into the next
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Terms:
    """What makes a post a mention: a term as whole words anywhere in it, or together as its hashtag; an answer to the brand."""

    pattern: re.Pattern[str] | None
    tags: frozenset[str]
    own: frozenset[str] = frozenset()  # DIDs of the brand's accounts

    @classmethod
    def of(cls, terms: Sequence[str], own: frozenset[str] = frozenset()) -> Terms:
        together = ("".join(letter for letter in fold(term) if letter.isalnum() or letter == "_") for term in terms)
        return cls(matcher(terms), frozenset(filter(None, together)), own)

    def named(self, *texts: str) -> bool:
        """Whether one of the texts holds a term. Without terms, nothing does: everybody's posts are no mention."""
        return self.pattern is not None and self.pattern.search(fold(_APART.join(texts))) is not None

    def wants(self, record: Mapping[str, Any]) -> bool:
        text = record.get("text")
        if isinstance(text, str) and self.named(text[:20_000]):
            return True
        if self.own and self.answered(record):
            return True
        if not ("facets" in record or "embed" in record or "tags" in record):
            return False
        beside = [*_beside(record)]
        return self.named(*(words for _, words in beside)) or any(
            kind == "tag" and fold(words) in self.tags for kind, words in beside
        )

    def answered(self, record: Mapping[str, Any]) -> bool:
        """Whether a post answers one of the brand's."""
        parent = Place.at(_reply(record)[0])
        return parent is not None and parent.did in self.own


@dataclass(frozen=True, slots=True)
class Place:
    """Where a record lies: whose, and under which key."""

    did: str
    key: str

    @classmethod
    def of(cls, did: object, key: object) -> Place | None:
        """None where they are not what atproto allows; both go into addresses."""
        if isinstance(did, str) and isinstance(key, str) and _DID.fullmatch(did) and _KEY.fullmatch(key):
            return cls(did, key)
        return None

    @classmethod
    def at(cls, uri: object) -> Place | None:
        found = _URI.fullmatch(uri) if isinstance(uri, str) else None
        return cls(found[1], found[2]) if found else None

    @property
    def uri(self) -> str:
        return f"at://{self.did}/{COLLECTION}/{self.key}"

    def url(self, handle: str = "") -> str:
        return safe_url(f"https://bsky.app/profile/{handle or self.did}/post/{self.key}")


def mention_of(place: Place, record: Mapping[str, Any], arrived: datetime, terms: Terms) -> Mention | None:
    """A record as a mention without a handle; None where there is nothing to read.

    The text is the author's. What names a term only beside it (a tag, a link, the words for a picture) is put below it, so that
    whoever reads the mention sees why it is one. The title is that of the link card.
    """
    written = record.get("text")
    text = clean(written) if isinstance(written, str) else ""
    beside = [*_beside(record)]
    title = next((label(words) for kind, words in beside if kind == "title"), "")
    if not terms.named(text, title):
        named = [
            f"#{words}" if kind == "tag" else words
            for kind, words in beside
            if kind != "title" and (terms.named(words) or (kind == "tag" and fold(words) in terms.tags))
        ]
        text = clean("\n\n".join(filter(None, (text, *dict.fromkeys(named)))))
    if not text:
        pictures = [words for kind, words in beside if kind == "alt"]
        text = clean("\n\n".join(pictures)) or title
    if not text:
        return None
    parent, thread = _reply(record)
    langs = record.get("langs")
    return Mention(
        platform=PLATFORM,
        external_id=place.uri,
        text=text,
        published_at=written_at(record, place.key, arrived),
        author=Author(id=place.did),
        url=place.url(),
        title=title if title != text else "",
        kind="comment" if parent else "post",
        lang=(label(langs[0], 20) or None) if isinstance(langs, list) and langs else None,
        parent_id=parent,
        thread_id=thread or place.uri,
        in_reply_to_brand=True if terms.answered(record) else None,
    )


def mention_of_view(view: object, terms: Terms) -> Mention | None:
    """A post as the API shows it (postView): with its author's handle and what became of it."""
    if not isinstance(view, dict):
        return None
    place, record, author = Place.at(view.get("uri")), view.get("record"), view.get("author")
    arrived = moment(view.get("indexedAt"))
    if place is None or arrived is None or not isinstance(record, dict):
        return None
    found = mention_of(place, record, arrived, terms)
    if found is None:
        return None
    counts = {"likes": "likeCount", "replies": "replyCount", "reposts": "repostCount"}
    engagement = {ours: count for ours, theirs in counts.items() if type(count := view.get(theirs)) is int}
    return signed(found, author_of(author), place, engagement)


def signed(found: Mention, author: Author | None, place: Place, engagement: Mapping[str, int] | None = None) -> Mention:
    """The mention with what is known of its author."""
    if author is None or author.id != place.did:
        author = found.author
    counts = found.engagement if engagement is None else engagement
    return replace(found, author=author, url=place.url(author.handle), engagement=counts)


def author_of(profile: object) -> Author | None:
    """Whom a profile (profileViewBasic or -Detailed) shows."""
    if not isinstance(profile, dict) or not isinstance(did := profile.get("did"), str) or not _DID.fullmatch(did):
        return None
    handle, followers = profile.get("handle"), profile.get("followersCount")
    # "handle.invalid" stands for a handle whose domain does not confirm it.
    known = isinstance(handle, str) and _HANDLE.fullmatch(handle) and handle != "handle.invalid"
    return Author(
        id=did,
        handle=str(handle)[:253] if known else "",
        name=label(profile.get("displayName")),
        followers=followers if type(followers) is int and followers >= 0 else None,
    )


def written_at(record: Mapping[str, Any], key: str, arrived: datetime) -> datetime:
    """When a post was written. `arrived` is when the network first saw it; `createdAt` is only its author's word.

    The word is taken where it lies at most a day before the arrival, or where the record's key, which the author's server makes
    from its own clock, says the same: a post from years ago that a server sends again, or that was imported under its own
    date, is no news. Anything else, and every date after the arrival, is the arrival.
    """
    claimed = moment(record.get("createdAt"))
    if claimed is None or claimed > arrived:
        return arrived
    if arrived - claimed <= _CLAIM:
        return claimed
    made = _made(key)
    return claimed if made is not None and abs(made - claimed) <= _CLAIM else arrived


def moment(text: object) -> datetime | None:
    """An ISO 8601 date and time; without a zone it is UTC."""
    if not isinstance(text, str) or len(text) > 64:
        return None
    try:
        at = datetime.fromisoformat(text)
        return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


def _made(key: str) -> datetime | None:
    """The moment that a record key holds, where it is a TID."""
    if len(key) != 13 or any(letter not in _TID for letter in key):
        return None
    number = 0
    for letter in key:
        number = number * 32 + _TID.index(letter)
    try:
        return _EPOCH + timedelta(microseconds=(number & (2**63 - 1)) >> 10)
    except OverflowError:
        return None


def _beside(record: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """(kind, words) of what a post holds beside its text: "tag", "link", "title", "alt"; at most BESIDE."""
    for number, one in enumerate(_pieces(record)):
        if number >= BESIDE:
            return
        yield one


def _pieces(record: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for tag in _list(record.get("tags")):
        yield from _words("tag", tag)
    for facet in _list(record.get("facets")):
        for feature in _list(facet.get("features") if isinstance(facet, dict) else None):
            if isinstance(feature, dict):
                yield from _words("tag", feature.get("tag"))
                yield from _words("link", safe_url(feature.get("uri")))
    embed = record.get("embed")
    # A quote with pictures (recordWithMedia) holds them one level down.
    media = embed.get("media") if isinstance(embed, dict) else None
    for part in (embed, media):
        if not isinstance(part, dict):
            continue
        if isinstance(card := part.get("external"), dict):
            yield from _words("title", card.get("title"))
            yield from _words("link", safe_url(card.get("uri")))
        yield from _words("alt", part.get("alt"))
        for image in _list(part.get("images")):
            if isinstance(image, dict):
                yield from _words("alt", image.get("alt"))


def _words(kind: str, words: object) -> Iterator[tuple[str, str]]:
    if isinstance(words, str) and (words := words[:5_000].strip()):
        yield kind, words


def _list(value: object) -> list[Any]:
    return value[:BESIDE] if isinstance(value, list) else []


def _reply(record: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """(what this answers, the root of its thread)."""
    reply = record.get("reply")
    places: list[Place | None] = []
    for name in ("parent", "root"):
        ref = reply.get(name) if isinstance(reply, dict) else None
        places.append(Place.at(ref.get("uri") if isinstance(ref, dict) else None))
    parent, root = (place.uri if place else None for place in places)
    return parent, root or parent
