"""The inbound webhook: the contract, who is believed, what is refused and how, and what is answered for."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import sqlite3
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from connectors.base import AccessDenied, ConnectorError, Page, Parked, Removal, Source, Unavailable
from connectors.contract import START, ConnectorContract, Stored
from connectors.inbound import KEPT, InboundSettings, connector
from connectors.inbound_desk import Pace
from connectors.inbound_posts import BadPosts, read_posts
from connectors.inbound_server import BODY_LIMIT
from connectors.row import Defaults
from connectors.spool import Given, Spool
from tests.fakes.inbound import CONTEXT, KEY, FakeSender, free_port, signature

POST = {"id": "1", "text": "Acme is fine", "author": "ada", "published_at": "2026-11-01T10:00:00Z"}
PAGE = Path(__file__).parents[2] / "docs" / "connectors" / "inbound.md"


NOBODY_ASKED = "posts are sent to us, nobody is asked; what senders do wrong is tested below"


class TestContract(ConnectorContract):
    """Nobody is asked over the network, so of the platform's faults one is left: the spool cannot be written in time.

    `publish` is answered by the source under test where it listens, else by a process that ran before it.
    """

    faults: ClassVar[dict[str, type[ConnectorError]]] = {"time-out": Unavailable}
    cannot: ClassVar[Mapping[str, str]] = dict.fromkeys(
        ("429", "429 bare", "5xx", "HTML page", "reset", "malformed"), NOBODY_ASKED
    )

    def fake(self) -> FakeSender:
        return FakeSender()

    def open(self, fake: FakeSender) -> Source:
        return _MendingSource(fake, fake.open(page_size=4, timeout=self.timeout))

    def open_with_secrets(self, fake: FakeSender, folder: Path) -> Source:
        (folder / "secret").write_text(KEY)
        return _MendingSource(fake, fake.open(secret_file=str(folder / "secret"), timeout=self.timeout))

    def publish(self, fake: FakeSender, at: datetime) -> str:
        return fake.publish("Acme is fine", at)

    def publish_text(self, fake: FakeSender, at: datetime, text: str) -> str:
        return fake.publish(text, at)

    def delete(self, fake: FakeSender, external_id: str) -> None:
        fake.send({"id": external_id, "removed": True})

    def edit(self, fake: FakeSender, external_id: str) -> None:
        fake.send({"id": external_id, "text": "Acme, edited", "author": "alice", "published_at": START.isoformat()})


class _MendingSource:
    """Runs alone, and who held the spool lets go after it was missed once, as a platform's fault passes."""

    def __init__(self, fake: FakeSender, source: Source) -> None:
        self._fake, self._source = fake, source

    def poll(self, cursor: Any, now: datetime) -> Any:
        self._fake.end_before()
        try:
            yield from self._source.poll(cursor, now)
        finally:
            self._fake.mend()

    def close(self) -> None:
        self._source.close()


@pytest.fixture
def sender() -> Iterator[FakeSender]:
    with FakeSender() as fake:
        yield fake


def listening(fake: FakeSender, **more: Any) -> closing[Source]:
    source = fake.open(**more)
    list(source.poll(None, START))
    return closing(source)


def stored(source: Source, cursor: Any = None) -> Stored:
    found = Stored(cursor)
    found.poll(source, START)
    return found


def problems(answer: httpx.Response) -> list[dict[str, str]]:
    said: list[dict[str, str]] = answer.json()["problems"]
    assert all(set(one) == {"where", "what", "allowed"} and one["what"] and one["allowed"] for one in said)
    return said


# Who is believed


def test_a_signed_post_is_taken_whole(sender: FakeSender) -> None:
    row = POST | {"platform": "Instagram", "rating": 2, "likes": 7, "url": "https://i.example/1", "lang": "it"}
    with listening(sender, brand="Acme") as source:
        answer = sender.post(row)
        assert (answer.status_code, answer.json()) == (200, {"stored": 1, "known": 0, "ids": ["1"]})
        [found] = stored(source).mentions.values()
    assert (found.platform, found.text, found.author.id, found.brand) == ("instagram", "Acme is fine", "ada", "Acme")
    assert (found.rating, found.engagement, found.lang, found.url) == (2.0, {"likes": 7}, "it", "https://i.example/1")
    assert found.published_at == datetime(2026, 11, 1, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    "header",
    [
        "", "t=1", "v1=ab", "nonsense", "t=x,v1=ab", "t=１,v1=ab", "t=1,t=2,v1=ab", f"t={10**40},v1=ab",
        "t={now},v1=" + "0" * 64, "t={now},v1=é", "t={now},v1={right},t={now}",
    ],
)  # fmt: skip
def test_without_the_right_signature_nothing_is_taken(sender: FakeSender, header: str) -> None:
    body = json.dumps(POST).encode()
    now = int(time.time())
    right = signature(body, now).partition("v1=")[2]
    said = header.replace("{now}", str(now)).replace("{right}", right)
    with listening(sender) as source:
        answer = sender.post(body, {"X-Listener-Signature": said.encode()})
        assert answer.status_code == 401
        assert [one["where"] for one in problems(answer)] == ["X-Listener-Signature"]
        assert KEY not in answer.text
        assert stored(source).mentions == {}


