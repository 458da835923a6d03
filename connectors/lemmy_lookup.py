"""Ask whether posts of the Lemmy network are still there: each on the instance where it was written.

That instance knows of a deletion even where ours was never told. A server of another kind, or one that does not answer,
tells nothing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from urllib.parse import urlsplit

from connectors.base import ConnectorError, Known, Looked, Refused
from connectors.http import Client
from connectors.lemmy_posts import Kind, NotThere, Row, is_gone, mention_of
from connectors.lookup import GONE, Found, Homes, one_by_one

BATCH = 20  # posts looked up at once, a request each
_ADDRESS = re.compile(r"(?P<base>https?://[^/?#\s]{1,255})/(?P<kind>post|comment)/(?P<id>\d{1,18})")


def look_up(posts: Sequence[Known], instance: Client, base: str, homes: Homes, now: datetime) -> Looked:
    """Ask for all of them. `base` is where `instance` is. Raises `ConnectorError` where the instance itself fails."""

    def ask(post: Known) -> Found:
        place = _ADDRESS.fullmatch(post.external_id)
        if place is None:
            return None
        kind: Kind = "post" if place["kind"] == "post" else "comment"
        if urlsplit(place["base"]).netloc.casefold() == urlsplit(base).netloc.casefold():
            return _ask(instance, kind, place["id"], post, now)
        try:
            return _ask(homes.at(place["base"]), kind, place["id"], post, now)
        except ConnectorError:
            homes.give_up(place["base"])
            return None

    try:
        return one_by_one("lemmy", posts, ask)
    finally:
        homes.close()


def _ask(client: Client, kind: Kind, one: str, post: Known, now: datetime) -> Found:
    for version in (4, 3):
        try:
            found = client.json(f"/api/v{version}/{kind}", now, {"id": one})
        except NotThere:
            return GONE
        except Refused:
            continue  # not this version, or no Lemmy
        view = found.get(f"{kind}_view") if isinstance(found, dict) else None
        said = view.get(kind) if isinstance(view, dict) else None
        if not isinstance(view, dict) or not isinstance(said, dict) or said.get("ap_id") != post.external_id:
            return None
        if is_gone(said):
            return GONE
        host = urlsplit(post.external_id).hostname or ""
        return mention_of(kind, Row(post.published_at, post.external_id, view), host)
    return None
