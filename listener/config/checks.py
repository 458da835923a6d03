"""What no single key can know: names that must exist or must be unique, routes that never match, nobody who hears.

Problems stop a start. Warnings are said, and the program runs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from listener.cases.clock import ServiceHours
from listener.cases.routing import Route
from listener.config.problems import Path, Report, did_you_mean, listed, quoted
from listener.config.schema import AccountKeys, Brand, Digest, Journey, ListenerSection, TargetKeys
from listener.config.whole import SourceConfig
from rules.vocabulary import TOUCHPOINTS

_DATABASE = re.compile(r"(sqlite:///(?!:memory:).+|postgres(ql)?(\+psycopg)?://.*)", re.DOTALL)
MOST_SAVED = 100  # options of one menu; docs.slack.dev/reference/block-kit/composition-objects/option-object
_PASSWORD = re.compile(r"://[^/@]*:[^/@]*@|[?&]password=", re.IGNORECASE)
_CONDITIONS = ("stages", "intents", "touchpoints", "sources", "platforms", "languages", "sentiments")


def check_database(report: Report, listener: ListenerSection) -> None:
    """The database's URL names a database that the store speaks to, and no password."""
    url, place = listener.database, ("listener", "database")
    if url is None:
        return
    if _PASSWORD.search(url):
        report.problem(
            place,
            "a password must not stand in this file",
            'put the whole URL into an environment variable and write database_env = "ITS_NAME"',
        )
    elif not _DATABASE.fullmatch(url):
        report.problem(
            place,
            f"{quoted(url)} is no database this program speaks to",
            "write sqlite:///FILE or postgresql://HOST/NAME",
        )


def check_whole(
    report: Report,
    document: Mapping[str, Any],
    sections: Mapping[str, Any],
    sources: Sequence[SourceConfig | None],
    routes: Sequence[Route | None],
) -> None:
    """Everything that takes more than one table to see. Tables that are broken themselves are not judged again."""
    receiver_names = _unique(report, document, "receiver")
    source_names = _unique(report, document, "source")
    account_names = _unique(report, document, "account")
    _unique(report, document, "route")
    _unique(report, document, "saved_reply")
    journey: Journey | None = sections.get("journey")
    digest: Digest | None = sections.get("digest")
    touchpoints = (*TOUCHPOINTS, *(journey.touchpoints if journey else _touchpoints(document)))

    for index, table in enumerate(_tables(document, "source")):
        account = table.get("account")
        if isinstance(account, str) and account not in account_names:
            _unknown(report, ("source", index, "account"), account, account_names, "account")
    told: set[str] = set()
    for index, table in enumerate(_tables(document, "receiver")):
        other = table.get("escalate_to")
        if isinstance(other, str):
            told.add(other)
            if other not in receiver_names:
                _unknown(report, ("receiver", index, "escalate_to"), other, receiver_names, "receiver")
    for index, table in enumerate(_tables(document, "route")):
        place: Path = ("route", index)
        told |= _known(report, table.get("to"), (*place, "to"), receiver_names, "receiver")
        _known(report, table.get("sources"), (*place, "sources"), source_names, "source")
        _known(report, table.get("touchpoints"), (*place, "touchpoints"), touchpoints, "touchpoint")
    for index, table in enumerate(_tables(document, "saved_reply")):
        _known(report, table.get("touchpoints"), ("saved_reply", index, "touchpoints"), touchpoints, "touchpoint")
    if len(_tables(document, "saved_reply")) > MOST_SAVED:
        report.problem(
            ("saved_reply",), f"there are more than {MOST_SAVED} saved replies", "a window of Slack offers no more"
        )
    digest_table = document.get("digest")
    digest_to = digest_table.get("to") if isinstance(digest_table, dict) else None
    told |= _known(report, digest_to, ("digest", "to"), receiver_names, "receiver")

    if not document.get("route"):
        report.warning(
            ("route",), "there is no route, so nobody is alerted", 'write [[route]], name = "all", to = ["…"]'
        )
    if digest is not None and digest.enabled and not digest.to:
        report.warning(("digest",), "the digest goes to nobody", 'write to = ["…"], or enabled = false')
    if not any(source.enabled for source in sources if source) and None not in sources:
        report.warning(("source",), "no source is enabled, so nothing is collected", "write [[source]]")
    for index, table in enumerate(_tables(document, "receiver")):
        if isinstance(table.get("name"), str) and table["name"] not in told:
            report.warning(
                ("receiver", index),
                f"nothing is sent to {quoted(table['name'])}",
                "name it in a route or in the digest",
            )
    _warn_unreachable(report, routes)
    if (brand := sections.get("brand")) is not None and (targets := sections.get("targets")) is not None:
        _warn_targets(report, brand, targets)


