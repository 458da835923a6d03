"""The journey map below a digest: drawn as PNG and shared in the message's thread, in Slack's three steps.

The picture is an extra. Without the renderer, the scope `files:write` or luck, the message stands as it is, and the log says
why; nothing is sent twice for it. It is drawn when it is sent, from what the outbox still holds, so words that were removed
in the meantime are not in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import structlog
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError

from listener.model import Receipt
from listener.slack.failures import code_of

log = structlog.get_logger()


def share(client: WebClient, receipt: Receipt, payload: Mapping[str, Any]) -> bool:
    """Put the map of the digest in `payload` into the thread of its message; whether that worked."""
    from listener.digest import drawing, form, marks, raster  # jinja and the drawing are for the day of the digest
    from listener.digest.labels import load

    if not raster.available() or not isinstance(payload.get("digest"), Mapping):
        return False
    try:
        digest = form.from_data(payload["digest"])
        if not digest.total.mentions:
            return False
        book = load(digest.language)
        picture = raster.png(drawing.still(digest))
        client.files_upload_v2(
            filename=f"journey-{digest.week.name}.png",
            content=picture,
            title=book.say("map_title", brand=digest.brand, week=digest.week.label)[:200],
            alt_txt=marks.said(digest, marks.Hand(book))[:1000],
            channel=str(receipt.data["channel"]),
            thread_ts=str(receipt.data["ts"]),
        )
    except (form.FormError, raster.NoPicture) as error:
        log.warning("digest_picture_not_drawn", reason=str(error)[:200])
    except SlackApiError as error:
        log.warning("digest_picture_not_shared", reason=code_of(error) or "no answer in JSON")
    except (SlackClientError, OSError, ValueError) as error:
        log.warning("digest_picture_not_shared", reason=type(error).__name__)
    else:
        return True
    return False
