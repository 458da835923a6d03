"""What each of Slack's errors means for the outbox, as a table, with what a person should do about it.

Codes: docs.slack.dev/reference/methods/chat.postMessage, chat.update and conversations.history. A code that is
not listed is worth another try: it said clearly that nothing was posted, and new codes appear without notice.
No error text holds a token, an address or a post.
"""

from __future__ import annotations

import http.client
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from math import isfinite
from typing import Any
from urllib.error import URLError

from slack_sdk.errors import SlackApiError, SlackClientError

from listener.model import MessageRefused, PassingFailure, ReceiverError, ReceiverStopped

# Nothing will be accepted until a person acts.
STOPPED: Mapping[str, str] = {
    "invalid_auth": "the token is not valid here; copy the bot token again (OAuth & Permissions)",
    "not_authed": "no token was sent; set the variable or file that the receiver's token_env or token_file names",
    "token_revoked": "the token was revoked; install the app again and set the new bot token",
    "token_expired": "the token has expired; install the app again, or turn token rotation off",
    "account_inactive": "the app's user was removed; install the app again",
    "org_login_required": "the workspace is being moved; try again when its administrator says so",
    "ekm_access_denied": "the workspace's administrators have suspended access; ask them",
    "enterprise_is_restricted": "the method may not be used by an org-wide app; install it in the workspace",
    "missing_scope": "add the scope chat:write to the app and install it again",
    "no_permission": "the token may not do this; check its scopes and install the app again",
    "not_allowed_token_type": "use a bot token (it begins with xoxb)",
    "access_denied": "the workspace does not let this app do this; ask an administrator",
    "two_factor_setup_required": "the app's owner must set up two-factor sign-in",
    "team_access_not_granted": "approve the app for this workspace",
    "channel_not_found": "check the channel's id, and invite the app to it if it is private (/invite)",
    "not_in_channel": "invite the app to the channel (/invite), or add the scope chat:write.public",
    "is_archived": "the channel is archived; unarchive it or name another",
    "restricted_action": "the workspace's settings forbid the app to post there; ask an administrator",
    "restricted_action_read_only_channel": "the channel is read-only; allow the app to post or name another",
    "restricted_action_thread_locked": "the thread is locked; unlock it",
    "restricted_action_non_threadable_channel": "the channel takes no threads; name another",
    "restricted_action_thread_only_channel": "the channel takes thread entries only; name another",
    "team_not_found": "the workspace is gone; install the app in another",
    "messages_tab_disabled": "the app's messages tab is off; name a channel instead",
    "user_is_restricted": "the token's user may not post there; use a bot token",
}  # fmt: skip

# The same of the app-level token, which is not found where the bot token is.
_WHERE = "Basic Information, App-Level Tokens"
APP_TOKEN: Mapping[str, str] = {
    "invalid_auth": f"the app-level token is not valid; copy it again ({_WHERE})",
    "not_authed": "no app-level token was sent; set what the receiver's app_token_env or app_token_file names",
    "not_allowed_token_type": f"this is no app-level token; use the one that begins with xapp ({_WHERE})",
    "token_revoked": f"the app-level token was revoked; make a new one ({_WHERE})",
    "missing_scope": f"give the app-level token the scope connections:write ({_WHERE})",
}

# This message will never be accepted; the next may be.
REFUSED: Mapping[str, str] = {
    "msg_too_long": "its text is too long",
    "no_text": "it has no text",
    "invalid_arguments": "Slack did not understand the call",
    "invalid_metadata_format": "its metadata is malformed",
    "invalid_metadata_schema": "its metadata is malformed",
    "metadata_too_large": "its metadata is too large",
    "metadata_must_be_sent_from_app": "the token belongs to no app; use a bot token",
    "message_not_found": "the message was deleted in Slack; the case itself stands (listener cases show)",
    "duplicate_message_not_found": "Slack lost track of the message",
    "cant_update_message": "the message belongs to another app or user; was the app replaced?",
    "edit_window_closed": "the workspace does not allow messages to be edited that late",
    "msg_blocks_too_long": "its blocks are too long even when shortened",
    "invalid_blocks": "its blocks are refused even when shortened",
    "invalid_blocks_format": "its blocks are refused even when shortened",
}

