"""How messages look to one team: its language, time zone, stage names, and whether buttons have a hearer.

`Words` is one language file (`words_<tag>.toml`, data only); a word that a file lacks, such as a touchpoint of the
team's own, is shown as it is spelt. `Look` carries it with everything else that is presentation and not verdict,
and writes numbers and dates the way that language does. Pure once loaded.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from importlib.resources import files

from listener.slack.outside import one_line
from rules.vocabulary import Stage

# Proper names, the same in every language. A platform that is not here is shown as its connector or file names it.
PLATFORMS: Mapping[str, str] = {
    "appstore": "App Store",
    "bluesky": "Bluesky",
    "discourse": "Discourse",
    "github": "GitHub",
    "google_alerts": "Google Alerts",
    "hackernews": "Hacker News",
    "lemmy": "Lemmy",
    "mastodon": "Mastodon",
    "reddit": "Reddit",
    "rss": "RSS",
    "stackexchange": "Stack Exchange",
    "x": "X",
    "youtube": "YouTube",
}


@dataclass(frozen=True, slots=True)
class Words:
    """One language of the messages."""

    language: str
    tables: Mapping[str, Mapping[str, str]]

    def word(self, table: str, key: str) -> str:
        """The word for `key`, or `key` itself made readable where the file has none."""
        return self.tables.get(table, {}).get(key) or one_line(key.replace("_", " "), 60) or "–"

    def has(self, table: str, key: str) -> bool:
        """Whether the language file has a word for `key`."""
        return key in self.tables.get(table, {})

    def say(self, key: str, **values: object) -> str:
        """The phrase `key` with `values` filled in. Values are never read as phrases themselves."""
        return self.tables["phrase"][key].format(**values)


@dataclass(frozen=True, slots=True)
class Look:
    """Presentation of one receiver. `stages` renames base stages, e.g. several to one (PRODUCT §2, projection)."""

    words: Words
    zone: tzinfo = UTC
    interactive: bool = False  # whether somebody answers clicks; without, only the link button is shown
    stages: Mapping[str, str] = field(default_factory=dict)
    replies: frozenset[str] = frozenset()  # platforms whose posts can be answered from here

    def stage(self, stage: Stage) -> str:
        """The team's name for `stage`."""
        return one_line(self.stages.get(stage.value, ""), 60) or self.words.word("stage", stage.value)

    def platform(self, name: str) -> str:
        """The platform as people write it; never empty."""
        return PLATFORMS.get(name) or one_line(name, 40) or "?"

    def language(self, tag: str) -> str:
        """The name of the language with the primary tag `tag`."""
        return self.words.word("language", tag or "und")

    def decimal(self, number: float, digits: int) -> str:
        """`number` with `digits` decimals, in the language's own signs."""
        sign = self.words.word("number", "minus") if number < 0 else ""
        return sign + f"{abs(number):.{digits}f}".replace(".", self.words.word("number", "decimal"))

    def count(self, number: int) -> str:
        """A number of people, short: 950, 12.4k, 1.2M."""
        for least, unit in ((1_000_000, "millions"), (1_000, "thousands")):
            if number >= least:
                short = self.decimal(number / least, 1)
                # read from the table itself: `word` would fold the space that French writes before the unit
                return re.sub(r"[.,]0$", "", short) + self.words.tables["number"][unit]
        return str(number)

    def date(self, moment: datetime) -> str:
        """Day and month in the team's time zone."""
        local = moment.astimezone(self.zone)
        month = self.words.word("date", "months").split()[local.month - 1]
        return self.words.word("date", "day").format(day=local.day, month=month)

    def moment(self, moment: datetime, beside: datetime | None = None) -> str:
        """Date and time in the team's time zone; the time alone where `beside` was the same day."""
        local = moment.astimezone(self.zone)
        if beside is not None and beside.astimezone(self.zone).date() == local.date():
            return f"{local:%H:%M}"
        return self.words.word("date", "moment").format(date=self.date(moment), time=f"{local:%H:%M}")


def utc_now() -> datetime:
    """The clock of receivers that are given no other."""
    return datetime.now(UTC)


def languages() -> tuple[str, ...]:
    """The tags that have a language file, sorted."""
    names = (found.name for found in files(__package__).iterdir())
    return tuple(sorted(m[1] for name in names if (m := re.fullmatch(r"words_([a-z-]+)\.toml", name))))


def load_words(language: str) -> Words:
    """The words of `language`. Raises ValueError, naming what exists, where there is no such file."""
    if language not in languages():
        raise ValueError(f"no words for language {language!r}; there are: {', '.join(languages())}")
    text = files(__package__).joinpath(f"words_{language}.toml").read_text(encoding="utf-8")
    return Words(language, tomllib.loads(text))
