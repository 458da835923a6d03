"""Look stored posts up again where a platform takes no list of ids: one request each, at the platform or where a post was written.

What cannot be told (a server that does not answer, a page that is no answer) is neither there nor gone: the post is
left alone and asked for again another time. Only the platform's own word removes anything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from connectors.base import Known, Looked, Mention, Removal, SourceContext, Unavailable
from connectors.http import Client, Explain

IN_A_HURRY = 10.0  # seconds for a stranger's server; one that is slow is left for another time


class Gone:
    """The platform says that a post is not there any more."""


GONE: Final = Gone()
Found = Mention | Gone | None  # None: cannot be told


def one_by_one(platform: str, posts: Iterable[Known], ask: Callable[[Known], Found]) -> Looked:
    """Ask for each post. Raises what `ask` raises; the batch is then asked for again as a whole."""
    present: list[Mention] = []
    removed: list[Removal] = []
    for post in posts:
        found = ask(post)
        if isinstance(found, Mention):
            present.append(found)
        elif found is not None:
            removed.append(Removal(platform, post.external_id))
    return Looked(tuple(present), tuple(removed))


class Homes:
    """The servers where federated posts were written, for one batch: one that fails is not asked again within it."""

    def __init__(self, context: SourceContext, timeout: float, explain: Explain | None = None) -> None:
        self._context = context
        self._timeout = min(timeout, IN_A_HURRY)
        self._explain = explain
        self._clients: dict[str, Client] = {}
        self._failed: set[str] = set()

    def at(self, base: str) -> Client:
        """The server there, asked without a credential. Raises `Unavailable` where it was given up."""
        if base in self._failed:
            raise Unavailable("this server failed a moment ago; it is asked again later")
        if base not in self._clients:
            self._clients[base] = Client(
                "The post's own server",
                base,
                self._context.user_agent,
                self._timeout,
                explain=self._explain,
                intranet=self._context.intranet,
            )
        return self._clients[base]

    def give_up(self, base: str) -> None:
        """Ask this server nothing more."""
        self._failed.add(base)

    def close(self) -> None:
        """Release sockets."""
        for client in self._clients.values():
            client.close()
        self._clients.clear()
