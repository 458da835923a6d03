"""Share of voice: who is spoken of, us or a rival, counted in people, from equal sources alone.

A source counts only if it looks for the brand and for every rival alike; one that looks for us alone would make us look
large. Where no source does, or no rival is named, there is no share, and the digest says why.
"""

from __future__ import annotations

from listener.digest.findings import NO_SHARE, ShareOfVoice, VoiceShare
from listener.digest.given import DigestSettings
from listener.digest.labels import Labels
from listener.digest.said import Said
from listener.digest.shares import share
from listener.digest.text import visible


class Voices:
    """Hears every counted post and every one about a rival that promotes nothing."""

    def __init__(self, settings: DigestSettings) -> None:
        self._settings = settings
        self._people: dict[str, set[str]] = {}
        self._posts: dict[str, int] = {}
        self._sources: set[str] = set()

    def add(self, one: Said) -> None:
        """Count a post for the brand it is about."""
        post = one.post
        if post.source not in self._settings.equal_sources or not post.relevant:
            return
        self._sources.add(post.source)
        name = post.subject.partition(":")[2] if post.subject.startswith("rival:") else ""
        self._people.setdefault(name, set()).add(one.author)
        self._posts[name] = self._posts.get(name, 0) + 1

    def figures(self, brand: str, book: Labels) -> ShareOfVoice:
        """Ours first, then the rivals by people. Shares are of all (person, brand) pairs: who speaks of two counts for both."""
        settings = self._settings
        if not settings.rivals:
            return NO_SHARE
        if not settings.equal_sources:
            return ShareOfVoice(False, book.say("voices_unequal"), (), ())
        of = sum(map(len, self._people.values()))
        if not of:
            return ShareOfVoice(False, book.say("voices_silent"), (), ())
        names = sorted(
            {*settings.rivals, *self._people} - {""}, key=lambda name: (-len(self._people.get(name, ())), name)
        )
        return ShareOfVoice(
            True,
            "",
            tuple(visible(name, 60) for name in sorted(self._sources)),
            tuple(
                VoiceShare(
                    visible(name, 60) or brand,
                    self._posts.get(name, 0),
                    len(self._people.get(name, ())),
                    share(len(self._people.get(name, ())), of),
                )
                for name in ("", *names)
            ),
        )
