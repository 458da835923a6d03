"""The webhook receiver: each notification as one JSON document, POSTed to one address.

The body has a schema version and says all that a case says. `Idempotency-Key` is the notification's key, the same
at every attempt: HTTP keeps no history to look into, so whoever receives it drops what it has seen (docs/slack.md).
With a secret, `X-Listener-Signature: t=<unix time>,v1=<hex>` is the HMAC-SHA256 of "<time>.<body>".

    2xx                                  told
    408, 425, 429, 5xx, time-out, reset  PassingFailure; Retry-After is honoured
    401, 403, 404, 405, 410, 3xx         ReceiverStopped: the address or its rights need a person
    any other 4xx                        MessageRefused
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import datetime
from email.utils import parsedate_to_datetime
from math import isfinite
from typing import Any
from urllib.parse import quote, urlsplit

import httpx

from listener.model import (
    CannotLookUp,
    CaseView,
    Delivery,
    MessageRefused,
    NotificationKind,
    PassingFailure,
    Receipt,
    ReceiverStopped,
    SpikeView,
    Told,
)
from listener.slack.look import utc_now
from listener.slack.outside import clean, is_loopback, web_address

SCHEMA_VERSION = 1
LONGEST_WAIT = 86_400.0  # seconds; a Retry-After beyond a day is taken for a day

_PASSING = frozenset({408, 425, 429})
_STOPPED = {
    401: "it asks for credentials; check the address and the secret",
    403: "it forbids the call; check the address and the secret",
    404: "nothing answers at this address; check it",
    405: "it takes no POST; check the address",
    410: "the address is gone; set another",
}


class WebhookReceiver:
    """One address. `secret` signs bodies; `timeout` is in seconds, for connecting and for each read."""

    def __init__(
        self, url: str, *, secret: str | None = None, timeout: float = 30.0, clock: Callable[[], datetime] = utc_now
    ) -> None:
        self._url = url
        self._secret = secret
        self._timeout = timeout
        self._clock = clock
        self._where = _without_secrets(url)

    def send(self, delivery: Delivery) -> Receipt:
        """POST `delivery`. The receipt holds the answer's status. Raises `ReceiverError`."""
        now = self._clock()
        body = json.dumps(document(delivery), ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "User-Agent": "listener",
            # a header takes ASCII only; our keys are, but for the names that people give receivers
            "Idempotency-Key": quote(delivery.key, safe=":/!#$&'*+^|~", errors="replace"),
        }
        if self._secret:
            headers["X-Listener-Signature"] = signature(self._secret, int(now.timestamp()), body)
        try:
            # A client a message: they are rare, and nothing stays open between two (no proxy for this machine itself).
            # Status and headers say all; a body is not read: one that drips would hold this receiver up for ever.
            with (
                httpx.Client(timeout=self._timeout, trust_env=not is_loopback(self._url)) as client,
                client.stream("POST", self._url, content=body, headers=headers) as answer,
            ):
                pass
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.UnsupportedProtocol, httpx.InvalidURL) as error:
            raise PassingFailure(
                f"webhook {self._where}: {type(error).__name__}; check the address and the network",
                may_have_been_sent=False,
            ) from None
        except httpx.HTTPError as error:
            raise PassingFailure(
                f"webhook {self._where}: {type(error).__name__}; it may or may not have arrived"
            ) from None
        self._judge(answer, now)
        return Receipt({"status": answer.status_code})

    def find(self, delivery: Delivery) -> Receipt | None:
        """Raises `CannotLookUp`: receivers drop repeats by Idempotency-Key."""
        raise CannotLookUp("a webhook keeps no history; its receiver drops repeats by Idempotency-Key")

    def _judge(self, answer: httpx.Response, now: datetime) -> None:
        status, what = answer.status_code, f"webhook {self._where}: HTTP {answer.status_code}"
        if 200 <= status < 300:
            return
        if status in _PASSING or status >= 500:
            wait = _retry_after(answer.headers.get("Retry-After"), now)
            raise PassingFailure(f"{what}; trying again later", wait, may_have_been_sent=status >= 500)
        if status in _STOPPED:
            raise ReceiverStopped(f"{what}; {_STOPPED[status]}")
        if status < 400:
            raise ReceiverStopped(f"{what}; it points elsewhere, and redirects are not followed; set the final address")
        raise MessageRefused(f"{what}; it does not accept this message")


def signature(secret: str, at: int, body: bytes) -> str:
    """The value of X-Listener-Signature for `body` sent at the unix time `at`."""
    signed = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={signed}"