def test_another_body_another_key_or_another_time_is_refused(sender: FakeSender) -> None:
    body = json.dumps(POST).encode()
    with listening(sender) as source:
        for said in (signature(b"{}"), signature(body, key="other"), signature(body).replace("t=", "t=1")):
            assert sender.post(body, {"X-Listener-Signature": said}).status_code == 401
        assert stored(source).mentions == {}
        both = signature(body, key="old") + ",v1=" + signature(body).partition("v1=")[2]
        assert sender.post(body, {"X-Listener-Signature": both}).status_code == 200


@pytest.mark.parametrize(("seconds", "status"), [(-310, 401), (310, 401), (-280, 200), (280, 200)])
def test_a_signature_holds_five_minutes(sender: FakeSender, seconds: int, status: int) -> None:
    body = json.dumps(POST).encode()
    with listening(sender):
        said = signature(body, time.time() + seconds)
        assert sender.post(body, {"X-Listener-Signature": said}).status_code == status


def test_a_request_is_taken_once_even_by_the_next_process(sender: FakeSender) -> None:
    body = json.dumps(POST).encode()
    said = {"X-Listener-Signature": signature(body)}
    with listening(sender):
        assert sender.post(body, said).status_code == 200
        assert sender.post(body, said).status_code == 409
    with closing(sender.open()) as source:
        assert len(stored(source).mentions) == 1
        again = sender.post(body, said)
        assert again.status_code == 409
        assert "safe" in problems(again)[0]["what"]


def test_a_request_that_was_refused_may_come_again_mended(sender: FakeSender) -> None:
    with listening(sender, per_second=1, per_minute=1):
        body = json.dumps(POST).encode()
        said = {"X-Listener-Signature": signature(body)}
        assert sender.post({"text": ""}).status_code == 400
        assert sender.post(body, said).status_code == 429  # not stored, so its signature is not used up
    with listening(sender):
        assert sender.post(body, said).status_code == 200


def test_a_bearer_token_serves_who_cannot_sign(sender: FakeSender) -> None:
    (sender.folder / "token").write_text("tök\n")
    with listening(sender, token_file=str(sender.folder / "token")):
        for said in ("", "Bearer", "Bearer x", "Basic tök"):
            headers: dict[str, str | bytes] = {"X-Listener-Signature": "", "Authorization": said.encode()}
            assert sender.post(POST, headers).status_code == 401
    (sender.folder / "token").write_text("tok")
    with listening(sender, token_file=str(sender.folder / "token")) as source:
        right = {"X-Listener-Signature": "", "Authorization": "bearer tok"}
        assert sender.post(POST, right).status_code == 200
        assert len(stored(source).mentions) == 1


def test_a_source_without_or_with_two_proofs_is_no_configuration() -> None:
    for keys in ({}, {"secret_env": "A", "token_env": "B"}, {"secret_env": "A", "secret_file": "b"}):
        with pytest.raises(ValidationError, match="prove themselves"):
            InboundSettings(**keys)  # type: ignore[arg-type]


def test_a_key_that_is_not_set_denies_access_and_names_the_variable() -> None:
    with FakeSender() as sender:
        keys: dict[str, Any] = {
            "secret_file": None,
            "secret_env": "LISTENER_TEST_NOT_SET",
            "spool": sender.folder,
            "port": sender.port,
        }
        with (
            closing(connector.open(InboundSettings(**keys), CONTEXT)) as source,
            pytest.raises(AccessDenied, match="LISTENER_TEST_NOT_SET"),
        ):
            list(source.poll(None, START))


# What is in a body


