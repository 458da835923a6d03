"""The manifest of the Slack app: exactly the scopes, events, command and shortcut that are used. Pure.

Pasted at api.slack.com/apps (docs.slack.dev/reference/app-manifest).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from listener.slack.command import COMMAND

SCOPES: Mapping[str, str] = {
    "chat:write": "post, edit and answer",
    "channels:history": "find out whether a message got through before it is sent again",
    "groups:history": "likewise in private channels",
    "files:write": "show the journey map below the digest; without it the digest is sent all the same",
}
INTERACTIVE_SCOPES: Mapping[str, str] = {"commands": "/mentions, and “Add to mentions”"}
GROUP_SCOPES: Mapping[str, str] = {"usergroups:read": "who is in the groups that [slack] names"}


def manifest(name: str, *, interactive: bool, groups: bool, url: str | None = None) -> dict[str, Any]:
    """`groups`: user groups are named in [slack]. `url`: where Slack calls; None: Socket Mode."""
    scopes = [*SCOPES, *(INTERACTIVE_SCOPES if interactive else ()), *(GROUP_SCOPES if interactive and groups else ())]
    settings: dict[str, Any] = {
        "interactivity": {"is_enabled": interactive},
        "org_deploy_enabled": False,
        "socket_mode_enabled": interactive and url is None,
        "token_rotation_enabled": False,
    }
    features: dict[str, Any] = {"bot_user": {"display_name": name[:80], "always_online": True}}
    if interactive:
        command = {
            "command": COMMAND,
            "description": "Cases: what is due, what is mine, find, explain",
            "usage_hint": "due | mine | find WORDS | explain REF | silence … | health | help",
            "should_escape": False,
        }
        features["app_home"] = {"home_tab_enabled": True, "messages_tab_enabled": False}
        features["slash_commands"] = [command]
        features["shortcuts"] = [
            {
                "name": "Add to mentions",
                "type": "message",
                "callback_id": "mention_add",
                "description": "Count and work the post that this message shows",
            }
        ]
        settings["event_subscriptions"] = {"bot_events": ["app_home_opened"]}
        if url is not None:
            command["url"] = url
            settings["interactivity"]["request_url"] = url
            settings["event_subscriptions"]["request_url"] = url
    return {
        "display_information": {"name": name[:35], "description": "Mentions of our brand, worked together"},
        "features": features,
        "oauth_config": {"scopes": {"bot": scopes}},
        "settings": settings,
    }


def as_yaml(value: Mapping[str, Any]) -> str:
    """As YAML. Texts are quoted as JSON, which YAML 1.2 reads the same."""
    return "\n".join(_lines(value, 0)) + "\n"


def _lines(value: Any, depth: int) -> Iterator[str]:
    pad = "  " * depth
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if isinstance(inner, Mapping | list) and inner:
                yield f"{pad}{key}:"
                yield from _lines(inner, depth + 1)
            else:
                yield f"{pad}{key}: {json.dumps(inner, ensure_ascii=False)}"
        return
    for one in value:
        if isinstance(one, Mapping):
            first, *rest = _lines(one, depth + 1)
            yield f"{pad}- {first.lstrip()}"
            yield from rest
        else:
            yield f"{pad}- {json.dumps(one, ensure_ascii=False)}"
