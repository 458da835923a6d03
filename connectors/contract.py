"""The suite that every connector must pass; subclass `ConnectorContract` in its test.

    class TestHackerNews(ConnectorContract):
        def fake(self) -> FakeHackerNews: return FakeHackerNews().start()
        def open(self, fake):
            return connector.open(HackerNewsSettings(base_url=fake.url, page_size=4, timeout=self.timeout), CONTEXT)
        def publish(self, fake, at): return fake.publish("Acme …", at)

It drives the source as the daemon does: a page counts once it is stored, its cursor goes through JSON, the process may
stop after any page, posts arrive at any time, and the platform fails in every way platforms fail. It needs pytest and
hypothesis, which only tests have; nothing in the daemon imports it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar, TypeVar, cast
from urllib.parse import urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.base import (
    TEXT_LIMIT,
    AccessDenied,
    ConnectorError,
    Cursor,
    Gap,
    Known,
    Malformed,
    Mention,
    OutOfBudget,
    Page,
    Passing,
    RateLimited,
    Rechecking,
    Source,
    Unavailable,
)
from connectors.leaks import SHORTEST, Ears, sent_secrets

Test = TypeVar("Test", bound=Callable[..., None])

Change = Callable[[Any, str], None]  # (fake, external_id)

START = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
ROUND = timedelta(minutes=1)

# What a fake's fail_next() takes, and what the source must raise for it.
FAULTS: dict[str, type[ConnectorError]] = {
    "429": RateLimited,
    "429-bare": RateLimited,
    "500": Unavailable,
    "503": Unavailable,
    "html": Unavailable,
    "time-out": Unavailable,
    "reset": Unavailable,
    "slow": Unavailable,
    "malformed": Malformed,
    "401": AccessDenied,
    "403": AccessDenied,
    "402": OutOfBudget,
}


# What can go wrong, as `connectors.matrix` adds it up, and the column of each fault.
CELLS = (
    "paging",
    "restart",
    "429",
    "429 bare",
    "5xx",
    "HTML page",
    "time-out",
    "reset",
    "malformed",
    "deleted",
    "edited",
)
FAULT_CELLS = {
    "429": "429",
    "429-bare": "429 bare",
    "500": "5xx",
    "503": "5xx",
    "html": "HTML page",
    "time-out": "time-out",
    "slow": "time-out",
    "reset": "reset",
    "malformed": "malformed",
}

# Faults that are over only when the source gives up. They alone get a short time-out: on a busy machine a fake
# that is well may need a second as well.
HANGING = frozenset({"time-out", "slow"})
SHORT, LONG = 1.0, 30.0  # seconds


def shows(*cells: str) -> Callable[[Test], Test]:
    """What a test of the suite shows (`CELLS`)."""

    def note(test: Test) -> Test:
        test.cells = cells  # type: ignore[attr-defined]  # read by connectors.matrix
        return test

    return note


@dataclass
class Stored:
    """What a daemon would have stored."""

    cursor: Cursor | None = None
    mentions: dict[str, Mention] = field(default_factory=dict)
    times_seen: dict[str, int] = field(default_factory=dict)
    gaps: tuple[Gap, ...] = ()

    def page(self, page: Page) -> None:
        self.cursor = json.loads(json.dumps(page.cursor, allow_nan=False))
        self.gaps = page.gaps
        for mention in page.mentions:
            self.mentions[mention.external_id] = mention
            self.times_seen[mention.external_id] = self.times_seen.get(mention.external_id, 0) + 1

    def poll(self, source: Source, now: datetime) -> int:
        """Read and store everything. Returns how many mentions came that were not stored yet."""
        before = len(self.mentions)
        for page in source.poll(self.cursor, now):
            self.page(page)
        return len(self.mentions) - before


class ConnectorContract:
    """Implement `fake`, `open` and `publish`, and where the platform has them `delete`, `edit` and `publish_text`."""

    faults: ClassVar[dict[str, type[ConnectorError]]] = FAULTS
    cannot: ClassVar[Mapping[str, str]] = {}  # of CELLS those that cannot happen to this connector, each with why
    most_new = 12  # posts between two polls; a feed that shows only its newest N sets N
    timeout = LONG  # seconds that `open` must give the source

    def fake(self) -> Any:
        """A started fake platform: a context manager with `fail_next(kind, times)`."""
        raise NotImplementedError

    def open(self, fake: Any) -> Source:
        """A new source on the fake, with pages of about 4, a cap of 3, and the time-out `self.timeout`."""
        raise NotImplementedError

    def publish(self, fake: Any, at: datetime) -> str:
        """Publish a post that the source must find; returns the `external_id` it must get."""
        raise NotImplementedError

    def publish_text(self, fake: Any, at: datetime, text: str) -> str | None:
        """Publish this text, which names the term; None where the platform has no free text."""
        return None

    def open_with_secrets(self, fake: Any, folder: Path) -> Source | None:
        """`open` with secrets, each in a file in `folder` that is named like its key: `token` for `token_file`.

        Needed where the connector takes secrets. Use them all, and those that the fake knows where it looks at them.
        """
        return None

    def delete(self, fake: Any, external_id: str) -> None:
        """Delete a post upstream."""

    def edit(self, fake: Any, external_id: str) -> None:
        """Change a post upstream."""

    # The suite

    def pytest_generate_tests(self, metafunc: Any) -> None:
        if "fault" in metafunc.fixturenames:
            metafunc.parametrize("fault", list(self.faults))

    def test_opening_asks_nothing(self) -> None:
        with self.fake() as fake, closing(self.open(fake)) as source:
            assert not getattr(fake, "asked", [])
            source.close()

    @shows("paging")
    def test_a_first_poll_finds_what_was_published(self) -> None:
        with self.fake() as fake, closing(self.open(fake)) as source:
            ids = [self.publish(fake, START - timedelta(minutes=n)) for n in range(self.most_new)]
            stored = self._settle(source, Stored(), START)
            assert set(stored.mentions) == set(ids)

    def test_mentions_are_whole(self) -> None:
        with self.fake() as fake, closing(self.open(fake)) as source:
            for n in range(min(5, self.most_new)):
                self.publish(fake, START - timedelta(minutes=n))
            for mention in self._settle(source, Stored(), START).mentions.values():
                check_mention(mention)

    @shows("restart")
    @settings(
        max_examples=25,
        deadline=None,
        # The suite is inherited on purpose: one method, a class per connector.
        suppress_health_check=[HealthCheck.differing_executors, HealthCheck.too_slow],
    )
    @given(data=st.data())
    def test_whatever_is_interrupted_nothing_is_lost(self, data: st.DataObject) -> None:
        """Stops after any page, a last page that was never stored, a new process, and posts arriving all the while."""
        with self.fake() as fake:
            published: list[str] = []
            stored = Stored()
            now = START
            for _ in range(data.draw(st.integers(1, 5), label="rounds")):
                now += ROUND
                new = data.draw(st.integers(0, self.most_new), label="new posts")
                published += [self.publish(fake, now - timedelta(seconds=40 * n // 12)) for n in range(new)]
                stop = data.draw(st.none() | st.integers(0, 5), label="stop after page")
                during = data.draw(st.integers(0, 3), label="posts during the poll") if new < self.most_new // 2 else 0
                with closing(self.open(fake)) as source:
                    pages = source.poll(stored.cursor, now)
                    for number, page in enumerate(pages):
                        if stop is not None and number >= stop:
                            break  # read, and lost with its process
                        stored.page(page)
                        if number == 0:
                            published += [self.publish(fake, now) for _ in range(during)]
                    if isinstance(pages, Generator):
                        pages.close()
            with closing(self.open(fake)) as source:
                self._settle(source, stored, now)
            assert set(stored.mentions) == set(published)

    def test_a_poll_with_nothing_new_yields_no_mention(self) -> None:
        with self.fake() as fake, closing(self.open(fake)) as source:
            for n in range(self.most_new):
                self.publish(fake, START - timedelta(minutes=n))
            stored = self._settle(source, Stored(), START)
            for n in range(1, 4):
                pages = list(source.poll(stored.cursor, START + timedelta(hours=1) + n * ROUND))
                assert [page.mentions for page in pages if page.mentions] == []

    @shows("paging")
    def test_a_steady_run_yields_each_post_once(self) -> None:
        with self.fake() as fake, closing(self.open(fake)) as source:
            stored = Stored()
            for n in range(8):
                for _ in range(n % 4):
                    self.publish(fake, START + n * ROUND)
                stored.poll(source, START + n * ROUND)
            self._settle(source, stored, START + 8 * ROUND)
            assert set(stored.times_seen.values()) == {1}
            assert len(stored.mentions) == 12

    def test_a_fault_is_named_loses_nothing_and_passes(self, fault: str) -> None:
        self.timeout = SHORT if fault in HANGING else LONG
        with self.fake() as fake, closing(self.open(fake)) as source:
            stored = Stored()
            published = [self.publish(fake, START)]
            self._settle(source, stored, START)
            published += [self.publish(fake, START + ROUND) for _ in range(min(5, self.most_new))]
            fake.fail_next(fault)
            now = START + 2 * ROUND
            with pytest.raises(self.faults[fault]) as caught:
                stored.poll(source, now)
            check_error(caught.value, now, fault)
            self._settle(source, stored, now)
            assert set(stored.mentions) == set(published)

    def test_a_fault_in_the_first_poll_loses_nothing(self, fault: str) -> None:
        self.timeout = SHORT if fault in HANGING else LONG
        with self.fake() as fake, closing(self.open(fake)) as source:
            published = [self.publish(fake, START) for _ in range(min(5, self.most_new))]
            fake.fail_next(fault)
            stored = Stored()
            with pytest.raises(self.faults[fault]):
                stored.poll(source, START)
            self._settle(source, stored, START)
            assert set(stored.mentions) == set(published)

    @shows("paging", "restart")
    @pytest.mark.parametrize("after", [1, 2, 3])
    def test_a_fault_between_two_pages_keeps_what_was_read(self, after: int) -> None:
        passing = [fault for fault, error in self.faults.items() if issubclass(error, Passing) and fault not in HANGING]
        with self.fake() as fake, closing(self.open(fake)) as source:
            stored = Stored()
            self._settle(source, stored, START)
            published = [self.publish(fake, START + ROUND) for _ in range(self.most_new)]
            now = START + 2 * ROUND
            try:
                for number, page in enumerate(source.poll(stored.cursor, now), 1):
                    stored.page(page)
                    if number == after and passing:
                        fake.fail_next(passing[after % len(passing)])
            except Passing:
                pass
            published.append(self.publish(fake, now))
            fake_mended(fake)
            self._settle(source, stored, now)
            assert set(stored.mentions) == set(published)

    @shows("deleted")
    def test_deleted_posts_do_no_harm(self) -> None:
        self._changes_do_no_harm(self.delete, None)

    @shows("edited")
    def test_edited_posts_do_no_harm(self) -> None:
        self._changes_do_no_harm(None, self.edit)

    @shows("deleted", "edited")
    def test_deleted_and_edited_posts_do_no_harm(self) -> None:
        self._changes_do_no_harm(self.delete, self.edit)

    @pytest.mark.parametrize("mishap", ["none", "401", "429", "time-out"])
    def test_no_secret_is_told_to_anybody(self, mishap: str, tmp_path: Path) -> None:
        """With the logs of all libraries at DEBUG: not in a log, an error, a cursor, or a page."""
        self.timeout = 4 * SHORT if mishap in HANGING else LONG  # what is logged is read, not how fast
        with self.fake() as fake, Ears() as ears:
            source = self.open_with_secrets(fake, tmp_path)
            if source is None or mishap not in ("none", *self.faults):
                return
            with closing(source):
                secrets = {path.read_text().strip() for path in tmp_path.iterdir()}
                assert secrets, "open_with_secrets wrote no secret into its folder"
                assert min(map(len, secrets)) >= SHORTEST, "a secret this short is found everywhere"
                stored = Stored()
                self.publish(fake, START)
                assert self._hear(ears, source, stored, START) is None
                if mishap != "none":
                    self.publish(fake, START + ROUND)
                    fake.fail_next(mishap)
                    assert isinstance(self._hear(ears, source, stored, START + ROUND), self.faults[mishap])
                    fake_mended(fake)
                assert self._hear(ears, source, stored, START + 2 * ROUND) is None
            assert ears.leaks(secrets | sent_secrets(fake)) == []

    @pytest.mark.parametrize(
        "text",
        [
            "Acme " + "😀" * 10_000,
            "Acme " + "x" * 1_000_000,
            "Acme \x00\x1b[2J \u202e <!channel> <@U123> `code` \ud83d end",
            "Acme <script>alert(1)</script> & <b>bold</b> &amp;",
        ],
        ids=["emoji", "megabyte", "controls", "markup"],
    )
    def test_hostile_text_arrives_clean_and_cut(self, text: str) -> None:
        with self.fake() as fake, closing(self.open(fake)) as source:
            one = self.publish_text(fake, START, text)
            if one is None:
                return
            other = self.publish(fake, START)
            stored = self._settle(source, Stored(), START)
            assert {one, other} <= set(stored.mentions)
            check_mention(stored.mentions[one])

    def _hear(self, ears: Ears, source: Source, stored: Stored, now: datetime) -> ConnectorError | None:
        """Poll and look up again, and let the ears have what came of it. Returns the error, if it came to one."""
        try:
            for page in source.poll(stored.cursor, now):
                ears.hear("page", page)
                ears.hear("cursor", json.dumps(page.cursor))
                stored.page(page)
            known = [
                Known(one.external_id, one.url, one.kind, one.author.id, one.parent_id, one.thread_id, one.published_at)
                for one in stored.mentions.values()
            ]
            if hasattr(source, "recheck"):
                ears.hear("look-up", cast("Rechecking", source).recheck(known, now))
        except ConnectorError as error:
            ears.hear("error", error)
            return error
        return None

    def _changes_do_no_harm(self, delete: Change | None, edit: Change | None) -> None:
        """Posts change before they were read, and after; what is published later is found."""
        with self.fake() as fake, closing(self.open(fake)) as source:
            kept, gone, changed = (self.publish(fake, START) for _ in range(3))
            if delete is not None:
                delete(fake, gone)
            if edit is not None:
                edit(fake, changed)
            stored = self._settle(source, Stored(), START)
            assert {kept, changed} <= set(stored.mentions)
            if delete is not None:
                delete(fake, kept)
            if edit is not None:
                edit(fake, changed)
            new = self.publish(fake, START + ROUND)
            self._settle(source, stored, START + ROUND)
            assert new in stored.mentions
            for mention in stored.mentions.values():
                check_mention(mention)

    def _settle(self, source: Source, stored: Stored, now: datetime) -> Stored:
        """Poll until nothing comes any more for as many rounds as reading the lookback again, twice, may take."""
        quiet = 0
        for n in range(500):
            found = stored.poll(source, now + n * timedelta(seconds=1))
            quiet = 0 if found or any(not gap.lost for gap in stored.gaps) else quiet + 1
            if quiet == 3 + len(stored.mentions) // 3:
                return stored
        pytest.fail("the source does not come to rest: every poll brings mentions or leaves a gap")


def check_mention(mention: Mention) -> None:
    """What the daemon relies on."""
    assert mention.platform
    assert mention.external_id == mention.external_id.strip() != ""
    assert mention.published_at.tzinfo is not None
    assert mention.author.id or mention.author.name  # no id: written by nobody in particular, and joined with nobody
    assert mention.text.strip()
    assert len(mention.text) <= TEXT_LIMIT
    for text in (mention.text, mention.title, mention.external_id, mention.author.id, mention.author.name):
        text.encode()  # no lone surrogate
        assert not set(text) & {chr(code) for code in range(32)} - {"\n", "\t"}
    assert mention.url == "" or urlsplit(mention.url).scheme in ("http", "https")
    assert all(isinstance(count, int) for count in mention.engagement.values())


def check_error(error: ConnectorError, now: datetime, fault: str) -> None:
    """An operator reads it: a sentence, without addresses; a wait lies ahead."""
    assert len(str(error)) > 20
    assert "://" not in str(error)
    if isinstance(error, RateLimited) and fault == "429":
        assert error.retry_at is not None
        assert error.retry_at > now
    if isinstance(error, RateLimited) and fault == "429-bare":
        assert error.retry_at is None


def fake_mended(fake: Any) -> None:
    """Faults that were asked for but never met must not hit what follows."""
    if hasattr(fake, "mend"):
        fake.mend()