def document(delivery: Delivery) -> dict[str, Any]:
    """What is POSTed: JSON values only; texts cleaned as everywhere, never cut; times in ISO 8601, UTC."""
    said: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "notification": {
            "key": delivery.key,
            "kind": delivery.kind.value,
            "urgency": delivery.urgency.word,
            "created_at": delivery.created_at.isoformat(),
            "attempt": delivery.attempt,
            "repeated": delivery.doubtful,
        },
        "case": _case(delivery.case) if delivery.case else None,
        "mentions": [_mention(told) for told in delivery.case.mentions] if delivery.case else [],
        "mention": _mention(delivery.mention) if delivery.mention else None,
    }
    if delivery.summary is not None:
        said["summary"] = {
            "why": delivery.summary.why,
            "total": delivery.summary.total,
            "levels": {level.word: count for level, count in delivery.summary.levels.items()},
            "cases": [
                {"case": _case(view), "mentions": [_mention(told) for told in view.mentions]}
                for view in delivery.summary.cases
            ],
        }
    if delivery.folded_in:
        said["spike"] = {"ref": delivery.folded_in}
    if delivery.spike is not None:
        said["spike"] = _spike(delivery.spike)
    if delivery.kind in {NotificationKind.DIGEST, NotificationKind.NOTICE}:
        # Slack's blocks and this machine's files mean nothing to a webhook; the digest's own JSON stays.
        said["content"] = {name: value for name, value in delivery.payload.items() if name not in {"blocks", "page"}}
    cleaned: dict[str, Any] = _cleaned(said)
    return cleaned


def _case(view: CaseView) -> dict[str, Any]:
    case = view.case
    return {
        "ref": case.ref,
        "state": case.state.value,
        "urgency": case.urgency.word,
        "platform": case.platform,
        "owner": case.owner,
        "revision": case.revision,
        "mention_count": case.mention_count,
        "touchpoints": sorted(case.touchpoints),
        "opened_at": case.opened_at.isoformat(),
        "due_at": case.due_at.isoformat() if case.due_at else None,
    }


def _spike(view: SpikeView) -> dict[str, Any]:
    spike = view.spike
    return {
        "ref": spike.ref,
        "kind": spike.kind,
        "state": spike.state.value,
        "urgency": spike.urgency.word,
        "begun_at": spike.begun_at.isoformat(),
        "last_at": spike.last_at.isoformat(),
        "ended_at": spike.ended_at.isoformat() if spike.ended_at else None,
        "authors": spike.authors,
        "posts": spike.posts,
        "expected_authors": round(spike.expected, 2),
        "window_hours": spike.figures.get("window"),
        "owner": spike.owner,
        "revision": spike.revision,
        "new_words": [{"word": word, "authors": authors} for word, authors in spike.figures.get("words") or ()],
        "silent_sources": list(spike.figures.get("silent") or ()),
        "cases_told_in_it": view.folded,
        "examples": [_mention(told) for told in view.examples],
    }


def _mention(told: Told) -> dict[str, Any]:
    post, verdict = told.mention, told.verdict
    return {
        "ref": told.ref,
        "platform": post.platform,
        "external_id": post.external_id,
        "url": web_address(post.url),
        "title": post.title,
        "text": post.text,
        "kind": post.kind,
        "published_at": post.published_at.isoformat(),
        "seen_at": told.seen_at.isoformat(),
        "removed_at": told.removed_at.isoformat() if told.removed_at else None,  # words and author are gone since
        "edited_at": told.edited_at.isoformat() if told.edited_at else None,
        "source": told.source,
        "author": {
            "id": post.author.id,
            "handle": post.author.handle,
            "name": post.author.name,
            "followers": post.author.followers,
        },
        "verdict": {
            "lang": verdict.lang,
            "stage": verdict.stage.value,
            "stage_confidence": verdict.stage_confidence,
            "secondary_stage": verdict.secondary_stage.value if verdict.secondary_stage else None,
            "urgency": verdict.urgency.word,
            "points": verdict.points,
            "intents": sorted(intent.value for intent in verdict.intents),
            "touchpoints": dict(verdict.touchpoints),
            "sentiment": verdict.sentiment,
            "sentiment_label": verdict.sentiment_label,
            "emotions": [emotion.value for emotion in verdict.emotions],
            "buyer_status": verdict.buyer_status.value,
            "exit_to": verdict.exit_to,
            "complaint_score": verdict.complaint_score,
            "lines": [
                {"points": line.points, "label": line.label, "evidence": line.evidence, "rule": line.rule}
                for line in verdict.lines
            ],
            "ruleset": verdict.ruleset,
        },
    }


def _cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, dict):
        return {clean(str(name)): _cleaned(one) for name, one in value.items()}
    return [_cleaned(one) for one in value] if isinstance(value, (list, tuple)) else value


def _retry_after(said: str | None, now: datetime) -> float | None:
    """Seconds from a Retry-After header, which may hold a number or a date; None where it holds neither."""
    if said is None:
        return None
    try:
        seconds = float(said)
    except ValueError:
        try:
            seconds = (parsedate_to_datetime(said) - now).total_seconds()
        except (ValueError, TypeError):
            return None
    return min(max(seconds, 0.0), LONGEST_WAIT) if isfinite(seconds) else None


def _without_secrets(url: str) -> str:
    """Scheme and host alone: the path and query of a webhook's address are its password."""
    try:
        parts = urlsplit(url)
        return f"{parts.scheme}://{parts.hostname or '?'}"
    except ValueError:
        return "(address that cannot be read)"
