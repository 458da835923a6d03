"""The phrase book: every word and sentence of a digest in one language, and how that language writes numbers, days and lists.

`labels_<tag>.toml` is data only, so one more file is one more language. A phrase is a text with places for values, or two
of them, `one` and `many`, where a count decides. Sentences are made once, when a week is counted, and kept in the digest;
renderers look up headings alone. Values are never read as phrases.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from importlib.resources import files
from typing import Any
from zoneinfo import ZoneInfo

from listener.digest import text
from listener.digest.week import Week

LANGUAGES = ("en", "fr")


@dataclass(frozen=True, slots=True)
class Labels:
    """One language. A word that its file lacks is shown as it comes."""

    language: str
    tables: Mapping[str, Mapping[str, Any]]

    def say(self, key: str, of: int | None = None, /, **values: object) -> str:
        """The phrase `key` with `values` filled in; `of` chooses its singular or plural and is its `{n}`."""
        phrase = self.tables["phrase"][key]
        if of is not None:
            values["n"] = self.number(of)
            if not isinstance(phrase, str):
                phrase = phrase[self._form(of)]
        shown: str = phrase.format(**values)
        return shown

    def number(self, value: int) -> str:
        """1,234 or 1 234."""
        return self._written(f"{value:,}")

    def decimal(self, value: float) -> str:
        """9.5 or 9,5; a whole number without decimals."""
        return self._written(f"{value:,.1f}".removesuffix(".0"))

    def money(self, value: float) -> str:
        """1,234.50 or 1 234,50."""
        return self._written(f"{value:,.2f}")

    def hours(self, value: float) -> str:
        """`9.5 h` or `9,5 h`."""
        return f"{self.decimal(value)} h"

    def minutes(self, value: float) -> str:
        """`25 min`, `3.4 h`, `2.1 days`."""
        if value < 60:
            return f"{value:.0f} min"
        shown, unit = (value / 60, "h") if value < 48 * 60 else (value / 1440, self.tables["number"]["days"])
        return f"{self._written(f'{shown:.1f}')} {unit}"

    def some(self, count: int, what: str) -> str:
        """`1 person`, `12 people`: a count with the noun `what`."""
        return f"{self.number(count)} {self.tables[self._form(count)][what]}"

    def people(self, count: int) -> str:
        """`1 person`, `12 people`."""
        return self.some(count, "person")

    def listing(self, words: Sequence[str]) -> str:
        """`a`, `a and b`, `a, b and c`."""
        return (
            self.tables["number"]["and"].join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else "".join(words)
        )

    @property
    def colon(self) -> str:
        """`: `; in French a space stands before it."""
        mark: str = self.tables["number"]["colon"]
        return mark

    @property
    def semicolon(self) -> str:
        """`; `; in French a space stands before it."""
        mark: str = self.tables["number"]["semicolon"]
        return mark

    def stage(self, key: str) -> str:
        """A stage by its key."""
        name = key.capitalize()
        shown: str = self.tables["stage"].get(name, name)
        return shown

    def touchpoint(self, key: str) -> str:
        """A touchpoint, or an emotion, by its key; one that the team made by its own name."""
        name = text.name(key)
        return self.tables["touchpoint"].get(name) or self.word(name)

    def word(self, key: str) -> str:
        """An urgency, an emotion, a column's head."""
        shown: str = self.tables["word"].get(key, key)
        return shown

    def gap(self, reason: str) -> str:
        """Why hours are missing, for people who never saw a connector."""
        shown: str = self.tables["gap"].get(reason, reason)
        return shown

    def period(self, week: Week) -> str:
        """`16–22 November 2026`, `30 November – 6 December 2026`, `29 December 2025 – 4 January 2026`."""
        first, last = week.first, week.first + timedelta(days=week.days - 1)
        end = f"{self._day(last)} {self._name('months', last.month)} {last.year}"
        if first == last:
            return end
        if (first.year, first.month) == (last.year, last.month):
            return f"{self._day(first)}–{end}"
        begin = f"{self._day(first)} {self._name('months', first.month)}"
        return f"{begin} – {end}" if first.year == last.year else f"{begin} {first.year} – {end}"

    def moment(self, moment: datetime, week: Week) -> str:
        """`Tue 02:00`; outside the week `Tue 3 Nov 02:00`."""
        local = moment.astimezone(ZoneInfo(week.time_zone))
        day = self._name("days", local.weekday() + 1)
        if week.since <= moment < week.until:
            return f"{day} {local:%H:%M}"
        return f"{day} {self._day(local)} {self._name('short_months', local.month)} {local:%H:%M}"

    def _day(self, day: date) -> str:
        shown: str = self.tables["calendar"]["first"] if day.day == 1 else str(day.day)
        return shown

    def _name(self, table: str, place: int) -> str:
        name: str = self.tables["calendar"][table][place - 1]
        return name

    def _form(self, count: int) -> str:
        form: str = "one" if count == 1 else self.tables["number"]["nought"] if count == 0 else "many"
        return form

    def _written(self, figure: str) -> str:
        marks = self.tables["number"]
        return figure.translate({ord(","): marks["thousands"], ord("."): marks["decimal"]})


def load(language: str = "en") -> Labels:
    """The words of `language`. Raises ValueError for a language there is no file for."""
    if language not in LANGUAGES:
        raise ValueError(f"{language!r} is no language of the digest: {' or '.join(LANGUAGES)}")
    source = files("listener.digest") / f"labels_{language}.toml"
    return Labels(language, tomllib.loads(source.read_text(encoding="utf-8")))
