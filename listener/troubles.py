"""What is wrong with a daemon, a sentence each: for `health`, `status`, and the app's home page in Slack."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from listener.cases.manners import manners
from listener.config import Config
from listener.config.schema import SlackReceiver
from listener.store import OutboxState, Store

DEAD_AFTER = timedelta(seconds=90)  # without a heartbeat
WAITS_LONG = timedelta(minutes=15)
AWAY_LONG = timedelta(minutes=5)  # without a line to Slack
CLICKS = "slack.clicks:"  # meta key, with the receiver's name behind it: what is known of the line that brings clicks
MOST_LINES = 8  # of the ten that Slack allows an app


def alive(store: Store) -> datetime | None:
    """The last sign of life of a daemon on this database."""
    beat = store.get_meta("heartbeat")
    return datetime.fromisoformat(beat["at"]) if isinstance(beat, dict) and isinstance(beat.get("at"), str) else None


def troubles(store: Store, at: datetime, config: Config) -> list[str]:
    """What is wrong with what the configuration asks for; what it does not name any more is nobody's trouble."""
    found = []
    sources, receivers = in_use(config)
    beat = alive(store)
    if beat is None or at - beat > DEAD_AFTER:
        last = "never" if beat is None else f"{(at - beat).total_seconds() / 60:.0f} min ago"
        found.append(f"no daemon runs on this database (last sign of life: {last})")
    for source in store.sources():
        if source.name not in sources:
            continue
        if source.parked:
            found.append(f"source {source.name} is parked: {source.parked}")
        elif source.failures >= 3:
            found.append(f"source {source.name} failed {source.failures} times in a row: {source.error}")
    for name, state in store.receivers().items():
        if state.stopped and name in receivers:
            found.append(f"receiver {name} is stopped: {state.stopped}")
    outbox = store.outbox(at)
    waits = {name: _waits(config, outbox, name, at) for name in sorted(outbox.waiting.keys() & receivers)}
    found.extend(
        f"the oldest message to {name} has been waiting for {waiting.total_seconds() / 60:.0f} minutes"
        for name, waiting in waits.items()
        if waiting > WAITS_LONG
    )
    if beat is not None and at - beat <= DEAD_AFTER:
        found.extend(sentence for line in lines(store, config).values() if (sentence := _line_trouble(line, at)))
    return found


def _waits(config: Config, outbox: OutboxState, receiver: str, at: datetime) -> timedelta:
    """How long the oldest message to a receiver has been waiting without being held by its quiet hours."""
    now = manners(config.quiet(config.receiver(receiver)), None, at)
    critical = outbox.critical.get(receiver, timedelta(0))
    if now.quiet:
        return critical
    waiting = outbox.waiting[receiver]
    return waiting if now.opened_at is None else max(critical, min(waiting, at - now.opened_at))


def in_use(config: Config) -> tuple[set[str], set[str]]:
    """The sources that are polled and the receivers that are sent to."""
    return {one.name for one in config.sources if one.enabled}, {one.name for one in config.receivers}


def lines(store: Store, config: Config) -> Mapping[str, Mapping[str, Any]]:
    """What is known of the lines that bring clicks, by the receiver that names their app."""
    found = {}
    for receiver in config.receivers:
        if isinstance(receiver, SlackReceiver):
            known = store.get_meta(CLICKS + receiver.name)
            if isinstance(known, dict):
                found[receiver.name] = known
    return found


def _line_trouble(line: Mapping[str, Any], at: datetime) -> str | None:
    since = line.get("since")
    if line.get("state") == "away" and isinstance(since, str) and at - datetime.fromisoformat(since) > AWAY_LONG:
        minutes = (at - datetime.fromisoformat(since)).total_seconds() / 60
        return f"clicks in Slack have not been heard for {minutes:.0f} minutes: {line.get('why') or 'no line'}"
    connections = line.get("connections")
    if line.get("state") == "connected" and isinstance(connections, int) and connections >= MOST_LINES:
        return (
            f"Slack counts {connections} lines to this app, at most 10 are allowed: clicks may go to dead ones and be lost;"
            " end other daemons with the same app token, or make a new token"
        )
    return None