def _warn_targets(report: Report, brand: Brand, targets: TargetKeys) -> None:
    """A graver level is not answered later."""
    hours = ServiceHours(ZoneInfo(brand.timezone), brand.service_hours, targets=targets.targets)
    for graver, milder in pairwise(("critical", "high", "normal", "low")):
        if hours.within(graver) > hours.within(milder):
            report.warning(
                ("targets", graver),
                f"{graver} has more time than {milder}: {getattr(targets, graver)} against {getattr(targets, milder)}",
                f"write {graver} as short as {milder}, or shorter",
            )


def check_budgets(
    report: Report, sources: Sequence[SourceConfig | None], accounts: Sequence[AccountKeys | None]
) -> None:
    """A source that costs money says what it may cost."""
    limited = {one.name for one in accounts if one is not None and (one.budget_day or one.budget_month)}
    for index, source in enumerate(sources):
        if source is not None and source.costs and source.account not in limited:
            report.problem(
                ("source", index),
                f"{source.connector} bills what is read, and nothing says how much it may cost",
                'write [[account]] with name = "…" and budget_month = 20 (USD), and account = "…" in this source',
            )


def _tables(document: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    """The tables of `[[name]]`, an empty one in place of what is none, so that positions stay right."""
    found = document.get(name)
    return [table if isinstance(table, dict) else {} for table in found] if isinstance(found, list) else []


def _touchpoints(document: Mapping[str, Any]) -> tuple[str, ...]:
    journey = document.get("journey")
    own = journey.get("touchpoints") if isinstance(journey, dict) else None
    return tuple(own) if isinstance(own, dict) else ()


def _unique(report: Report, document: Mapping[str, Any], kind: str) -> tuple[str, ...]:
    seen: dict[str, int] = {}
    for index, table in enumerate(_tables(document, kind)):
        name = table.get("name")
        if not isinstance(name, str):
            continue
        if name in seen:
            report.problem(
                (kind, index, "name"),
                f"{kind}[{seen[name] + 1}] is called {quoted(name)} already",
                "give each its own name",
            )
        seen.setdefault(name, index)
    return tuple(seen)


def _known(report: Report, names: object, place: Path, known: Iterable[str], kind: str) -> set[str]:
    """Report every entry of `names` that `known` lacks; gives back those it holds."""
    allowed, found = list(known), set()
    for index, name in enumerate(names if isinstance(names, list) else []):
        if name in allowed:
            found.add(str(name))
        elif isinstance(name, str):
            _unknown(report, (*place, index), name, allowed, kind)
    return found


def _unknown(report: Report, place: Path, name: str, allowed: Sequence[str], kind: str) -> None:
    hint = did_you_mean(name, allowed)
    choice = f"{kind}s: {listed(allowed, 40)}" if allowed else f"no {kind} is configured; write [[{kind}]]"
    report.problem(place, f"there is no {kind} {quoted(name)}", f"{hint + ' ' if hint else ''}{choice}")


def _warn_unreachable(report: Report, routes: Sequence[Route | None]) -> None:
    """A route behind one that takes all it could take, and does not say `continue`, never decides."""
    for later, route in enumerate(routes):
        for earlier, before in enumerate(routes[:later]):
            if route is not None and before is not None and not before.goes_on and _takes_all_of(before, route):
                report.warning(
                    ("route", later),
                    f"this route is never reached: {quoted(before.name)} (route[{earlier + 1}]) takes all that would fit",
                    "move it up, or write continue = true there",
                )
                break


def _takes_all_of(before: Route, route: Route) -> bool:
    if before.urgency_at_least > route.urgency_at_least:
        return False
    for condition in _CONDITIONS:
        wide, narrow = getattr(before, condition), getattr(route, condition)
        if wide and not (narrow and narrow <= wide):
            return False
    return True
