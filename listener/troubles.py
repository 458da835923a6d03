"""What is wrong with a daemon, a sentence each: for `health`, `/readyz`, `status`, and the app's home page in Slack.

One reading of the store's vitals is judged by one pure function, so all of them say the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from listener.cases.manners import manners, quiet_until
from listener.config import Config
from listener.config.schema import SlackReceiver
from listener.slack.outside import one_line
from listener.store import Store, Vitals
from rules.vocabulary import Urgency

DEAD_AFTER = timedelta(seconds=90)  # without a heartbeat
FAILURES = 3  # polls in a row that fail until it is a trouble
WAITS_LONG = timedelta(minutes=15)
AWAY_LONG = timedelta(minutes=5)  # without a line to Slack
CLICKS = "slack.clicks:"  # meta key, with the receiver's name behind it: what is known of the line that brings clicks
LONGEST = 500  # characters of a sentence; what it quotes may come from a platform
MOST_LINES = 8  # of the ten that Slack allows an app


def vitals(store: Store, at: datetime, config: Config) -> Vitals:
    """What `found` judges, of the configured receivers. Raises `StoreError`."""
    return store.vitals([receiver.name for receiver in config.receivers], CLICKS, at)


def troubles(store: Store, at: datetime, config: Config) -> list[str]:
    """What is wrong now. Raises `StoreError`."""
    return found(vitals(store, at, config), config)


def found(read: Vitals, config: Config) -> list[str]:
    """What is wrong with what the configuration asks for; what it does not name any more is nobody's trouble."""
    wrong = []
    sources, receivers = in_use(config)
    if not read.schema.is_current:
        wrong.append(f"the tables are at revision {read.schema.current}, this listener needs {read.schema.needed}")
    if not is_alive(read):
        last = "never" if read.heartbeat is None else f"{(read.at - read.heartbeat).total_seconds() / 60:.0f} min ago"
        wrong.append(f"no daemon runs on this database (last sign of life: {last})")
    for source in read.sources:
        if source.name not in sources:
            continue
        if source.parked:
            wrong.append(f"source {source.name} is parked: {source.parked}{_mend(source.name)}")
        elif source.failures >= FAILURES:
            wrong.append(f"source {source.name} failed {source.failures} times in a row: {source.error}")
    for name, state in read.receivers.items():
        if state.stopped and name in receivers:
            wrong.append(f"receiver {name} is stopped: {state.stopped}{_mend(name)}")
    for name in sorted(receivers):
        waited = waiting(read, config, name)
        if waited > WAITS_LONG:
            wrong.append(f"the oldest message to {name} has been waiting for {waited.total_seconds() / 60:.0f} minutes")
    if is_alive(read):
        wrong.extend(sentence for line in lines(read, config).values() if (sentence := _line_trouble(line, read.at)))
    return [one_line(sentence, LONGEST) for sentence in wrong]


def _mend(name: str) -> str:
    return f" (mend it, then `listener resume {name}`)"


def is_alive(read: Vitals) -> bool:
    """Whether a daemon works on this database."""
    return read.heartbeat is not None and read.at - read.heartbeat <= DEAD_AFTER


def waiting(read: Vitals, config: Config, receiver: str) -> timedelta:
    """How long the oldest message to a receiver has been waiting without being held by its quiet hours; zero: none is."""
    now = manners(config.quiet(config.receiver(receiver)), None, read.at)
    longest = timedelta(0)
    for urgency, since in read.oldest.get(receiver, {}).items():
        if urgency is Urgency.CRITICAL:
            longest = max(longest, read.at - since)
        elif not now.quiet:
            longest = max(longest, read.at - max(since, now.opened_at or since))
    return longest


def quiet(config: Config, at: datetime) -> dict[str, datetime | None]:
    """The receivers that are sent nothing but what is critical now, and until when; None: without end."""
    hours = {one.name: config.quiet(one) for one in config.receivers}
    return {
        name: quiet_until(spans, at)
        for name, spans in hours.items()
        if spans is not None and manners(spans, None, at).quiet
    }


def in_use(config: Config) -> tuple[set[str], set[str]]:
    """The sources that are polled and the receivers that are sent to."""
    return {one.name for one in config.sources if one.enabled}, {one.name for one in config.receivers}


def lines(read: Vitals, config: Config) -> Mapping[str, Mapping[str, Any]]:
    """What is known of the lines that bring clicks, by the receiver that names their app."""
    slack = [receiver.name for receiver in config.receivers if isinstance(receiver, SlackReceiver)]
    known = {name: read.notes.get(CLICKS + name) for name in slack}
    return {name: line for name, line in known.items() if isinstance(line, dict)}


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
