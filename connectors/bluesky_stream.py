"""Jetstream: every new post of the network as JSON over a WebSocket, read from where the last poll stopped up to now.

The stream cannot be asked for terms, so all posts come and are matched here. It is ordered by `time_us`, when the instance saw a post;
that alone is the position, since what authors write as `createdAt` may lie. Promises, proved in tests/connectors/test_bluesky*.py:

- Each poll goes back a little and remembers what it yielded there, so nothing falls between two polls or two instances.
- An instance keeps about 36 hours and begins later without saying so where it has no more. The post that was read last must
  come again; where the first one is later, what lies between is a lost gap.
- Deleted posts and accounts are named in `Page.removed`, changed posts in `Page.edited`, whether they are stored or not.

Wire: `/subscribe` of github.com/bluesky-social/jetstream (docs/README.md §5.1), the same on old and new instances.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from connectors.base import ConnectorError, Cursor, Gap, Malformed, Mention, Page, Parked, RateLimited
from connectors.bluesky_frames import Draft, State, micros, moment, open_frame, span_of
from connectors.bluesky_posts import COLLECTION, Terms
from connectors.bluesky_socket import MESSAGE_LIMIT, CursorTooOld, Stream

WINDOW = timedelta(hours=36)  # what a public instance keeps
AHEAD = timedelta(minutes=10)  # a message dated later than this is no position: the clock that wrote it is wrong
STALE = timedelta(minutes=5)  # a host without a word for so long may be cut off: the next one is asked as well
CHANGES = 2_000  # deletions and edits that fill a page
HOPELESS = 200  # messages in a row of which not one can be read, before the instance is given up

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Open = Callable[[str, str, datetime], Stream]  # (host, path with query, now)
Sign = Callable[[Sequence[Mention], datetime], tuple[Mention, ...]]
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Limits:
    """How far one poll reads."""

    history: timedelta
    lookback: timedelta
    page_cap: int
    page_size: int  # mentions that fill a page
    page_frames: int  # messages that fill a page
    seconds: float


class Jetstream:
    """Reads the stream of the first host that gives it. Lives as long as its source."""

    def __init__(
        self,
        hosts: Sequence[str],
        limits: Limits,
        connect: Open,
        sign: Sign,
        monotonic: Callable[[], float],
    ) -> None:
        self._hosts = list(hosts)
        self._limits = limits
        self._connect = connect
        self._sign = sign
        self._monotonic = monotonic
        self._not_before: dict[str, datetime] = {}
        self.unreadable = 0  # messages passed over since the source was opened

    def poll(self, cursor: Cursor | None, now: datetime, terms: Terms) -> Iterator[Page]:
        """As `Source.poll`. A host that fails is followed by the next one, which goes on where it stopped.

        So is a host that has had nothing for a while: the network is never that quiet, but an instance may be cut off from it.
        """
        state = State.load(cursor, now, self._limits.history)
        budget = _Budget(self._limits.page_cap, self._monotonic() + self._limits.seconds)
        errors: list[ConnectorError] = []
        has_answered = False
        # Whoever asked for patience gets it while there is somebody else; when all have, the daemon waits.
        free = [host for host in self._hosts if self._not_before.get(host, now) <= now]
        for host in free or list(self._hosts):
            try:
                is_quiet = yield from self._follow(host, state, budget, now, terms)
            except ConnectorError as error:
                errors.append(error)
                if isinstance(error, RateLimited) and error.retry_at is not None:
                    self._not_before[host] = error.retry_at
            else:
                has_answered = True
                if host in state.at:
                    self._hosts.remove(host)
                    self._hosts.insert(0, host)  # changing hosts costs a longer look back
                if not is_quiet or now - moment(state.newest) < STALE:
                    return
        if not has_answered:
            raise _mildest(errors)

    def _follow(
        self, host: str, state: State, budget: _Budget, now: datetime, terms: Terms
    ) -> Generator[Page, None, bool]:
        """Pages of one host from where the others stopped; returns whether it has nothing more for now."""
        begin = state.begin(host, self._limits.lookback)
        stream = self._begin(host, begin, now)
        draft = Draft(state, terms)
        is_first, has_more, readable, unreadable = True, True, 0, 0
        try:
            for message in stream.messages(budget.ends):
                draft.scanned += 1
                frame = open_frame(message)
                if frame is None:
                    unreadable += 1
                    if unreadable >= HOPELESS and not readable:
                        break
                elif (frame.at - micros(now)) > span_of(AHEAD):
                    unreadable += 1
                    draft.take(frame, state.newest)
                else:
                    readable += bool(frame.kind)
                    if is_first:
                        self._look_for_hole(host, state, begin, frame.at, now)
                        is_first = False
                    state.read(host, frame.at)
                    draft.take(frame, frame.at)
                    if frame.at > micros(now):
                        has_more = False
                        break
                if self._is_full(draft):
                    budget.pages -= 1
                    yield self._page(draft, state, now, not budget.pages)
                    draft = Draft(state, terms)
                    if not budget.pages:
                        return False
            has_more = has_more and not stream.quiet
        except ConnectorError:
            # What was read counts, whatever broke behind it.
            if draft.scanned:
                yield self._page(draft, state, now, True)
            raise
        finally:
            stream.close()
            if unreadable:
                self.unreadable += unreadable
                _log.warning("bluesky_unreadable host=%s messages=%d", site_of(host), unreadable)
        if unreadable and not readable:
            raise Malformed(
                f"{site_of(host)} sends messages of which none can be read, or which are dated far ahead of this"
                " machine's clock; check the clock, and name other hosts"
            )
        yield self._page(draft, state, now, has_more)
        return stream.quiet

    def _begin(self, host: str, begin: int, now: datetime) -> Stream:
        """The stream from `begin`. An instance that refuses a moment so long ago is asked for less, half as long each time."""
        ago = now - moment(begin)
        while True:
            query = {
                "wantedCollections": COLLECTION,
                "cursor": max(begin, micros(now - ago)),
                "maxMessageSizeBytes": MESSAGE_LIMIT,
            }
            try:
                return self._connect(host, f"/subscribe?{urlencode(query)}", now)
            except CursorTooOld:
                if ago < timedelta(minutes=1):
                    raise
                ago = ago / 2 if ago <= WINDOW else WINDOW - timedelta(minutes=5)

    def _look_for_hole(self, host: str, state: State, begin: int, first: int, now: datetime) -> None:
        """The newest message read must come again; before any was read, only what no instance keeps can be missed."""
        if state.at:
            since, due = state.newest, state.due(host, self._limits.lookback)
        elif begin < micros(now - WINDOW):
            since, due = begin, begin + span_of(self._limits.lookback)
        else:
            return
        if first > max(since, due):
            state.lost.append(Gap(moment(since), moment(first), "expired-window", lost=True))

    def _is_full(self, draft: Draft) -> bool:
        limits = self._limits
        return (
            len(draft.mentions) >= limits.page_size
            or draft.scanned >= limits.page_frames
            or len(draft.edited) + len(draft.removed) >= CHANGES
        )

    def _page(self, draft: Draft, state: State, now: datetime, is_cut: bool) -> Page:
        gaps = list(state.lost)
        if is_cut and moment(state.newest) < now:
            gaps.append(Gap(moment(state.newest), now, "page-cap"))
        edited = [*draft.edited.values()]
        # Of all the network's edits, only those that name a term are worth asking who wrote them.
        ours = [mention for uri, mention in draft.edited.items() if uri in draft.ours]
        known = {one.external_id: one for one in self._sign((*draft.mentions.values(), *ours), now)}
        return Page(
            mentions=tuple(known[uri] for uri in draft.mentions),
            cursor=state.dump(self._limits.lookback),
            gaps=tuple(gaps),
            scanned=draft.scanned,
            edited=tuple(known.get(mention.external_id, mention) for mention in edited),
            removed=tuple(draft.removed),
        )


@dataclass(slots=True)
class _Budget:
    """What is left of one poll, over all hosts."""

    pages: int
    ends: float  # on the monotonic clock


def site_of(host: str) -> str:
    """A host for messages to people: without scheme."""
    return host.partition("://")[2] or host


def _mildest(errors: Sequence[ConnectorError]) -> ConnectorError:
    """What to say when every host failed: one that answers again is enough, so the one that passes soonest."""

    def rank(error: ConnectorError) -> tuple[int, datetime]:
        again = error.retry_at if isinstance(error, RateLimited) else None
        kind = 2 if isinstance(error, Parked) else 1 if isinstance(error, RateLimited) else 0
        return kind, again or _EPOCH

    return min(errors, key=rank)
