"""Put the weekly digest into the outbox, once.

The digest made on its day is about the last whole ISO week. Whether it was made is remembered in the store, so one
that was missed (the machine was off on Monday) is found at the next start; its outbox key, `digest:2026-W47:<receiver>`,
keeps it from being sent twice even if the process dies in between. A week that ended before this database was
first used has no digest.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import structlog

from listener import gathering
from listener.digest.given import DigestSettings
from listener.digest.week import Week
from listener.model import NewNotification, NotificationKind
from listener.store import Store
from rules.vocabulary import Urgency

if TYPE_CHECKING:
    from listener.digest.figures import Digest
    from listener.digest.palette import Theme

log = structlog.get_logger()

MADE = "digest.made"  # meta key: the last week whose digest was put into the outbox
STARTED = "started.first"  # meta key: when this database was first used by a daemon


@dataclass(frozen=True, slots=True)
class Reporting:
    """What the configuration says about the digest."""

    settings: DigestSettings
    zone: str
    weekday: int  # Monday is 0
    at: time  # local
    to: tuple[str, ...]
    folder: Path
    enabled: bool = True
    known: gathering.Known = gathering.NOTHING


def build(store: Store, week: Week, reporting: Reporting, as_of: datetime) -> Digest:
    """Count `week` from the store, with all that the configuration knows."""
    return gathering.build(store, week, reporting.settings, as_of, reporting.known)


def kept(store: Store, week: Week, reporting: Reporting) -> Digest | None:
    """The digest of `week` as it was sent, so that an old week reads as it did then; None: it was not, or lost its words."""
    from listener.digest import form  # what writes and draws a digest is imported with the first one, here and below

    data = store.sent_digest([gathering.digest_key(week, receiver) for receiver in reporting.to])
    try:
        return None if data is None else form.from_data(data)
    except form.FormError:
        return None  # made by another release


def last_due_week(now: datetime, reporting: Reporting) -> Week:
    """The week whose digest was due most recently at `now`."""
    local = now.astimezone(ZoneInfo(reporting.zone))
    day = local.date() - timedelta(days=(local.weekday() - reporting.weekday) % 7)
    due = datetime.combine(day, reporting.at, ZoneInfo(reporting.zone))
    if due > local:
        due -= timedelta(days=7)
    return Week.containing(due, reporting.zone).previous()


def put_due_digest(store: Store, reporting: Reporting, now: datetime) -> str | None:
    """Make the digest that is due and not made yet; the week's name, or None where there is nothing to do."""
    if not reporting.enabled or not reporting.to:
        return None
    week = last_due_week(now, reporting)
    if store.get_meta(MADE) == week.name:
        return None
    started = store.get_meta(STARTED)
    if not isinstance(started, str) or datetime.fromisoformat(started) >= week.until:
        return None
    send(store, reporting, week, reporting.to, now)
    store.set_meta(MADE, week.name)
    log.info("digest_made", week=week.name, receivers=len(reporting.to))
    return week.name


def send(store: Store, reporting: Reporting, week: Week, to: Sequence[str], now: datetime) -> int:
    """Put the digest of `week` into the outbox for each of `to`; how many had not got it yet."""
    from listener.digest import chart, form

    digest = build(store, week, reporting, now)
    page = _page_if_it_can_be(digest, reporting.folder)
    message = chart.message(digest)
    said = {
        "week": week.name,
        "text": message.text,
        "blocks": list(message.blocks),
        "digest": form.as_data(digest),
        **({"page": str(page)} if page is not None else {}),
    }
    return store.enqueue(
        [
            NewNotification(
                key=gathering.digest_key(week, receiver),
                kind=NotificationKind.DIGEST,
                receiver=receiver,
                urgency=Urgency.LOW,
                due_at=now,
                reason="digest",
                payload=said,
            )
            for receiver in to
        ],
        now,
    )


def _html(digest: Digest, theme: Theme = "auto") -> str:
    from listener.digest import html  # with the template engine, 27 ms and 5 MB

    return html.render(digest, theme=theme)


def _page_if_it_can_be(digest: Digest, folder: Path) -> Path | None:
    """The page's place; a full disk or a folder without the right to write must not keep the digest from its readers."""
    try:
        return write_page(digest, folder)
    except OSError as error:
        log.error("digest_page_not_written", week=digest.week.name, folder=str(folder), fault=type(error).__name__)
        return None


def _svg(digest: Digest, theme: Theme = "auto") -> str:
    from listener.digest import drawing

    return drawing.svg(digest, theme=theme)


def png(digest: Digest, theme: Theme = "auto") -> bytes:
    """The map as PNG. Raises `raster.NoPicture`."""
    from listener.digest import drawing, raster

    return raster.png(drawing.still(digest, theme=theme))


def _slack(digest: Digest, theme: Theme = "auto") -> str:
    from listener.digest import chart

    message = chart.message(digest)
    return json.dumps({"text": message.text, "blocks": list(message.blocks)}, ensure_ascii=False, indent=2)


# Forms without colours, whose words were all made when the week was counted.


def _markdown(digest: Digest, theme: Theme = "auto") -> str:
    from listener.digest import markdown

    return markdown.render(digest)


def _csv(digest: Digest, theme: Theme = "auto") -> str:
    from listener.digest import table

    return table.render(digest)


def _json(digest: Digest, theme: Theme = "auto") -> str:
    from listener.digest import form

    return form.as_json(digest)


RENDERERS: Mapping[str, Callable[..., str]] = {  # digest, theme
    "html": _html,
    "md": _markdown,
    "csv": _csv,
    "json": _json,
    "svg": _svg,
    "slack": _slack,
}


def write_page(digest: Digest, folder: Path) -> Path:
    """Write the HTML page of the digest; the same week always under the same name, replaced whole."""
    folder.mkdir(parents=True, exist_ok=True)
    page = folder / f"digest-{digest.week.name}.html"
    part = page.with_suffix(".part")
    part.write_text(_html(digest), encoding="utf-8")
    part.replace(page)
    return page
