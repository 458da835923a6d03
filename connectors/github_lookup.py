"""Ask whether issues, pull requests and discussions of GitHub are still there.

With a token many at once by their node ids; without one by one at their addresses, which discussions do not have.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime

from connectors.base import Known, Looked, Malformed, Mention, Removal
from connectors.github_graphql import LIMIT, POST, GraphQL, as_result
from connectors.github_posts import SITE, id_of, mention_of
from connectors.http import Client
from connectors.lookup import GONE, Found, one_by_one

BATCH = 20  # posts looked up at once; without a token a request each, of 60 an hour
_ADDRESS = re.compile(r"https?://[^/\s]+/(?P<repository>[\w.-]+/[\w.-]+)/(?:issues|pull)/(?P<number>\d{1,12})")
_QUERY = (
    "query($ids: [ID!]!) { nodes(ids: $ids) {"
    f" ... on Issue {{ {POST} }} ... on PullRequest {{ {POST} }} ... on Discussion {{ {POST} upvoteCount }} }} {LIMIT} }}"
)


def look_up_together(posts: Sequence[Known], ask: GraphQL, now: datetime) -> Looked:
    """Ask for all in one question. What GitHub says that it does not find is gone; what it shuts us out of is left alone."""
    told = ask.ask(_QUERY, {"ids": [post.external_id for post in posts]}, now)
    nodes = told.data.get("nodes")
    if not isinstance(nodes, list) or len(nodes) != len(posts):
        raise Malformed(f"{SITE} answered without the posts that were asked for; its API may have changed")
    present: list[Mention] = []
    removed: list[Removal] = []
    for number, (post, node) in enumerate(zip(posts, nodes, strict=True)):
        if isinstance(node, dict) and node.get(
            "id"
        ):  # in the order of the question; an old id may come back as a new one
            mention = mention_of(post.external_id, as_result(node), post.published_at)
            present += [mention] if mention else []
        elif node is None and told.errors.get(number) == "NOT_FOUND":
            removed.append(Removal("github", post.external_id))
    return Looked(tuple(present), tuple(removed))


def look_up_apart(posts: Sequence[Known], client: Client, now: datetime) -> Looked:
    """Ask for each at its address."""

    def ask(post: Known) -> Found:
        place = _ADDRESS.fullmatch(post.url)
        if place is None:
            return None
        found = client.find(f"/repos/{place['repository']}/issues/{place['number']}", now)
        if found is None:
            return GONE
        # An issue that was moved to another repository is there under another id.
        if not isinstance(found, dict) or id_of(found) != post.external_id:
            return None
        return mention_of(post.external_id, found, post.published_at)

    return one_by_one("github", posts, ask)