SHORTEN = frozenset({"msg_blocks_too_long", "invalid_blocks", "invalid_blocks_format"})
CANNOT_EDIT = frozenset({"edit_window_closed", "cant_update_message"})
PARENT_GONE = frozenset({"thread_not_found", "message_not_found", "cannot_reply_to_message"})

# The history may not be read; what would let it be.
UNREADABLE: Mapping[str, str] = {
    "missing_scope": "add channels:history (groups:history for private channels) so that repeats can be ruled out",
    "not_in_channel": "invite the app to the channel so that repeats can be ruled out",
    "channel_not_found": "configure the channel's id, not its name, so that repeats can be ruled out",
    "not_allowed_token_type": "use a bot token so that repeats can be ruled out",
    "no_permission": "add channels:history so that repeats can be ruled out",
    "access_denied": "ask an administrator to let the app read the channel",
    "method_not_supported_for_channel_type": "the channel's kind keeps no history that an app may read",
}

_LATER = frozenset({"fatal_error", "internal_error", "service_unavailable", "request_timeout"})


def code_of(error: SlackApiError) -> str:
    """Slack's word for the error, "" where it answered with something else than its JSON."""
    answer = _data(error)
    code = answer.get("error") if isinstance(answer.get("error"), str) else ""
    # The SDK puts a whole HTML page behind its own sentence into this field.
    return code if code and code.replace("_", "").isalnum() and len(code) < 60 else ""


def translate(error: SlackApiError, method: str, channel: str) -> ReceiverError:
    """`error` as the outbox understands it."""
    status = int(getattr(error.response, "status_code", 200) or 200)
    code = code_of(error)
    what = f"Slack ({method}, {channel}): {code or f'HTTP {status}'}"
    if status == 429 or code in {"ratelimited", "rate_limited"}:
        return PassingFailure(f"{what}; it asks to wait", retry_after(error), may_have_been_sent=False)
    if status >= 500 or not code or code in _LATER:
        return PassingFailure(f"{what}; it may or may not have been posted")
    if code in STOPPED:
        needed = _data(error).get("needed")
        more = f" (needed: {needed})" if code == "missing_scope" and isinstance(needed, str) else ""
        meaning = APP_TOKEN.get(code, STOPPED[code]) if method == "apps.connections.open" else STOPPED[code]
        return ReceiverStopped(f"{what}; {meaning}{more[:120]}")
    if code in REFUSED:
        return MessageRefused(f"{what}; {REFUSED[code]}")
    return PassingFailure(f"{what}; an error this program does not know", may_have_been_sent=False)


def retry_after(error: SlackApiError) -> float | None:
    """Seconds Slack asks to wait, at most a day; a minute where the header says no number (it must not be ignored)."""
    headers = getattr(error.response, "headers", None) or {}
    said = next((value for name, value in headers.items() if str(name).lower() == "retry-after"), None)
    if said is None:
        return None
    try:
        seconds = float(said if isinstance(said, str) else said[0])
    except (ValueError, IndexError, TypeError):
        return 60.0
    return min(max(seconds, 0.0), 86_400.0) if isfinite(seconds) else 60.0


@contextmanager
def translated(method: str, channel: str, *, keep_api_errors: bool = False) -> Iterator[None]:
    """Turn whatever the client raises inside into a `ReceiverError`; Slack's own answers too unless kept."""
    try:
        yield
    except SlackApiError as error:
        if keep_api_errors:
            raise
        raise translate(error, method, channel) from None
    except (URLError, OSError, http.client.HTTPException, SlackClientError, ValueError, AttributeError) as error:
        # ValueError: a body that is not in the charset it claims. AttributeError: JSON, but not an object; the SDK
        # asks it for "ok" without looking.
        cause = error.reason if isinstance(error, URLError) and isinstance(error.reason, Exception) else error
        never_sent = isinstance(cause, (ConnectionRefusedError, socket.gaierror))
        hint = "check base_url and the network" if never_sent else "it may or may not have been posted"
        raise PassingFailure(
            f"Slack ({method}, {channel}): {type(cause).__name__}; {hint}", may_have_been_sent=not never_sent
        ) from None


def _data(error: SlackApiError) -> Mapping[str, Any]:
    answer = getattr(error.response, "data", error.response)
    return answer if isinstance(answer, Mapping) else {}
