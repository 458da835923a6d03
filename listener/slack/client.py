"""The Slack receiver: posts, edits and threads one team's notifications in one channel, each of them once.

Slack has no idempotency key, so every message carries its notification's key as metadata and `find` reads the
channel's history for it before anything doubtful is sent again. Nothing is retried here: the outbox retries. The
one exception is a message that Slack finds too long or malformed, which is sent again, shorter, and at last as its text alone.

    what Slack says                          what the outbox hears
    429                                      PassingFailure, with the seconds to wait; nothing was posted
    5xx, HTML, time-out, reset               PassingFailure; may have been posted
    refused or unresolved connection         PassingFailure; nothing was posted
    bad token, scope, channel                ReceiverStopped, with what to do
    too long or malformed, as text alone     MessageRefused
    the edited message was deleted           MessageRefused: somebody wanted it gone, so it is not posted again
    the message may not be edited any more   a thread entry below it says the new state; an entry whose post was
                                             removed is deleted instead, a summary is deleted and posted anew
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from listener.model import (
    CannotLookUp,
    Delivery,
    NotificationKind,
    Receipt,
)
from listener.slack import limits
from listener.slack.blocks import Message
from listener.slack.entries import message_for, state_entry, text_alone, without_charts
from listener.slack.failures import (
    CANNOT_EDIT,
    PARENT_GONE,
    SHORTEN,
    UNREADABLE,
    code_of,
    translate,
    translated,
)
from listener.slack.look import Look, utc_now
from listener.slack.picture import share
from listener.slack.wire import web_client

CLOCKS_DIFFER = timedelta(minutes=10)  # between this machine and Slack, generously
PAGE = 200  # messages a page of history; docs.slack.dev recommends no more
PAGES = 25  # a channel with more traffic than 5,000 messages since the notification was decided is not searched

ENTRIES = frozenset({NotificationKind.CASE_THREAD, NotificationKind.CASE_NOTE, NotificationKind.REMINDER})
EDITS = frozenset(
    {
        NotificationKind.CASE_UPDATE,
        NotificationKind.ENTRY_UPDATE,
        NotificationKind.SUMMARY_UPDATE,
        NotificationKind.SPIKE_UPDATE,
    }
)
EVENT_TYPES = {
    NotificationKind.CASE_OPEN: "listener_case",
    NotificationKind.CASE_UPDATE: "listener_case",
    NotificationKind.CASE_THREAD: "listener_entry",
    NotificationKind.ENTRY_UPDATE: "listener_entry",
    NotificationKind.CASE_NOTE: "listener_note",
    NotificationKind.REMINDER: "listener_note",
    NotificationKind.SUMMARY: "listener_summary",
    NotificationKind.SUMMARY_UPDATE: "listener_summary",
    NotificationKind.SPIKE: "listener_spike",
    NotificationKind.SPIKE_UPDATE: "listener_spike",
    NotificationKind.DIGEST: "listener_digest",
    NotificationKind.NOTICE: "listener_notice",
}


class SlackReceiver:
    """One channel of one workspace. `channel` should be its id: history, and so look-ups, take no names."""

    def __init__(
        self,
        token: str,
        channel: str,
        look: Look,
        *,
        base_url: str = WebClient.BASE_URL,
        timeout: float = 30.0,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._client = web_client(token, base_url, timeout)
        self._channel = channel
        self._look = look
        self._clock = clock
        self._unsure: set[str] = set()  # keys that could not be looked up; their repeat is marked as one

    def send(self, delivery: Delivery) -> Receipt:
        """Post, edit or thread `delivery`. The receipt holds `channel`, `ts` and `key`. Raises `ReceiverError`."""
        repeated = delivery.key in self._unsure
        receipt = self._send(delivery, repeated)
        self._unsure.discard(delivery.key)
        return receipt

    def find(self, delivery: Delivery) -> Receipt | None:
        """The receipt of an earlier sending that got through, by its metadata in the channel's history.

        None for an edit, which does no harm when repeated. Raises `CannotLookUp` where this token may not read
        the history, and other `ReceiverError`s as `send` does.
        """
        if delivery.kind in EDITS and delivery.parent is not None:
            return None
        try:
            return self._find(delivery)
        except CannotLookUp:
            self._unsure.add(delivery.key)
            raise

    def check(self) -> str:
        """Ask Slack whose token this is; one line for `doctor`. Raises `ReceiverError`."""
        with translated("auth.test", self._channel):
            answer = self._client.auth_test()
        return f"{answer.get('user', '?')} in {answer.get('team', '?')}"

    def _send(self, delivery: Delivery, repeated: bool) -> Receipt:
        now = self._clock()

        def message(budget: int) -> Message:
            return message_for(delivery, self._look, now, repeated=repeated, budget=budget)

        if delivery.kind in EDITS and delivery.parent is not None:
            return self._update(delivery, delivery.parent, message)
        thread = _thread(delivery)
        try:
            receipt = self._post(delivery, message, thread)
            if delivery.kind is NotificationKind.DIGEST:
                share(self._client, receipt, delivery.payload)
            return receipt
        except SlackApiError as error:
            if thread is None or code_of(error) not in PARENT_GONE:
                raise translate(error, "chat.postMessage", self._channel) from None
        with translated("chat.postMessage", self._channel):
            return self._post(delivery, message, None)  # the case's message was deleted; the customer still wrote

    def _post(self, delivery: Delivery, message: Callable[[int], Message], thread: Receipt | None) -> Receipt:
        channel = str(thread.data["channel"]) if thread else self._channel

        def call(said: Message) -> Any:
            return self._client.chat_postMessage(
                channel=channel,
                text=said.text,
                blocks=list(said.blocks),
                thread_ts=_ts(thread) if thread else None,
                metadata=_metadata(delivery.kind, delivery.key, said),
                unfurl_links=False,
                unfurl_media=False,
                link_names=False,
                parse="none",
            )

        answer = self._shorter_if_refused(call, message, "chat.postMessage")
        receipt = _receipt(answer, channel, delivery.key)
        return Receipt({**receipt.data, **_in_thread(delivery)}) if thread else receipt

    def _update(self, delivery: Delivery, parent: Receipt, message: Callable[[int], Message]) -> Receipt:
        channel, ts = str(parent.data["channel"]), str(parent.data["ts"])
        # The message keeps the key it was posted under: metadata is replaced as a whole, and `find` looks for that key.
        key = str(parent.data.get("key", delivery.key))

        def call(said: Message) -> Any:
            return self._client.chat_update(
                channel=channel,
                ts=ts,
                text=said.text,
                blocks=list(said.blocks),
                metadata=_metadata(delivery.kind, key, said),
                link_names=False,
                parse="none",
            )

        try:
            answer = self._shorter_if_refused(call, message, "chat.update")
        except SlackApiError as error:
            if delivery.kind is NotificationKind.ENTRY_UPDATE:
                return self._take_down(error, channel, parent)
            if delivery.kind is NotificationKind.SUMMARY_UPDATE:
                return self._post_anew(error, delivery, channel, parent, message)
            if delivery.kind is NotificationKind.SPIKE_UPDATE:
                return self._say_below(error, delivery, channel, parent, message)
            if code_of(error) not in CANNOT_EDIT or delivery.case is None:
                raise translate(error, "chat.update", channel) from None
        else:
            return _receipt(answer, channel, key)
        said = state_entry(delivery.case, self._look)
        with translated("chat.postMessage", channel):
            self._post(delivery, lambda _budget: said, parent)
        return parent

    def _post_anew(
        self,
        error: SlackApiError,
        delivery: Delivery,
        channel: str,
        old: Receipt,
        message: Callable[[int], Message],
    ) -> Receipt:
        """A summary that cannot be edited is replaced: it tells cases that stand nowhere else."""
        gone = code_of(error) in PARENT_GONE
        if gone and delivery.payload.get("removed"):
            return old  # the words that must not be shown are not shown any more
        if code_of(error) in CANNOT_EDIT:
            self._take_down(error, channel, old)
        elif not gone:
            raise translate(error, "chat.update", channel) from None
        if delivery.doubtful:
            with suppress(CannotLookUp):
                if (found := self._find(delivery)) is not None:
                    return found
        with translated("chat.postMessage", channel):
            return self._post(delivery, message, None)

    def _say_below(
        self,
        error: SlackApiError,
        delivery: Delivery,
        channel: str,
        parent: Receipt,
        message: Callable[[int], Message],
    ) -> Receipt:
        """A spike whose message cannot be edited says in its thread how it stands; one that quotes what is gone, goes."""
        if delivery.payload.get("removed"):
            return self._take_down(error, channel, parent)
        if code_of(error) not in CANNOT_EDIT:
            raise translate(error, "chat.update", channel) from None
        with translated("chat.postMessage", channel):
            self._post(delivery, message, parent)
        return parent

    def _take_down(self, error: SlackApiError, channel: str, entry: Receipt) -> Receipt:
        """An entry that must not show its words any more and cannot be edited is deleted, unless somebody did already."""
        if code_of(error) in CANNOT_EDIT:
            try:
                with translated("chat.delete", channel, keep_api_errors=True):
                    self._client.chat_delete(channel=channel, ts=str(entry.data["ts"]))
                return entry
            except SlackApiError as refusal:
                error = refusal
        if code_of(error) in PARENT_GONE:
            return entry
        raise translate(error, "chat.delete", channel) from None

    def _shorter_if_refused(
        self, call: Callable[[Message], Any], message: Callable[[int], Message], method: str
    ) -> Any:
        """Call with the whole message; where Slack dislikes the blocks without charts, then shorter, at last without blocks.

        `SlackApiError`s pass through; all else is translated.
        """
        whole = message(limits.BLOCKS_BUDGET)
        plain = without_charts(whole)
        tries = [whole] if plain is whole else [whole, plain]
        short = [message(budget) for budget in limits.BLOCKS_SHORTER]
        for said in (*tries, *short):
            try:
                with translated(method, self._channel, keep_api_errors=True):
                    return call(said)
            except SlackApiError as error:
                if code_of(error) not in SHORTEN:
                    raise
        with translated(method, self._channel, keep_api_errors=True):
            return call(text_alone(whole))

    def _find(self, delivery: Delivery) -> Receipt | None:
        wanted = EVENT_TYPES[delivery.kind]
        for found in self._history(delivery):
            metadata = found.get("metadata") or {}
            if metadata.get("event_type") != wanted or not isinstance(metadata.get("event_payload"), dict):
                continue
            if metadata["event_payload"].get("key") == delivery.key:
                channel = str(delivery.parent.data["channel"]) if delivery.parent else self._channel
                receipt = {"channel": channel, "ts": str(found["ts"]), "key": delivery.key}
                return Receipt(receipt | _in_thread(delivery))
        return None

    def _history(self, delivery: Delivery) -> Iterator[dict[str, Any]]:
        """The messages since a little before `delivery` was decided: the channel's, or its thread's."""
        thread = _thread(delivery)
        asked: dict[str, Any] = {
            "oldest": f"{(delivery.created_at - CLOCKS_DIFFER).timestamp():.6f}",
            "include_all_metadata": True,
            "limit": PAGE,
        }
        method = "conversations.replies" if thread else "conversations.history"
        for _ in range(PAGES):
            try:
                with translated(method, self._channel, keep_api_errors=True):
                    if thread:
                        channel, ts = str(thread.data["channel"]), _ts(thread)
                        answer = self._client.conversations_replies(channel=channel, ts=ts, **asked)
                    else:
                        answer = self._client.conversations_history(channel=self._channel, **asked)
            except SlackApiError as error:
                if thread and code_of(error) in PARENT_GONE:
                    return
                if code_of(error) in UNREADABLE:
                    raise CannotLookUp(f"Slack ({method}): {code_of(error)}; {UNREADABLE[code_of(error)]}") from None
                raise translate(error, method, self._channel) from None
            yield from answer.get("messages") or ()
            cursor = (answer.get("response_metadata") or {}).get("next_cursor")
            if not cursor:
                return
            asked["cursor"] = cursor
        raise CannotLookUp(
            f"Slack ({method}): more than {PAGE * PAGES} messages since {delivery.created_at:%d %b %H:%M}"
        )


def _thread(delivery: Delivery) -> Receipt | None:
    """Below what it is said; a case with a message above its own is told in a spike's thread."""
    return delivery.parent if delivery.kind in ENTRIES or delivery.kind is NotificationKind.CASE_OPEN else None


def _in_thread(delivery: Delivery) -> dict[str, str]:
    """Of a case that is told in a spike's thread: what follows it hangs in the same thread."""
    thread = delivery.parent if delivery.kind is NotificationKind.CASE_OPEN else None
    return {"thread": _ts(thread)} if thread else {}


def _ts(message: Receipt) -> str:
    """The ts of the thread that a message begins or stands in; Slack has no threads within threads."""
    return str(message.data.get("thread") or message.data["ts"])


def _metadata(kind: NotificationKind, key: str, said: Message) -> dict[str, Any]:
    return {"event_type": EVENT_TYPES[kind], "event_payload": {"key": key, **said.metadata}}


def _receipt(answer: Any, channel: str, key: str) -> Receipt:
    return Receipt({"channel": str(answer.get("channel") or channel), "ts": str(answer.get("ts") or ""), "key": key})