def test_a_list_is_taken_whole_or_not_at_all(sender: FakeSender) -> None:
    good = [POST | {"id": str(number)} for number in range(3)]
    with listening(sender) as source:
        bad = [
            good[0],
            {"id": "x"},
            "no",
            POST | {"published_at": "yesterday"},
            POST | {"published_at": "2026-11-01 10:00"},
        ]
        answer = sender.post(bad)
        assert answer.status_code == 400
        assert [one["where"] for one in problems(answer)] == ["[1].text", "[2]", "[3].published_at", "[4].published_at"]
        assert stored(source).mentions == {}
        assert sender.post(good).json() == {"stored": 3, "known": 0, "ids": ["0", "1", "2"]}
        assert list(stored(source).mentions) == ["0", "1", "2"]


def test_a_form_and_other_names_are_understood(sender: FakeSender) -> None:
    mapping = {"text": "review.body", "author": "review.by"}
    with listening(sender, mapping=mapping) as source:
        assert sender.post({"review": {"body": "Pessimo", "by": "ada"}, "Stars": 1, "review_id": 7}).json()["ids"] == [
            "7"
        ]
        [found] = stored(source).mentions.values()
        assert (found.text, found.author.id, found.rating) == ("Pessimo", "ada", 1.0)
    with listening(sender) as source:
        form = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
        assert sender.post(b"body=Caf%C3%A9%20Acme&user=bob&id=8", form).status_code == 200
        assert stored(source).mentions["8"].text == "Café Acme"


def test_who_knows_no_ids_may_send_again_without_making_two(sender: FakeSender) -> None:
    row = {"text": "Acme!", "author": "ada", "published_at": "2026-11-01T10:00:00Z", "likes": 1}
    with listening(sender) as source:
        one = sender.post(row).json()["ids"]
        again = sender.post(row | {"published_at": "2026-11-01T11:00:00+01:00"}).json()
        assert again == {"stored": 0, "known": 1, "ids": one}
        assert sender.post(row | {"likes": 2}).json()["ids"] == one
        others = [
            row | {"author": "bob"},
            row | {"text": "Acme?"},
            row | {"platform": "x"},
            row | {"published_at": 1793000000},
        ]
        ids = sender.post(others).json()["ids"]
        assert len({*one, *ids}) == 5
        undated = {"text": "Acme", "author": "ada"}
        assert sender.post(undated).json()["ids"] == sender.post(undated | {"likes": 3}).json()["ids"]
        assert len(stored(source).mentions) == 6


def test_a_post_sent_again_with_other_words_is_an_edit_and_a_removal_is_told(sender: FakeSender) -> None:
    def pages(source: Source, cursor: Any) -> tuple[list[Page], Any]:
        found = list(source.poll(cursor, START))
        return found, found[-1].cursor if found else cursor

    with listening(sender, page_size=1) as source:
        sender.post(POST)
        [first], cursor = pages(source, None)
        assert (first.edited, first.removed) == ((), ())
        assert sender.post(POST).json()["known"] == 1
        for number in range(4):  # the first version leaves the spool meanwhile
            sender.post(POST | {"id": f"other {number}"})
            _, cursor = pages(source, cursor)
        assert sender.post(POST | {"text": "Acme is fine, edited"}).json()["stored"] == 1
        assert sender.post({"id": 1, "removed": True}).json() == {"stored": 1, "known": 0, "ids": ["1"]}
        [edited, removed], cursor = pages(source, cursor)
        assert [one.text for one in edited.edited] == ["Acme is fine, edited"]
        assert edited.mentions == edited.edited
        assert (removed.mentions, removed.removed) == ((), (Removal("inbound", "1"),))
        answer = sender.post({"removed": True})
        assert (answer.status_code, problems(answer)[0]["where"]) == (400, "id")


@pytest.mark.parametrize(
    ("body", "headers", "status", "where"),
    [
        (b"", {}, 400, "body"),
        (b"not json", {}, 400, "body"),
        (b"\xff\xfe", {}, 400, "body"),
        (b"[]", {}, 400, "body"),
        (b"3", {}, 400, "body"),
        (b"null", {}, 400, "body"),
        (b'{"text": "  "}', {}, 400, "text"),
        (b"[" * 100_000, {}, 400, "body"),
        (b'{"id": ' + b"9" * 5000 + b', "text": "x"}', {}, 400, "body"),
        (b"[" + b"1," * 1000 + b"1]", {}, 400, "body"),
        (b"&".join(b"a=1" for _ in range(300)), {"Content-Type": "application/x-www-form-urlencoded"}, 400, "body"),
        (b"<a/>", {"Content-Type": "text/xml"}, 415, "Content-Type"),
        (b"{}", {"Content-Encoding": "gzip"}, 415, "Content-Encoding"),
        (b"x" * (BODY_LIMIT + 1), {}, 413, "body"),
        (b"x" * (3 * BODY_LIMIT), {}, 413, "body"),
    ],
)  # fmt: skip
def test_a_malformed_body_is_told_where_and_what_is_allowed(
    sender: FakeSender, body: bytes, headers: dict[str, str], status: int, where: str
) -> None:
    with listening(sender) as source:
        answer = sender.post(body, headers)
        assert answer.status_code == status
        assert problems(answer)[0]["where"] == where
        assert stored(source).mentions == {}


