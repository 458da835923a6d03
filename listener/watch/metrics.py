"""The daemon's numbers as Prometheus wants them: pure, from the vitals of one moment.

Names follow prometheus.io/docs/practices/naming: base units, `_total` for what only grows. Labels are names of the
configuration and closed word lists, so there are as many series as somebody configured: nothing that a platform or an
author wrote becomes a label. The totals are the database's, not the process's: a restart takes nothing off, and where
several daemons share a database each says the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric

from listener import __version__, troubles
from listener.config import Config
from listener.model import NotificationState, Outcome, SourceState
from listener.spending import MICRO
from listener.store import Vitals
from listener.store.totals import BUCKETS, MORE, SUM, Total
from listener.store.vitals import MOST
from rules.vocabulary import Stage, Urgency

_URGENCIES = [urgency.name.lower() for urgency in Urgency]
_STATES = (NotificationState.PENDING, NotificationState.SENDING, NotificationState.DEAD)


def families(read: Vitals, config: Config) -> Iterator[Metric]:
    """Every family of the daemon's own."""
    yield from _daemon(read, config)
    yield from _mentions(read, config)
    yield from _sources(read, config)
    yield from _outbox(read, config)
    yield from _cases(read)
    yield from _money(read, config)


def without_database() -> Iterator[Metric]:
    """What can be said while the database does not answer."""
    yield _gauge("listener_database_up", "1 while the database answers.", 0)
    yield _gauge("listener_healthy", _HEALTHY, 0)
    yield _build()


_HEALTHY = "1 while `listener health` finds no trouble; /readyz says the same."


def _build() -> Metric:
    return _labelled("listener_build_info", "The version that runs.", ("version",), {(__version__,): 1})


def _daemon(read: Vitals, config: Config) -> Iterator[Metric]:
    found = troubles.found(read, config)
    yield _gauge("listener_database_up", "1 while the database answers.", 1)
    yield _gauge("listener_healthy", _HEALTHY, not found)
    yield _gauge("listener_troubles", "How many troubles `listener health` finds.", len(found))
    yield _build()
    beat = GaugeMetricFamily("listener_heartbeat_age_seconds", "Time since a daemon's last sign of life.")
    if read.heartbeat is not None:
        beat.add_metric([], max(0.0, (read.at - read.heartbeat).total_seconds()))
    yield beat


def _mentions(read: Vitals, config: Config) -> Iterator[Metric]:
    sources = _in_use(read, config)
    yield _counted(
        "listener_mentions",
        "Mentions stored, by the source that found them first.",
        ("source",),
        {(source.name,): source.mentions for source in sources},
    )
    yield _counted(
        "listener_verdicts",
        "Relevant mentions as they were first judged.",
        ("stage", "urgency"),
        {
            (stage.value, urgency): read.totals.get(("verdict", stage.value, urgency), 0)
            for stage in Stage
            for urgency in _URGENCIES
        },
    )
    yield _counted(
        "listener_outcomes",
        "What became of mentions when they were stored.",
        ("outcome",),
        {(outcome.value,): read.totals.get(("outcome", outcome.value, ""), 0) for outcome in Outcome},
    )
    for what, name, words in (
        (
            "seen-delay",
            "listener_publication_to_seen_seconds",
            "From a mention's publication until it was stored. Posts older than alert_max_age are left out.",
        ),
        (
            "sent-delay",
            "listener_seen_to_sent_seconds",
            "From storing a mention until a message of its own was accepted, quiet hours included.",
        ),
    ):
        family = HistogramMetricFamily(name, words, labels=("source",))
        for source in sources:
            _add_delays(family, read.totals, what, source.name)
        yield family


def _add_delays(family: HistogramMetricFamily, totals: Mapping[Total, int], what: str, source: str) -> None:
    buckets, so_far = [], 0
    for bucket in (*map(str, BUCKETS), MORE):
        so_far += totals.get((what, source, bucket), 0)
        buckets.append(("+Inf" if bucket == MORE else f"{bucket}.0", float(so_far)))
    family.add_metric([source], buckets, totals.get((what, source, SUM), 0) / 1000)


