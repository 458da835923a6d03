"""A drill: invented posts through the real pipeline, to see that alerts arrive and that people know what to do with them.

Its mentions have a platform of their own, so every message says that it is a drill. They are judged, routed, told and worked like
any other, but kept as not relevant: no digest, no spike and no figure counts them. `end` resolves what nobody has.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from importlib.resources import files
from itertools import cycle, islice, product
from typing import Any

from connectors.base import Author, Mention
from listener.cases.deeds import Deed, Refusal, Wish
from listener.cases.plan import CLOSED_STATES, NewMention, OpenCases, Settled
from listener.cases.routing import Route
from listener.cases.settle import Settler
from listener.cases.telling import Rules
from listener.importing import import_posts
from listener.model import DRILL, CaseState, Verdict
from listener.store import Store
from listener.working import Desk

NAMES: Mapping[str, str] = {
    "alert": "one customer whose order never came",
    "critical": "one customer who was hurt, and writes again",
    "storm": "25 customers who cannot pay",
}
STORM = 25  # posts; more than a receiver takes singly within an hour, as configured at first


@dataclass(frozen=True, slots=True)
class Drilled:
    """What a drill set going."""

    posts: int
    cases: tuple[str, ...]  # references, oldest first
    told: tuple[str, ...]  # receivers


def invented(name: str, brand: str, languages: Sequence[str], at: datetime, run: str) -> list[Mention]:
    """The posts of a drill, oldest first. `run` sets it apart from those before it. Raises KeyError for an unknown name."""
    given: Mapping[str, Any] = tomllib.loads((files("listener.demo") / "drills.toml").read_text(encoding="utf-8"))
    spoken = [lang for lang in languages if lang in given["alert"]] or ["en"]
    if name == "storm":
        storm = given["storm"]
        written = [[(lang, f"{opening} {problem}.") for opening, problem in _crossed(storm, lang)] for lang in spoken]
        turns = cycle(map(iter, written))
        texts = [next(turn) for turn in islice(turns, STORM)]
        return [_post(text, lang, brand, at, run, number, number) for number, (lang, text) in enumerate(texts)]
    texts = [(spoken[0], text) for text in given[name][spoken[0]]]
    return [_post(text, lang, brand, at, run, number, 0) for number, (lang, text) in enumerate(texts)]


def drill(
    posts: Sequence[Mention],
    store: Store,
    judge: Callable[[Mention], Verdict],
    rules: Rules,
    owner: str,
    clock: Callable[[], datetime],
    to: str | None = None,
) -> Drilled:
    """Let them come in, one page each, as they would. `to`: one receiver instead of the routes. Raises ImportRefused."""
    if to is not None:
        rules = replace(rules, routes=(Route(DRILL, (to,)),))
    settle = _Settle(Settler(DRILL, rules))
    import_posts(
        posts, source=DRILL, store=store, judge=judge, settle=settle, owner=owner, clock=clock, page_size=1
    )  # fmt: skip
    return Drilled(len(posts), tuple(dict.fromkeys(settle.cases)), tuple(dict.fromkeys(settle.told)))


def end(desk: Desk, who: str, through: str, now: datetime) -> list[str]:
    """Resolve every drill that is open. Returns their references."""
    done: list[str] = []
    for case in desk.store.cases_in(*(state for state in CaseState if state not in CLOSED_STATES)):
        if case.platform != DRILL:
            continue
        wish = Wish(Deed.RESOLVE, who, through, reason="end of the drill")
        if not isinstance(desk.do(case.ref, wish, now), Refusal):
            done.append(case.ref)
    return done


class _Settle:
    """Settled like any post; what is kept says that it counts for nothing."""

    def __init__(self, settler: Settler) -> None:
        self._settler = settler
        self.cases: list[str] = []
        self.told: list[str] = []

    def __call__(
        self, new: Sequence[NewMention], open_cases: OpenCases, next_case_id: Callable[[], int], now: datetime, /
    ) -> Settled:
        settled = self._settler(new, open_cases, next_case_id, now)
        self.cases += [draft.case.ref for draft in settled.drafts] + [change.case.ref for change in settled.changes]
        self.told += [each.notification.receiver for each in settled.notifications]
        judged = {one.id: settled.verdicts.get(one.id, one.verdict) for one in new}
        apart = {id_: replace(verdict, relevant=False, subject=DRILL) for id_, verdict in judged.items()}
        return replace(settled, verdicts=apart)


def _crossed(storm: Mapping[str, Mapping[str, Sequence[str]]], lang: str) -> list[tuple[str, str]]:
    """Neighbours differ in both halves."""
    pairs = list(product(range(5), range(5)))
    return [(storm["openings"][lang][(a + b) % 5], storm["problems"][lang][b]) for a, b in pairs]


def _post(text: str, lang: str, brand: str, at: datetime, run: str, number: int, author: int) -> Mention:
    return Mention(
        platform=DRILL,
        external_id=f"{run}-{number}",
        text=text.format(brand=brand),
        published_at=at,
        author=Author(f"{run}-{author}", f"invented-{author + 1}", f"Invented customer {author + 1}"),
        lang=lang,
    )