def test_only_posts_of_a_known_length_are_heard(sender: FakeSender) -> None:
    with listening(sender), httpx.Client(trust_env=False) as client:
        assert client.get(sender.url).status_code == 405
        assert client.get(sender.url).headers["allow"] == "POST"
        assert client.head(sender.url).status_code == 405
        chunks = iter([b"{}"])
        assert client.post(sender.url, content=chunks).status_code == 411
        answer = client.post(sender.url, content=b"{}", headers={"Server": "x"})
        assert answer.status_code == 401
        assert answer.headers["server"].strip() == "listener"
    with listening(sender):
        assert talk(sender, b"\x16\x03\x01 hello\r\n\r\n").startswith(b"HTTP/1.1 400 ")
        assert talk(sender, b"POST / HTTP/1.1\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}").startswith(
            b"HTTP/1.1 400 "
        )
        assert talk(sender, b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n").startswith(b"HTTP/1.1 400 ")
        assert b" 413 " in talk(sender, b"POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 9999999\r\n\r\n")
        assert b" 431 " in talk(
            sender, b"POST / HTTP/1.1\r\n" + b"".join(b"a%d: b\r\n" % n for n in range(200)) + b"\r\n"
        )


def test_a_client_that_asks_before_it_sends_is_told_to_go_on(sender: FakeSender) -> None:
    body = json.dumps(POST).encode()
    head = f"POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: {len(body)}\r\n"
    with listening(sender), socket.create_connection(("127.0.0.1", sender.port), timeout=10) as connection:
        connection.sendall(f"{head}X-Listener-Signature: {signature(body)}\r\n\r\n".encode())
        assert connection.recv(1_000) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(body)
        assert connection.recv(1_000).startswith(b"HTTP/1.1 200 ")


@settings(max_examples=100, deadline=None)
@given(body=st.binary(max_size=60) | st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(["text", "author", "published_at", "id", "rating", "a"]), inner, max_size=4),
).map(lambda found: json.dumps(found).encode()))  # fmt: skip
def test_no_body_makes_the_reader_crash(body: bytes) -> None:
    with suppress(BadPosts):
        for mention in read_posts(body, "application/json", {}, Defaults(START, None, "inbound", None)):
            assert mention.external_id
            assert isinstance(mention, Removal) or mention.text


# How much, how slowly, how many


def test_too_many_requests_are_told_when_to_come_again(sender: FakeSender) -> None:
    with listening(sender, per_second=2, per_minute=3):
        answers = [sender.post(POST | {"id": str(number)}) for number in range(3)]
        assert [answer.status_code for answer in answers] == [200, 200, 429]
        assert answers[2].headers["retry-after"] == "1"
        time.sleep(1.1)
        assert sender.post(POST).status_code == 200
        last = sender.post(POST)
        assert last.status_code == 429
        assert 50 <= int(last.headers["retry-after"]) <= 60


@settings(max_examples=100, deadline=None)
@given(steps=st.lists(st.floats(0, 30), max_size=60))
def test_the_pace_holds_in_every_second_and_minute(steps: list[float]) -> None:
    now = 0.0
    pace = Pace(3, 8, lambda: now)
    taken: list[float] = []
    for step in steps:
        now += step
        wait = pace.wait()
        if wait is None:
            taken.append(now)
        else:
            assert 0 < wait <= 60
    for at in taken:
        assert sum(at <= other < at + 0.999 for other in taken) <= 3
        assert sum(at <= other < at + 59.999 for other in taken) <= 8


def talk(sender: FakeSender, said: bytes) -> bytes:
    """What is answered to these bytes."""
    with socket.create_connection(("127.0.0.1", sender.port), timeout=10) as connection:
        connection.sendall(said)
        answer = b""
        while more := connection.recv(65_536):
            answer += more
        return answer


