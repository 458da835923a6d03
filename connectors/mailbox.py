"""Alert mails of other services: one mention a mail, or one a link for the digests of Google Alerts.

A folder of a mailbox is read over IMAP, oldest mail first, on from the last UID that was stored. The folder is opened for
reading only: nothing is marked, moved or deleted, unless `mark_seen` asks for that one mark. Where the server says
that UIDs mean other mails now (UIDVALIDITY), it is read again from where the source began; Message-IDs drop what is known.
"""

from __future__ import annotations

import ipaddress
import ssl
from collections.abc import Iterator
from contextlib import closing
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Self

from pydantic import Field, model_validator

from connectors.base import (
    AccessDenied,
    Author,
    Connector,
    Cursor,
    Gap,
    Kind,
    Mention,
    Page,
    Policy,
    SourceContext,
    SourceSettings,
)
from connectors.feeds import canonical
from connectors.imap import Mailbox, Raw
from connectors.mail import Mail, blocks, link_to, read_mail
from connectors.secret import read_secret

GOOGLE_ALERTS = "googlealerts-noreply@google.com"


class MailboxSettings(SourceSettings):
    """Keys of a mailbox source."""

    host: str = Field(min_length=1, description="the IMAP server")
    port: int = Field(default=993, ge=1, le=65535, description="its port for IMAP over TLS")
    user: str = Field(min_length=1, description="who signs in, mostly the address")
    password_env: str | None = Field(default=None, description="environment variable with the password")
    password_file: str | None = Field(default=None, description="file with the password")
    folder: str = Field(default="INBOX", min_length=1, description="the folder that is read, e.g. INBOX/Alerts")
    senders: tuple[str, ...] = Field(
        default=(), description="addresses or domains whose mails are read; empty: everybody's"
    )
    platform: str = Field(default="mail", min_length=1, max_length=40, description="platform of its mentions")
    kind: Kind = Field(default="post", description="what its mentions are: post, comment, review or article")
    link: str | None = Field(default=None, description="host whose first link in a mail leads to the post")
    mark_seen: bool = Field(default=False, description="mark mails as read once they are stored")
    history: timedelta = Field(default=timedelta(days=7), description="how far the first poll reads back")
    size_limit: int = Field(
        default=512 * 1024, ge=1024, le=32 * 1024 * 1024, description="bytes of a mail that are read"
    )
    page_size: int = Field(default=20, ge=1, le=200, description="mails read and stored at once")
    tls: bool = Field(default=True, description="false is for a server on this machine only")
    certificates: Path | None = Field(
        default=None, description="file of certificates to trust, for a server with its own"
    )

    @model_validator(mode="after")
    def _safe(self) -> Self:
        if not self.tls and not _is_loopback(self.host):
            raise ValueError("tls = false would send the password in the clear; it is for a server on loopback only")
        if (self.password_env is None) == (self.password_file is None):
            raise ValueError("a mailbox needs its password; write either password_env or password_file")
        if any(not one.isprintable() for one in (self.host, self.user, self.folder)):
            raise ValueError("host, user and folder are one line of printable characters each")
        return self


class MailboxSource:
    """A source: one folder."""

    def __init__(self, settings: MailboxSettings, context: SourceContext) -> None:
        self._settings = settings
        self._name = context.name
        self._senders = tuple(one.casefold().removeprefix("@") for one in settings.senders)

    def poll(self, cursor: Cursor | None, now: datetime) -> Iterator[Page]:
        settings = self._settings
        password = read_secret(settings, "password")
        if not password or not password.isprintable():
            raise AccessDenied("the password is empty or holds control characters; check where it comes from")
        with closing(Mailbox(settings.host, settings.port, self._context(), settings.timeout, now)) as mailbox:
            mailbox.login(settings.user, password)
            validity = mailbox.select(settings.folder, read_only=not settings.mark_seen)
            yield from self._pages(mailbox, validity, cursor, now)

    def close(self) -> None:
        """Nothing stays open between polls."""

    def _pages(self, mailbox: Mailbox, validity: int, cursor: Cursor | None, now: datetime) -> Iterator[Page]:
        settings = self._settings
        # A server goes by the day in its own time zone.
        since = date.fromisoformat(cursor["since"]) if cursor else (now - settings.history - timedelta(days=1)).date()
        last = int(cursor["uid"]) if cursor and cursor["validity"] == validity else 0
        uids = mailbox.search(last + 1, since)
        had_gap = bool(cursor and cursor["more"])
        for number in range(settings.page_cap):
            batch = uids[number * settings.page_size : (number + 1) * settings.page_size]
            if not batch and not had_gap:
                return
            is_capped = number + 1 == settings.page_cap and len(uids) > settings.page_cap * settings.page_size
            mails = mailbox.fetch(batch, settings.size_limit) if batch else []
            last = batch[-1] if batch else last
            found = {raw.uid: self._mentions(raw, now) for raw in mails}
            until = max((raw.received_at for raw in mails if raw.received_at), default=now)
            yield Page(
                tuple(one for mentions in found.values() for one in mentions),
                {"validity": validity, "uid": last, "since": since.isoformat(), "more": is_capped},
                gaps=(Gap(min(until, now), now, "page-cap"),) if is_capped else (),
                scanned=len(mails),
            )
            had_gap = False
            if settings.mark_seen and (stored := [uid for uid, mentions in found.items() if mentions]):
                mailbox.mark_seen(stored)

    def _mentions(self, raw: Raw, now: datetime) -> list[Mention]:
        mail = read_mail(raw.content)
        if self._senders and not any(_is_from(mail.address, one) for one in self._senders):
            return []
        at = min(raw.received_at or mail.sent_at or now, now)
        if mail.address == GOOGLE_ALERTS and (found := list(blocks(mail.html))):
            return [
                Mention(
                    platform="google_alerts",
                    external_id=canonical(block.url),
                    text=block.text or block.title,
                    published_at=at,
                    author=Author("", name=_host(block.url)),
                    url=block.url,
                    title=block.title,
                    kind="article",
                )
                for block in found
            ]
        return [self._mention(mail, at)]

    def _mention(self, mail: Mail, at: datetime) -> Mention:
        return Mention(
            platform=self._settings.platform.casefold(),
            external_id=mail.id,
            text=mail.text,
            published_at=at,
            # No id: a service writes for many people, whose stories must not become one.
            author=Author("", name=mail.name or mail.address or "unknown"),
            url=link_to(mail, self._settings.link.casefold()) if self._settings.link else "",
            title=mail.subject,
            kind=self._settings.kind,
        )

    def _context(self) -> ssl.SSLContext | None:
        if not self._settings.tls:
            return None
        try:
            return ssl.create_default_context(cafile=self._settings.certificates)
        except (OSError, ssl.SSLError):
            raise AccessDenied(
                "the file of `certificates` cannot be read (PEM); check the path and its rights"
            ) from None


def _is_from(address: str, wanted: str) -> bool:
    host = address.rpartition("@")[2]
    return wanted in (address, host) or ("@" not in wanted and host.endswith(f".{wanted}"))


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.casefold() == "localhost"


def _host(url: str) -> str:
    return url.partition("://")[2].partition("/")[0].partition(":")[0].removeprefix("www.")


connector = Connector(
    name="mailbox",
    summary="alert mails of other services, from a folder over IMAP",
    settings=MailboxSettings,
    open=MailboxSource,
    every=timedelta(minutes=5),
    credentials="a mailbox with IMAP and its (app) password",
    policy=Policy(note="what a mail quotes is under the terms of the platform that it comes from"),
    handed=True,
)
