"""The page's and the map's own words in the interface language: English or French.

`labels_<tag>.toml` is data only. Stages and touchpoints that were not renamed by the configuration are shown by their word in
that language. The sentences of a digest are made when it is counted, in English, and are marked as such on the page.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files

from listener.digest import text, words
from listener.digest.figures import Change, Tally
from listener.digest.matrix import net

LANGUAGES = ("en", "fr")


@dataclass(frozen=True, slots=True)
class Labels:
    """One language. A word that its file lacks is shown as it comes."""

    language: str
    tables: Mapping[str, Mapping[str, str]]

    def say(self, key: str, **values: object) -> str:
        """The phrase `key` with `values` filled in; values are never read as phrases."""
        return self.tables["phrase"][key].format(**values)

    def number(self, value: int) -> str:
        """1,234 or 1 234."""
        return text.number(value).replace(",", self.tables["number"]["thousands"])

    def hours(self, value: float) -> str:
        """`9.5 h` or `9,5 h`."""
        return text.hours(value).replace(".", self.tables["number"]["decimal"])

    def some(self, count: int, what: str) -> str:
        """`1 person`, `12 people`: a count with the noun `what`; French has no plural for nought."""
        single = count == 1 or (count == 0 and self.language == "fr")
        return f"{self.number(count)} {self.tables['one' if single else 'many'][what]}"

    def people(self, count: int) -> str:
        """`1 person`, `12 people`."""
        return self.some(count, "person")

    def stage(self, label: str) -> str:
        """A stage as it is shown; the team's own names stay."""
        return self.tables["stage"].get(label, label)

    def touchpoint(self, label: str) -> str:
        """A touchpoint as it is shown; the team's own names stay."""
        return self.tables["touchpoint"].get(label, label)

    def word(self, key: str) -> str:
        """An urgency, an emotion, a column's head."""
        return self.tables["word"].get(key, key)

    def change(self, figures: Change, authors: int | None = None) -> str:
        """What `words.change` says."""
        said = words.change(figures, authors)
        for english, here in self.tables["change"].items():
            said = said.replace(english, here)
        return said

    def net(self, figures: Tally) -> str:
        """`−46 (−60 to −29)`; an en dash under ten people."""
        return net(figures).replace(" to ", self.tables["number"]["to"])


def load(language: str = "en") -> Labels:
    """The words of `language`. Raises ValueError for a language there is no file for."""
    if language not in LANGUAGES:
        raise ValueError(f"{language!r} is no language of the digest: {' or '.join(LANGUAGES)}")
    source = files("listener.digest") / f"labels_{language}.toml"
    return Labels(language, tomllib.loads(source.read_text(encoding="utf-8")))