def test_a_slow_client_is_sent_away_and_holds_up_nobody(sender: FakeSender) -> None:
    with listening(sender, timeout=1.0) as source:
        head = b"POST / HTTP/1.1\r\nContent-Length: 100\r\nX-Listener-Signature: t=1,v1=a\r\n\r\n"
        begun = time.monotonic()
        with socket.create_connection(("127.0.0.1", sender.port), timeout=10) as slow:
            slow.sendall(head)
            stop = threading.Event()
            dripping = threading.Thread(target=drip, args=(slow, stop))
            dripping.start()
            assert sender.post(POST).status_code == 200
            assert slow.recv(65_536).startswith(b"HTTP/1.1 408 ")
            stop.set()
            dripping.join()
        assert 0.9 < time.monotonic() - begun < 5
        assert talk(sender, b"POST / HTTP/1.1\r\nContent-Le") == b""  # half a head: nothing to answer to
        assert len(stored(source).mentions) == 1


def drip(connection: socket.socket, stop: threading.Event) -> None:
    while not stop.wait(0.05):
        try:
            connection.sendall(b" ")
        except OSError:
            return


def test_beyond_the_last_place_clients_wait_and_threads_stay_few(sender: FakeSender) -> None:
    with listening(sender, timeout=0.7, connections=3):
        before = threading.active_count()
        hanging = [socket.create_connection(("127.0.0.1", sender.port), timeout=10) for _ in range(12)]
        time.sleep(0.3)
        assert threading.active_count() - before <= 3
        answer = sender.post(POST, timeout=60)
        assert answer.status_code == 200
        for connection in hanging:
            connection.close()


def test_many_senders_at_once_are_all_answered_for(sender: FakeSender) -> None:
    ids: list[str] = []

    def send(number: int) -> None:
        for turn in range(10):
            ids.extend(sender.post([POST | {"id": f"{number}-{turn}-{n}"} for n in range(5)]).json()["ids"])

    with listening(sender, connections=4) as source:
        threads = [threading.Thread(target=send, args=(number,)) for number in range(8)]
        found = Stored()
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            found.poll(source, START)
        found.poll(source, START)
    assert len(ids) == 400
    assert set(found.mentions) == set(ids)
    assert set(found.times_seen.values()) == {1}


# The port and the spool


def test_a_port_in_use_parks_the_source_and_what_was_taken_is_stored_all_the_same(sender: FakeSender) -> None:
    sender.publish("Acme", START)
    sender.end_before()
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", sender.port))
        other.listen()
        with closing(sender.open()) as source:
            found = Stored()
            with pytest.raises(Parked, match=f"port {sender.port} of 127.0.0.1 is in use"):
                found.poll(source, START)
    assert len(found.mentions) == 1


def test_two_sources_on_one_port_are_told(sender: FakeSender) -> None:
    other = connector.open(sender.settings(), replace(CONTEXT, name="other hooks"))
    with listening(sender), closing(other), pytest.raises(Parked, match="another source"):
        list(other.poll(None, START))


@pytest.mark.parametrize("host", ["192.0.2.1", "a" * 70 + ".example"])
def test_an_address_of_another_machine_parks_the_source(sender: FakeSender, host: str) -> None:
    with closing(sender.open(host=host)) as source, pytest.raises(Parked, match="check `host`"):
        list(source.poll(None, START))


def test_a_second_process_reads_what_waits_and_leaves_it_there(sender: FakeSender) -> None:
    """`doctor --live` beside the daemon must neither take its port nor its posts."""
    with listening(sender) as daemon, closing(sender.open()) as doctor:
        sender.post([POST | {"id": str(number)} for number in range(3)])
        beside = stored(doctor)
        assert len(stored(doctor, beside.cursor).mentions) == 0
        assert len(stored(daemon).mentions) == len(beside.mentions) == 3
        daemon.close()
        doctor_serves = list(doctor.poll(beside.cursor, START))
        assert doctor_serves == []
        assert sender.post(POST | {"id": "4"}).status_code == 200


def test_the_port_is_free_after_close_and_close_may_come_twice(sender: FakeSender) -> None:
    source = sender.open()
    source.close()
    list(source.poll(None, START))
    source.close()
    source.close()
    with pytest.raises(httpx.ConnectError):
        sender.post(POST)


def waiting(sender: FakeSender) -> int:
    with closing(sqlite3.connect(sender.spool)) as database:
        return int(database.execute("SELECT count(*) FROM posts").fetchone()[0])