def _sources(read: Vitals, config: Config) -> Iterator[Metric]:
    sources = _in_use(read, config)
    yield _labelled(
        "listener_source_info",
        "The sources that are polled, with their connectors.",
        ("source", "connector"),
        {(source.name, source.connector): 1 for source in sources},
    )
    for name, words, moments in (
        (
            "listener_source_last_success_timestamp_seconds",
            "When a source was last read to its end.",
            {source.name: source.last_success_at for source in sources},
        ),
        (
            "listener_source_next_poll_timestamp_seconds",
            "When a source is polled next, unless its account must wait.",
            {source.name: source.next_poll_at for source in sources},
        ),
    ):
        yield _labelled(name, words, ("source",), {(one,): _seconds(at) for one, at in moments.items() if at})
    yield _labelled(
        "listener_source_consecutive_failures",
        "Polls that failed since the last one that went well.",
        ("source",),
        {(source.name,): source.failures for source in sources},
    )
    yield _labelled(
        "listener_source_parked",
        "1 while a source waits for a person (`listener resume`).",
        ("source",),
        {(source.name,): source.parked is not None for source in sources},
    )
    yield _labelled(
        "listener_source_blocked",
        "1 while the account of a source must wait: its platform or its budget asked for it.",
        ("source",),
        {(source.name,): source.account in read.blocked for source in sources},
    )
    yield _labelled(
        "listener_source_poll_interval_seconds",
        "Time between the last two polls of a source.",
        ("source",),
        {(source.name,): source.pace.total_seconds() for source in sources if source.pace is not None},
    )
    yield _labelled(
        "listener_source_gaps",
        "Stretches of a source's time line that were not read: open ones are still tried, lost ones never will be.",
        ("source", "state"),
        {
            (source.name, state): read.gaps.get(source.name, (0, 0))[place]
            for source in sources
            for place, state in enumerate(("open", "lost"))
        },
    )


def _outbox(read: Vitals, config: Config) -> Iterator[Metric]:
    receivers = [receiver.name for receiver in config.receivers]
    yield _labelled(
        "listener_outbox_notifications",
        f"Messages that wait, are being sent, or were given up. Counted up to {MOST}.",
        ("receiver", "state"),
        {(name, state.value): read.outbox[name][state] for name in receivers for state in _STATES},
    )
    yield _counted(
        "listener_notifications_sent",
        "Messages that a receiver accepted.",
        ("receiver",),
        {(name,): read.totals.get(("sent", name, ""), 0) for name in receivers},
    )
    yield _labelled(
        "listener_outbox_oldest_waiting_seconds",
        "How long the oldest due message has been waiting, what quiet hours hold left out.",
        ("receiver",),
        {(name,): troubles.waiting(read, config, name).total_seconds() for name in receivers},
    )
    yield _labelled(
        "listener_receiver_stopped",
        "1 while a receiver waits for a person (`listener resume`).",
        ("receiver",),
        {(name,): name in read.receivers and read.receivers[name].stopped is not None for name in receivers},
    )


def _cases(read: Vitals) -> Iterator[Metric]:
    yield _labelled(
        "listener_cases",
        f"Open cases. Each number is counted up to {MOST}.",
        ("state", "urgency"),
        {(state.value, urgency.name.lower()): number for (state, urgency), number in read.cases.items()},
    )
    yield _labelled(
        "listener_cases_overdue",
        "Open cases whose first reply was due before now.",
        ("urgency",),
        {(urgency.name.lower(),): number for urgency, number in read.overdue.items()},
    )
    yield _counted(
        "listener_cases_opened",
        "Cases that were opened, by their urgency at that moment.",
        ("urgency",),
        {(urgency,): read.totals.get(("case-opened", urgency, ""), 0) for urgency in _URGENCIES},
    )


def _money(read: Vitals, config: Config) -> Iterator[Metric]:
    spent: dict[tuple[str, ...], float] = {}
    limits: dict[tuple[str, ...], float] = {}
    for account in config.accounts:
        sums = read.spent.get(account.name)
        spent[account.name, "day"] = (sums.day if sums else 0) / MICRO
        spent[account.name, "month"] = (sums.month if sums else 0) / MICRO
        for span, limit in (("day", account.budget_day), ("month", account.budget_month)):
            if limit is not None:
                limits[account.name, span] = limit
    yield _labelled(
        "listener_account_spent_usd",
        "What an account spent on this UTC day and in this month, money set aside included.",
        ("account", "span"),
        spent,
    )
    yield _labelled(
        "listener_account_budget_usd", "What an account may spend a day and a month.", ("account", "span"), limits
    )


def _in_use(read: Vitals, config: Config) -> list[SourceState]:
    """The sources of the configuration; files that were imported are sources too, without end."""
    names, _ = troubles.in_use(config)
    return [source for source in read.sources if source.name in names]


def _gauge(name: str, words: str, value: float) -> Metric:
    return GaugeMetricFamily(name, words, value=float(value))


def _labelled(
    name: str, words: str, labels: tuple[str, ...], values: Mapping[tuple[str, ...], float]
) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, words, labels=labels)
    for of, value in values.items():
        family.add_metric(of, float(value))
    return family


def _counted(
    name: str, words: str, labels: tuple[str, ...], values: Mapping[tuple[str, ...], int]
) -> CounterMetricFamily:
    family = CounterMetricFamily(name, words, labels=labels)
    for of, value in values.items():
        family.add_metric(of, float(value))
    return family


def _seconds(at: datetime) -> float:
    return at.timestamp()
