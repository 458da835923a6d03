"""Ask GitHub's GraphQL API: its limit stands in the body, and so do its errors, with status 200.

An error that concerns a part of the answer (a post that is gone, an organisation that shuts us out) leaves the rest as it
is; any other ends the question. https://docs.github.com/en/graphql/overview/rate-limits-and-query-limits-for-the-graphql-api
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from connectors.base import AccessDenied, ConnectorError, Malformed, RateLimited, Refused, Unavailable
from connectors.github_posts import SECONDARY_WAIT, SITE
from connectors.http import LONGEST_WAIT, Client, retry_at
from connectors.text import label

LIMIT = "rateLimit { remaining resetAt }"
POST = "id url title body createdAt author { __typename login } comments { totalCount } reactions { totalCount }"

_OF_A_PART = frozenset({"NOT_FOUND", "FORBIDDEN"})
_LIMITS = frozenset({"RATE_LIMITED", "RATE_LIMIT"})
_RIGHTS = frozenset({"FORBIDDEN", "INSUFFICIENT_SCOPES", "UNAUTHORIZED"})


@dataclass(frozen=True, slots=True)
class Told:
    """An answer: its data, and the type of the error at each place of a list, by its index."""

    data: Mapping[str, Any]
    errors: Mapping[int, str]


class GraphQL:
    """Asks, and waits once the body says that nothing is left."""

    def __init__(self, client: Client, base: str) -> None:
        self._client = client
        base = base.rstrip("/")
        # An enterprise server has /api/v3 and, beside it, /api/graphql.
        self._address = f"{base.removesuffix('/v3')}/graphql"
        self._not_before: datetime | None = None

    def ask(self, query: str, variables: Mapping[str, Any], now: datetime) -> Told:
        """Raises `ConnectorError`."""
        if self._not_before is not None and now < self._not_before:
            raise RateLimited(f"{SITE} answers nothing more before {self._not_before:%H:%M:%S} UTC", self._not_before)
        answer = self._client.post(self._address, now, {"query": query, "variables": dict(variables)})
        told = self._client.decoded(answer)
        data, listed = (told.get("data"), told.get("errors")) if isinstance(told, dict) else (None, None)
        errors = [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
        for error in errors:
            if not _is_of_a_part(error):
                raise _error(error, retry_at(answer.headers, now), now)
        if not isinstance(data, dict):
            if errors:
                raise _error(errors[0], retry_at(answer.headers, now), now)
            raise Malformed(f"{SITE} answered without data; its API may have changed")
        self._note(data.get("rateLimit"), now)
        return Told(data, {error["path"][1]: label(error.get("type")) for error in errors})

    def _note(self, limit: Any, now: datetime) -> None:
        self._not_before = None
        if isinstance(limit, dict) and limit.get("remaining") == 0:
            try:
                reset = datetime.fromisoformat(str(limit.get("resetAt")))
            except ValueError:
                reset = now + SECONDARY_WAIT
            reset = reset if reset.tzinfo else reset.replace(tzinfo=UTC)
            self._not_before = min(reset, now + LONGEST_WAIT)


def as_result(node: Mapping[str, Any]) -> dict[str, Any]:
    """A post as the other API would give it."""
    author = node.get("author")
    user = None
    if isinstance(author, dict):
        user = {"login": author.get("login"), "type": "Bot" if author.get("__typename") == "Bot" else "User"}
    likes = node.get("upvoteCount")
    return {
        "node_id": node.get("id"),
        "html_url": node.get("url"),
        "title": node.get("title"),
        "body": node.get("body"),
        "created_at": node.get("createdAt"),
        "user": user,
        "comments": _total(node.get("comments")),
        "reactions": {"total_count": likes if isinstance(likes, int) else _total(node.get("reactions"))},
    }


def _total(connection: Any) -> Any:
    return connection.get("totalCount") if isinstance(connection, dict) else None


def _is_of_a_part(error: Mapping[str, Any]) -> bool:
    path = error.get("path")
    is_placed = isinstance(path, list) and len(path) > 1 and isinstance(path[1], int)
    return is_placed and error.get("type") in _OF_A_PART


def _error(error: Mapping[str, Any], again: datetime | None, now: datetime) -> ConnectorError:
    kind, words = label(error.get("type")), label(error.get("message")).casefold()
    if kind in _LIMITS or "secondary rate limit" in words:
        again = again or now + SECONDARY_WAIT
        return RateLimited(f"{SITE} asks to wait ({kind or 'secondary limit'}), not before {again:%H:%M:%S} UTC", again)
    if kind in _RIGHTS:
        return AccessDenied(f"{SITE} refuses access ({kind}); check the token and what it may read")
    if "something went wrong" in words or "timeout" in words or kind in ("SERVICE_UNAVAILABLE", "INTERNAL"):
        return Unavailable(f"{SITE} did not finish the question; it is asked again later")
    return Refused(f"{SITE} refuses the question ({kind or 'no type'}); check the source's settings")
