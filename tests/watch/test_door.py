"""What Prometheus and probes are told, over real HTTP on loopback, with real stores."""

from __future__ import annotations

import http.client
import json
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from listener import troubles
from listener.config import Config
from listener.config.schema import ListenerSection
from listener.model import Outcome
from listener.store import Store, Unavailable, Vitals
from listener.watch.door import CALLERS, FRESH, Watch, WatchDoor
from listener.watch.pulse import JOBS_STALL, LOOP_STALLS, STARTS_WITHIN, Pulse
from rules.vocabulary import Stage
from tests.fakes.story import NOON
from tests.watch.conftest import HANDLE, WORDS

DOCS = Path(__file__).parents[2] / "docs"


class Seconds:
    """A monotonic clock that is moved by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@contextmanager
def door(
    read: Callable[[datetime], Vitals], config: Config, seconds: Seconds, at: datetime = NOON, host: str = "127.0.0.1"
) -> Iterator[httpx.Client]:
    pulse = Pulse(seconds)
    pulse.loop_turned()
    pulse.jobs_ran()
    opened = WatchDoor(Watch(read, config, pulse, lambda: at, seconds), 0, host)
    opened.start()
    named = f"[{host}]" if ":" in host else host
    try:
        with httpx.Client(base_url=f"http://{named}:{opened.port}", timeout=10, trust_env=False) as client:
            yield client
    finally:
        opened.stop()


@pytest.fixture
def seconds() -> Seconds:
    return Seconds()


def on(store: Store, config: Config) -> Callable[[datetime], Vitals]:
    return lambda at: troubles.vitals(store, at, config)


def values(text: str, name: str) -> dict[tuple[str, ...], float]:
    """The samples of one name: their labels' values -> the number."""
    return {
        tuple(sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == name
    }


def test_prometheus_reads_every_number(lived_in: Store, config: Config, seconds: Seconds) -> None:
    with door(on(lived_in, config), config, seconds) as client:
        answer = client.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    said = answer.text
    assert values(said, "listener_mentions_total") == {("forum",): 7, ("quiet",): 0, ("parked",): 0}
    verdicts = values(said, "listener_verdicts_total")
    assert len(verdicts) == len(Stage) * 4
    assert verdicts["purchase", "low"] == 2
    assert values(said, "listener_outcomes_total")["alerted",] == 5
    assert len(values(said, "listener_outcomes_total")) == len(Outcome)
    assert values(said, "listener_outbox_notifications")["care", "pending"] == 6
    assert values(said, "listener_notifications_sent_total") == {("care",): 1, ("night",): 0}
    assert values(said, "listener_receiver_stopped") == {("care",): 1, ("night",): 0}
    assert values(said, "listener_source_parked")["parked",] == 1
    assert values(said, "listener_source_poll_interval_seconds") == {("forum",): 90}
    assert values(said, "listener_source_last_success_timestamp_seconds") == {("forum",): NOON.timestamp()}
    assert values(said, "listener_source_gaps")["forum", "lost"] == 1
    assert values(said, "listener_account_spent_usd") == {("paid", "day"): 2.5, ("paid", "month"): 3.5}
    assert values(said, "listener_account_budget_usd") == {("paid", "month"): 10}
    assert sum(values(said, "listener_cases").values()) == 5
    assert values(said, "listener_healthy") == {(): 0}
    assert values(said, "listener_troubles") == {(): 2}
    buckets = values(said, "listener_publication_to_seen_seconds_bucket")
    assert [number for labels, number in buckets.items() if "forum" in labels] == [1, 1, 2, 3, 6, 7, 7, 7, 7, 7, 7]
    assert values(said, "listener_publication_to_seen_seconds_count")["forum",] == 7
    assert values(said, "listener_seen_to_sent_seconds_sum")["forum",] == 45
    assert values(said, "process_resident_memory_bytes")[()] > 1e6


def test_names_units_and_help_are_as_the_field_has_them(lived_in: Store, config: Config, seconds: Seconds) -> None:
    """prometheus.io/docs/practices/naming; both formats."""
    with door(on(lived_in, config), config, seconds) as client:
        plain = client.get("/metrics").text
        modern = client.get("/metrics", headers={"Accept": "application/openmetrics-text;version=1.0.0"})
    assert modern.headers["content-type"].startswith("application/openmetrics-text")
    assert modern.text.endswith("# EOF\n")
    for family in text_string_to_metric_families(plain):
        if family.name.startswith("listener_"):
            assert re.fullmatch(r"listener_[a-z]+(_[a-z]+)*", family.name)
            assert family.documentation.endswith(".")
            assert family.type in ("counter", "gauge", "histogram")
            ends = family.name.endswith(("_seconds", "_usd", "_info"))
            assert ends == any(unit in family.name for unit in ("seconds", "usd", "info"))


def test_no_words_no_handles_no_imported_files_are_said(lived_in: Store, config: Config, seconds: Seconds) -> None:
    with door(on(lived_in, config), config, seconds) as client:
        said = client.get("/metrics").text
    for secret in (HANDLE, WORDS, "posts.jsonl", "looking up again", "archived"):
        assert secret not in said


def test_as_many_series_as_somebody_configured(lived_in: Store, config: Config, seconds: Seconds) -> None:
    """A hundred imported files, receivers and accounts of old configurations add none."""
    with door(on(lived_in, config), config, seconds) as client:
        before = client.get("/metrics").text.count("\n")
        lived_in.register_sources({f"file:{number}": "import" for number in range(100)}, NOON)
        for number in range(100):
            lived_in.stop_receiver(f"old{number}", "gone", NOON)
            lived_in.block_account(f"old{number}", NOON + timedelta(days=1), "wait")
        seconds.now += FRESH
        assert client.get("/metrics").text.count("\n") == before


@pytest.mark.parametrize(
    "hostile",
    [
        'a"b',
        "a\\",
        "a\nlistener_healthy 1",
        "{}",
        "é\u202e\ud83d\ude00".encode("utf-16", "surrogatepass").decode("utf-16"),
    ],
)
def test_hostile_names_stay_inside_their_quotes(
    lived_in: Store, config: Config, seconds: Seconds, hostile: str
) -> None:
    """Names are checked when a configuration is read; should one get through, it breaks no line."""
    sources = (replace(config.sources[0], name=hostile),)
    lived_in.register_sources({hostile: "x"}, NOON)
    with door(on(lived_in, config), replace(config, sources=sources), seconds) as client:
        said = client.get("/metrics").text
    assert values(said, "listener_mentions_total") == {(hostile,): 0}
    assert values(said, "listener_healthy") == {(): 0}


def test_ready_says_what_health_says(lived_in: Store, config: Config, seconds: Seconds) -> None:
    with door(on(lived_in, config), config, seconds) as client:
        answer = client.get("/readyz")
        assert answer.status_code == 503
        assert answer.text.splitlines() == troubles.troubles(lived_in, NOON, config)
        lived_in.resume_receiver("care", NOON)
        lived_in.unpark("parked", NOON)
        seconds.now += FRESH
        assert (client.get("/readyz").status_code, client.get("/readyz").text) == (200, "ready\n")
        assert troubles.troubles(lived_in, NOON, config) == []
        assert values(client.get("/metrics").text, "listener_healthy") == {(): 1}


def test_strangers_are_told_how_many_troubles_there_are_and_not_which(
    lived_in: Store, config: Config, seconds: Seconds
) -> None:
    everywhere = replace(config, listener=ListenerSection(metrics_host="0.0.0.0"))
    with door(on(lived_in, config), everywhere, seconds) as client:
        assert client.get("/readyz").text == "2 troubles; `listener health` says which\n"


def test_the_process_is_alive_as_long_as_its_loop_and_its_jobs_move(
    lived_in: Store, config: Config, seconds: Seconds
) -> None:
    """Whatever the database does: a restart would not mend it."""

    def gone(at: datetime) -> Vitals:
        raise Unavailable("postgresql://db.internal/listener cannot be used")

    with door(gone, config, seconds) as client:
        assert (client.get("/healthz").status_code, client.get("/healthz").text) == (200, "alive\n")
        seconds.now += LOOP_STALLS + 1
        answer = client.get("/healthz")
        assert (answer.status_code, answer.text) == (503, "the main loop has not moved for 31 s\n")


def test_a_start_may_take_its_time_but_not_for_ever(seconds: Seconds) -> None:
    pulse = Pulse(seconds)
    seconds.now += STARTS_WITHIN
    assert pulse.why_dead() is None
    seconds.now += 1
    assert pulse.why_dead() == "the main loop did not begin within 180 s"
    pulse.loop_turned()
    pulse.jobs_ran()
    assert pulse.why_dead() is None
    seconds.now += JOBS_STALL + 1
    pulse.loop_turned()
    assert pulse.why_dead() == "the scheduler has not moved for 91 s"


def test_without_a_database_the_rest_is_said(config: Config, seconds: Seconds) -> None:
    def gone(at: datetime) -> Vitals:
        raise Unavailable("postgresql://db.internal/listener cannot be used")

    with door(gone, config, seconds) as client:
        said = client.get("/metrics")
        assert said.status_code == 200
        assert values(said.text, "listener_database_up") == {(): 0}
        assert values(said.text, "listener_mentions_total") == {}
        assert values(said.text, "process_cpu_seconds_total")
        ready = client.get("/readyz")
        assert (ready.status_code, ready.text) == (503, "the database does not answer\n")


def test_the_database_is_asked_once_however_many_ask(lived_in: Store, config: Config, seconds: Seconds) -> None:
    asked: list[datetime] = []

    def read(at: datetime) -> Vitals:
        asked.append(at)
        return troubles.vitals(lived_in, at, config)

    with door(read, config, seconds) as client:
        for _ in range(5):
            client.get("/metrics")
            client.get("/readyz")
        assert len(asked) == 1
        seconds.now += FRESH
        client.get("/metrics")
        assert len(asked) == 2


def test_callers_who_hold_the_line_are_too_many_at_some_point_and_go(
    lived_in: Store, config: Config, seconds: Seconds
) -> None:
    with door(on(lived_in, config), config, seconds) as client:
        port = client.base_url.port
        assert port is not None
        held = [socket.create_connection(("127.0.0.1", port)) for _ in range(CALLERS)]
        time.sleep(0.3)
        before = threading.active_count()
        with socket.create_connection(("127.0.0.1", port), timeout=2) as one_more:
            assert one_more.recv(10) == b""  # hung up on, no thread taken
        assert threading.active_count() <= before
        for line in held:
            line.close()
        time.sleep(0.3)
        assert client.get("/healthz").status_code == 200


@pytest.mark.parametrize(
    ("question", "status"),
    [
        (b"GET /metrics?x=1 HTTP/1.1\r\nHost: x\r\n\r\n", 200),
        (b"HEAD /metrics HTTP/1.1\r\nHost: x\r\n\r\n", 200),
        (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", 404),
        (b"GET /../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n", 404),
        (b"POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", 501),
        (b"GET //[ HTTP/1.1\r\nHost: x\r\n\r\n", 404),
        (b"GET /metrics HTTP/1.1\r\nAccept: application/openmetrics-text;version=x;escaping=y\r\n\r\n", 200),
        (b"GET /metrics HTTP/1.1\r\nAccept: \xff\xfe;;=,q=\r\n\r\n", 200),
        (b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\n\r\n", 414),
    ],
)
def test_strange_questions_are_answered_and_harm_nothing(
    lived_in: Store, config: Config, seconds: Seconds, question: bytes, status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    with door(on(lived_in, config), config, seconds) as client:
        with socket.create_connection(("127.0.0.1", client.base_url.port or 0), timeout=5) as line:
            line.sendall(question)
            answer = http.client.HTTPResponse(line, method=question.split(b" ")[0].decode("latin-1"))
            answer.begin()
            assert answer.status == status
            assert "Python" not in (answer.getheader("Server") or "")
        assert client.get("/healthz").status_code == 200
    assert "Traceback" not in capsys.readouterr().err


def test_the_door_opens_on_ipv6_too(lived_in: Store, config: Config, seconds: Seconds) -> None:
    if not socket.has_ipv6:
        pytest.skip("no IPv6 here")
    try:
        with door(on(lived_in, config), config, seconds, host="::1") as client:
            assert client.get("/healthz").status_code == 200
    except OSError as error:
        pytest.skip(f"no IPv6 loopback here: {error}")


def test_dashboard_and_alert_rules_name_only_what_there_is(lived_in: Store, config: Config, seconds: Seconds) -> None:
    with door(on(lived_in, config), config, seconds) as client:
        said = client.get("/metrics").text
    known = {sample.name for family in text_string_to_metric_families(said) for sample in family.samples}
    dashboard = json.loads((DOCS / "grafana.json").read_text())
    asked = [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", [])]
    assert len(asked) > 10
    asked += [
        line.split(":", 1)[1]
        for page in ("alerts.rules.yml", "operations.md")
        for line in (DOCS / page).read_text().splitlines()
        if re.match(r"\s*(- )?expr:", line)
    ]
    named = {name for expression in asked for name in re.findall(r"\b(?:listener|process)_\w+", expression)}
    assert len(named) > 15
    assert named <= known
    for name in re.findall(r"`(listener_\w+)`", (DOCS / "operations.md").read_text()):
        assert name in known or f"{name}_count" in known, name


def test_panels_of_the_dashboard_do_not_overlap() -> None:
    dashboard = json.loads((DOCS / "grafana.json").read_text())
    taken: set[tuple[int, int]] = set()
    for panel in dashboard["panels"]:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & taken
        assert at["x"] + at["w"] <= 24
        taken |= cells
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])