def test_posts_leave_the_spool_when_two_later_pages_were_stored(sender: FakeSender) -> None:
    with listening(sender, page_size=2) as source:
        found = Stored()
        left = []
        for number in range(5):
            sender.post([POST | {"id": f"{number}-{n}"} for n in range(2)])
            found.poll(source, START)
            left.append(waiting(sender))
        assert left == [2, 4, 6, 6, 6]
        assert len(found.mentions) == 10


def test_posts_leave_the_spool_a_week_after_they_were_stored(sender: FakeSender) -> None:
    with listening(sender) as source:
        sender.post([POST | {"id": "1"}])
        found = stored(source)
        sender.post([POST | {"id": "2"}])
        now = datetime.now(UTC) + KEPT + timedelta(minutes=1)
        assert len(next(iter(source.poll(found.cursor, now))).mentions) == 1
        assert waiting(sender) == 1  # the one that is not known to be stored stays


def test_a_cursor_of_another_spool_reads_this_one_from_its_start(sender: FakeSender) -> None:
    with listening(sender) as source:
        sender.post([POST | {"id": str(number)} for number in range(3)])
        cursor = stored(source).cursor
    shutil.rmtree(sender.spool.parent)
    sender.publish("Acme", START)
    with closing(sender.open()) as source:
        assert len(stored(source, cursor).mentions) == 1


def test_a_spool_that_is_taken_away_is_answered_for_no_more(sender: FakeSender) -> None:
    with listening(sender) as source:
        sender.spool.rename(sender.spool.with_suffix(".away"))
        answer = sender.post(POST)
        assert answer.status_code == 503
        assert answer.headers["retry-after"]
        with pytest.raises(Unavailable, match="put it back"):
            list(source.poll(None, START))
        sender.spool.with_suffix(".away").rename(sender.spool)
        assert sender.post(POST).status_code == 200
        assert len(stored(source).mentions) == 1


def test_a_damaged_spool_parks_the_source(sender: FakeSender) -> None:
    sender.spool.parent.mkdir()
    sender.spool.write_bytes(b"this is no database, and long enough to be sure of it\n" * 100)
    with closing(sender.open()) as source, pytest.raises(Parked, match=r"damaged.*move it away"):
        list(source.poll(None, START))


def test_a_spool_that_cannot_be_made_parks_the_source(sender: FakeSender) -> None:
    (sender.folder / "spool").write_text("a file where the folder should be")
    with closing(sender.open()) as source, pytest.raises(Parked, match="set `spool`"):
        list(source.poll(None, START))


def test_a_full_spool_takes_no_more_until_it_is_read(tmp_path: Path) -> None:
    with closing(Spool(tmp_path / "a.sqlite", limit=200_000)) as spool:
        for number in range(100):
            with suppress(Unavailable):
                spool.add([Given(str(number), "", b"x" * 10_000)], None, 0.0)
        assert 10 < spool.last() < 30
        with pytest.raises(Unavailable, match="full"):
            spool.add([Given("one more", "", b"x")], None, 0.0)
        spool.prune(spool.last(), 0, START)
        assert spool.add([Given("new", "", b"x")], None, 0.0) == (1, 0)


def test_nobody_else_may_read_the_spool_and_pruned_words_are_gone_from_disk(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "a.sqlite"
    with closing(Spool(path)) as spool:
        spool.add([Given("1", "", b"words of somebody")], None, 0.0)
        assert {file.stat().st_mode & 0o077 for file in path.parent.iterdir()} == {0}
        spool.prune(1, 1, START)
        assert not any(b"words of somebody" in file.read_bytes() for file in path.parent.iterdir())


# The page


def test_the_example_of_the_page_works(sender: FakeSender) -> None:
    [script] = re.findall(r"^```sh\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    if shutil.which("curl") is None or shutil.which("openssl") is None:
        pytest.skip("needs curl and openssl")
    environment = {"PATH": os.environ["PATH"], "INBOUND_SECRET": KEY}
    with listening(sender) as source:
        script = script.replace("8790", str(sender.port))
        ran = subprocess.run(
            ["bash", "-euc", script], env=environment, capture_output=True, text=True, timeout=60, check=True
        )
        assert json.loads(ran.stdout)["stored"] == 1
        [found] = stored(source).mentions.values()
    assert (found.platform, found.author.handle) == ("instagram", "ada")


def test_the_port_of_the_page_is_the_one_of_the_program() -> None:
    assert f":{InboundSettings(secret_env='A').port}/" in PAGE.read_text()
    assert free_port() != InboundSettings(secret_env="A").port
