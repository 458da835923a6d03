"""The one place that builds a Slack `WebClient`, with its surprises taken out.

No retries of its own (the default posts again after a lost answer), no logging (at DEBUG it would log post text
and write bodies into errors), and no proxy in front of a loopback address: the client would send local traffic,
token included, to whatever HTTPS_PROXY names.
"""

from __future__ import annotations

import logging
from typing import Any, cast
from urllib.request import ProxyHandler, Request, build_opener

from slack_sdk import WebClient

from listener.slack.outside import is_loopback


def web_client(token: str, base_url: str, timeout: float) -> WebClient:
    """A client for `base_url` that gives up after `timeout` seconds and never tries twice."""
    silent = logging.Logger("listener.slack.wire", level=logging.CRITICAL + 1)
    # The SDK's annotation says int; urllib, which it hands the number to, takes fractions.
    build = _DirectClient if is_loopback(base_url) else WebClient
    return build(token=token, base_url=base_url, timeout=cast("int", timeout), retry_handlers=[], logger=silent)


class _DirectClient(WebClient):
    """Opens its address without a proxy. The SDK has no switch for that: None means "ask the environment" twice,
    once in its constructor and once in urllib's default opener, so the innermost call is replaced.
    """

    def _perform_urllib_http_request_internal(self, url: str, req: Request) -> dict[str, Any]:
        with build_opener(ProxyHandler({})).open(req, timeout=self.timeout) as answer:
            body = answer.read().decode(answer.headers.get_content_charset() or "utf-8")
            return {"status": answer.status, "headers": answer.headers, "body": body}
