"""The mailbox: the contract with a mail server, what mails say, and mails that mean harm."""

from __future__ import annotations

import shutil
import ssl
import subprocess
import time
from contextlib import closing
from datetime import datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from connectors.base import (
    AccessDenied,
    ConnectorError,
    Gone,
    Malformed,
    Mention,
    RateLimited,
    Source,
    SourceContext,
    Unavailable,
)
from connectors.contract import FAULTS, START, ConnectorContract, Stored, check_mention
from connectors.imap import utf7
from connectors.mail import blocks, link_to, read_mail
from connectors.mailbox import GOOGLE_ALERTS, MailboxSettings, connector
from tests.fakes.imap import PASSWORD, USER, FakeImap

CONTEXT = SourceContext("alerts", (), "listener-tests")


@pytest.fixture
def password(tmp_path: Path) -> Path:
    path = tmp_path / "password"
    path.write_text(PASSWORD)
    return path


def open_source(fake: FakeImap, password: Path, **more: Any) -> Source:
    keys: dict[str, Any] = {
        "host": "127.0.0.1",
        "port": fake.port,
        "user": USER,
        "password_file": str(password),
        "tls": False,
    }
    return connector.open(MailboxSettings(**(keys | more)), CONTEXT)


def letter(text: str = "Acme never answers", **headers: str) -> bytes:
    mail = EmailMessage()
    named = {
        "From": "Reviews <noreply@reviews.example>",
        "Subject": "A new review",
        "Message-ID": "<1@reviews.example>",
    }
    for name, value in (named | {name.replace("_", "-"): value for name, value in headers.items()}).items():
        mail[name] = value
    mail.set_content(text)
    return bytes(mail)


def read(fake: FakeImap, password: Path, **more: Any) -> list[Mention]:
    with closing(open_source(fake, password, **more)) as source:
        stored = Stored()
        stored.poll(source, START)
        return list(stored.mentions.values())


def only(raw: bytes, password: Path, **more: Any) -> Mention:
    with FakeImap().start() as fake:
        fake.deliver(raw, START)
        [found] = read(fake, password, **more)
    check_mention(found)
    return found


class TestContract(ConnectorContract):
    """Faults are those of mail servers under the contract's names (tests/fakes/imap.py); none of them sells credits (402)."""

    faults: ClassVar[dict[str, type[ConnectorError]]] = {
        **{kind: error for kind, error in FAULTS.items() if kind != "402"},
        "bye": Unavailable,
        "no-folder": Gone,
        "bad": Malformed,
        "huge": Malformed,
        "endless": Malformed,
    }

    @pytest.fixture(autouse=True)
    def _password(self, tmp_path_factory: pytest.TempPathFactory) -> None:
        type(self).password = tmp_path_factory.mktemp("mailbox") / "password"
        type(self).password.write_text(PASSWORD)

    password: ClassVar[Path]

    def fake(self) -> FakeImap:
        return FakeImap().start()

    def open(self, fake: FakeImap) -> Source:
        return open_source(fake, self.password, page_size=4, page_cap=3, timeout=self.timeout)

    def open_with_secrets(self, fake: FakeImap, folder: Path) -> Source:
        (folder / "password").write_text(PASSWORD)
        return open_source(fake, folder / "password", timeout=self.timeout)

    def publish(self, fake: FakeImap, at: datetime) -> str:
        return self.publish_text(fake, at, "Acme is fine")

    def publish_text(self, fake: FakeImap, at: datetime, text: str) -> str:
        with fake.lock:
            one = f"{fake.deliver(b'', at)}@reviews.example"
            raw = letter(text.encode(errors="replace").decode(), Message_ID=f"<{one}>")
            fake.mails[-1].raw = raw
        return one

    def delete(self, fake: FakeImap, external_id: str) -> None:
        fake.expunge(int(external_id.partition("@")[0]))

    def edit(self, fake: FakeImap, external_id: str) -> None:
        """Mails do not change; another of the same Message-ID may come."""
        fake.deliver(letter("Acme, edited", Message_ID=f"<{external_id}>"), START)


# Reading a folder


def test_a_mail_is_a_mention(password: Path) -> None:
    found = only(
        letter("Pessimo.\n\nhttps://reviews.example/r/17?a=1", Subject="Acme: 1 stella"),
        password,
        platform="Trustpilot",
    )
    assert (found.platform, found.external_id, found.title) == ("trustpilot", "1@reviews.example", "Acme: 1 stella")
    assert found.text.startswith("Pessimo.")
    assert (found.author.id, found.author.name, found.published_at) == ("", "Reviews", START)
    assert found.url == ""
    assert (
        only(letter("https://reviews.example/r/17?a=1."), password, link="reviews.example").url
        == "https://reviews.example/r/17?a=1"
    )


def test_only_mails_of_the_senders_are_read(password: Path) -> None:
    with FakeImap().start() as fake:
        for number, address in enumerate(
            ["a@shop.example", "b@mail.shop.example", "c@notshop.example", "D@One.example"]
        ):
            fake.deliver(letter(From=f"Someone <{address}>", Message_ID=f"<{number}@x>"), START)
        senders = ("shop.example", "d@one.example")
        assert [one.external_id for one in read(fake, password, senders=senders)] == ["0@x", "1@x", "3@x"]
        assert len(read(fake, password)) == 4


def test_nothing_is_marked_unless_asked_for_and_then_only_what_was_stored(password: Path) -> None:
    with FakeImap().start() as fake:
        uids = [
            fake.deliver(letter(From=f"a@{host}", Message_ID=f"<{host}>"), START)
            for host in ("in.example", "out.example")
        ]
        read(fake, password)
        assert not any(one.flags for one in fake.mails)
        assert not [line for line in fake.asked if line.startswith(("SELECT", "UID STORE"))]
        with closing(open_source(fake, password, senders=("in.example",), mark_seen=True)) as source:
            next(iter(source.poll(None, START)))
            assert not any(one.flags for one in fake.mails)  # the page was read; whether it was stored nobody knows
            list(source.poll(None, START))
        assert [one.uid for one in fake.mails if "\\Seen" in one.flags] == uids[:1]
        fake.read_only = True
        with pytest.raises(AccessDenied, match="mark_seen"):
            read(fake, password, mark_seen=True)


def test_a_server_that_lost_its_numbers_is_read_again_without_losing_a_mail(password: Path) -> None:
    with FakeImap().start() as fake, closing(open_source(fake, password, page_size=2, page_cap=2)) as source:
        stored = Stored()
        for number in range(9):
            fake.deliver(letter(Message_ID=f"<{number}@x>"), START - timedelta(days=6))
        stored.poll(source, START)
        assert [gap.reason for gap in stored.gaps] == ["page-cap"]
        for uid in (1, 3):
            fake.expunge(uid)
        fake.renumber()
        fake.deliver(letter(Message_ID="<new@x>"), START)
        for n in range(5):
            stored.poll(source, START + timedelta(days=n))
        assert set(stored.mentions) == {*(f"{number}@x" for number in range(9)), "new@x"}
        assert stored.gaps == ()


def test_a_gap_closes_when_the_mails_in_it_are_deleted(password: Path) -> None:
    with FakeImap().start() as fake, closing(open_source(fake, password, page_size=1, page_cap=1)) as source:
        stored = Stored()
        for number in range(2):
            fake.deliver(letter(Message_ID=f"<{number}@x>"), START)
        stored.poll(source, START)
        assert stored.gaps
        fake.expunge(2)
        stored.poll(source, START)
        assert stored.gaps == ()
        assert list(source.poll(stored.cursor, START)) == []


def test_the_first_poll_reads_as_far_back_as_history_says(password: Path) -> None:
    with FakeImap().start() as fake:
        fake.deliver(letter(Message_ID="<old@x>"), START - timedelta(days=20))
        fake.deliver(letter(Message_ID="<new@x>"), START - timedelta(days=2))
        assert [one.external_id for one in read(fake, password)] == ["new@x"]
        assert len(read(fake, password, history=timedelta(days=30))) == 2


@pytest.mark.parametrize(
    ("name", "written"), [("Boîte & co", "Bo&AO4-te &- co"), ("INBOX/受信", "INBOX/&U9dP4Q-"), ('a"b', 'a"b')]
)
def test_folders_of_any_name_are_found(password: Path, name: str, written: str) -> None:
    assert utf7(name) == written
    with FakeImap(written.replace('"', '\\"')).start() as fake:
        fake.deliver(letter(), START)
        assert len(read(fake, password, folder=name)) == 1


def test_a_password_beyond_ascii_signs_in(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("pässwörd\n")
    with FakeImap().start() as fake:
        fake.password = "pässwörd"
        fake.deliver(letter(), START)
        assert len(read(fake, tmp_path / "password")) == 1


def test_short_bodies_may_come_as_quoted_strings(password: Path) -> None:
    with FakeImap().start() as fake:
        fake.body_form = "quoted"
        for number in range(3):
            fake.deliver(b"Subject: short %d" % number, START)
        assert {one.title for one in read(fake, password)} == {"short 0", "short 1", "short 2"}


def test_a_large_mail_is_cut_and_its_text_is_read(password: Path) -> None:
    mail = EmailMessage()
    mail["From"], mail["Subject"] = "a@x.example", "with a film"
    mail.set_content("Acme, look at this")
    mail.add_attachment(b"x" * 3_000_000, maintype="video", subtype="mp4", filename="a.mp4")
    found = only(bytes(mail), password, size_limit=50_000)
    assert found.text == "Acme, look at this"


def test_the_password_is_in_no_message_and_no_server_word_either(password: Path) -> None:
    password.write_text("wrong secret")
    with FakeImap().start() as fake, pytest.raises(AccessDenied) as caught:
        read(fake, password)
    assert "AUTHENTICATIONFAILED" in str(caught.value)
    assert "wrong secret" not in str(caught.value)
    with FakeImap().start() as fake:
        port = fake.port
        fake.stop()
        with pytest.raises(Unavailable, match="broke off while connecting"):
            list(connector.open(_settings(port, password), CONTEXT).poll(None, START))


def _settings(port: int, password: Path) -> MailboxSettings:
    return MailboxSettings(host="127.0.0.1", port=port, user=USER, password_file=str(password), tls=False)


def test_a_wait_that_exchange_names_is_kept(password: Path) -> None:
    with FakeImap().start() as fake:
        fake.fail_next("429")
        with pytest.raises(RateLimited) as caught:
            read(fake, password)
    assert caught.value.retry_at == START + timedelta(seconds=30)


def test_a_host_that_is_none_is_said_so(password: Path) -> None:
    with FakeImap().start() as fake, pytest.raises(Unavailable, match="not known to the name service"):
        read(fake, password, host="a" * 70 + ".example", tls=True)


@pytest.mark.parametrize("host", ["imap.example.org", "192.0.2.1", "127.0.0.1.example.org"])
def test_without_tls_only_this_machine_is_asked(host: str) -> None:
    with pytest.raises(ValidationError, match="loopback only"):
        MailboxSettings(host=host, user=USER, password_env="A", tls=False)
    for own in ("127.0.0.1", "::1", "localhost"):
        MailboxSettings(host=own, user=USER, password_env="A", tls=False)


def test_a_mailbox_needs_its_password_once() -> None:
    for keys in ({}, {"password_env": "A", "password_file": "b"}):
        with pytest.raises(ValidationError, match="needs its password"):
            MailboxSettings(host="a.example", user=USER, **keys)  # type: ignore[arg-type]


# TLS


def test_a_server_is_believed_only_with_a_certificate_that_is_trusted(password: Path, tmp_path: Path) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("needs openssl")
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    made += [
        "-addext",
        "subjectAltName=DNS:localhost",
        "-keyout",
        str(tmp_path / "key"),
        "-out",
        str(tmp_path / "cert"),
    ]
    subprocess.run(made, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert", tmp_path / "key")
    with FakeImap(context=context).start() as fake:
        fake.deliver(letter(), START)
        keys = {"tls": True, "certificates": tmp_path / "cert"}
        assert len(read(fake, password, host="localhost", **keys)) == 1
        with pytest.raises(Unavailable, match="certificate that cannot be verified"):
            read(fake, password, **keys)  # the certificate is another host's
        with pytest.raises(Unavailable, match="certificate that cannot be verified"):
            read(fake, password, host="localhost", tls=True)
    with FakeImap().start() as fake, pytest.raises(Unavailable, match="does not speak TLS"):
        read(fake, password, tls=True)
    with FakeImap().start() as fake, pytest.raises(AccessDenied, match="certificates"):
        read(fake, password, tls=True, certificates=tmp_path / "none")


# What mails say


ALERT = """<html><body><table><tr><td>
<a href="https://www.google.com/url?rct=j&amp;sa=t&amp;url=https://blog.example/acme%3Futm_source%3Dx&amp;ct=ga&amp;cd=1&amp;usg=A"><img src="a"></a>
<a class="t" href="https://www.google.com/url?rct=j&amp;sa=t&amp;url=https://blog.example/acme%3Futm_source%3Dx&amp;ct=ga&amp;cd=1"><span><b>Acme</b> breaks down</span></a>
<div>Blog</div><div>The kettle of <b>Acme</b> leaks &amp; nobody answers&nbsp;...</div>
<a href="https://www.google.com/alerts/share?hl=en&amp;u=https://blog.example/acme"><img alt="Facebook"></a>
<a href="https://www.google.com/alerts/feedback?ffu=x">Flag as irrelevant</a>
<a href="https://www.google.fr/url?url=https://news.example/2&amp;ct=ga">Second story</a><div>More on Acme.</div>
<a href="https://www.google.com/url?url=javascript:alert(1)">Bad</a>
<a href="https://www.google.com/alerts/remove?x">Unsubscribe</a>
</td></tr></table></body></html>"""


def test_each_link_of_a_google_alert_is_a_mention(password: Path) -> None:
    mail = EmailMessage()
    mail["From"], mail["Subject"] = f"Google Alerts <{GOOGLE_ALERTS}>", "Google Alert - Acme"
    mail.set_content("plain version")
    mail.add_alternative(ALERT, subtype="html")
    with FakeImap().start() as fake:
        fake.deliver(bytes(mail), START)
        fake.deliver(letter("No link at all", From=GOOGLE_ALERTS), START)
        first, second, whole = read(fake, password)
    assert (first.platform, first.external_id, first.title) == (
        "google_alerts",
        "https://blog.example/acme",
        "Acme breaks down",
    )
    assert first.text == "Blog\nThe kettle of Acme leaks & nobody answers\u00a0..."
    assert (first.url, first.author.name) == ("https://blog.example/acme?utm_source=x", "blog.example")
    assert (second.title, second.text, second.external_id) == (
        "Second story",
        "More on Acme.",
        "https://news.example/2",
    )
    assert whole.text == "No link at all"


def test_html_only_mails_and_encoded_headers_are_read(password: Path) -> None:
    raw = (
        b"From: =?utf-8?q?Caf=C3=A9?= <A@X.example>\r\nSubject: =?iso-8859-1?b?UultaQ==?= ok\r\nMIME-Version: 1.0\r\n"
        b"Content-Type: text/html; charset=windows-1252\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
        b"<style>p{}</style><p>Voil=E0 <b>Acme</b></p><script>x</script>\r\n"
    )
    found = only(raw, password)
    assert (found.author.name, found.title, found.text) == ("Café", "Rémi ok", "Voilà Acme")


def test_the_link_of_a_host_is_not_one_of_a_lookalike() -> None:
    mail = read_mail(
        b"Content-Type: text/html\r\n\r\n<a href='https://reviews.example.evil/1'>a</a> <a href=\"https://m.reviews.example/2?a=1&amp;b=2\">b</a>"
    )
    assert link_to(mail, "reviews.example") == "https://m.reviews.example/2?a=1&b=2"
    assert link_to(mail, "other.example") == ""


# Mails that mean harm


def nested(depth: int) -> bytes:
    head = b"".join(b'Content-Type: multipart/mixed; boundary="b%d"\r\n\r\n--b%d\r\n' % (n, n) for n in range(depth))
    return b"From: a@x.example\r\nSubject: deep\r\n" + head + b"\r\n\r\ntext"


HOSTILE = {
    "empty": b"",
    "no head": b"\r\n\r\nonly text",
    "deep": nested(30),
    "deeper": nested(2_000),
    "mails in mails": b"Subject: s\r\n" + b"Content-Type: message/rfc822\r\n\r\n" * 3_000,
    "many parts": b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n' + b"--b\r\n\r\nx\r\n" * 100_000,
    "no charset": b"Content-Type: text/plain; charset=klingon\r\n\r\ntext \xe9",
    "a codec": b"Content-Type: text/plain; charset=zlib\r\n\r\ntext",
    "punycode": b"Content-Type: text/plain; charset=punycode\r\n\r\n" + b"a-" * 200_000,
    "idna": b"Content-Type: text/plain; charset=idna\r\n\r\n" + b"xn--a." * 80_000,
    "bad base64": b"Content-Transfer-Encoding: base64\r\n\r\n!!!=\xff===a",
    "bad uuencode": b"Content-Transfer-Encoding: x-uuencode\r\n\r\nbegin 644 \xff\nM\xff\xff\n",
    "bad words": b"Subject: =?utf-8?b?!!!?= =?x?q?=ZZ?= =?utf-8?b?gICA?=\r\nFrom: =?punycode?q?a?= <\xff@\xfe>\r\n\r\n",
    "long subject": b"Subject: " + b"=?utf-8?q?a?= " * 30_000 + b"\r\n\r\nx",
    "long sender": b"From: " + b"(" * 200_000 + b"\r\n\r\nx",
    "many senders": b"From: " + b"a@x.example," * 40_000 + b"\r\n\r\nx",
    "parameters": b"Content-Type: text/plain; " + b"a*0*=''; " * 40_000 + b"\r\n\r\nx",
    "bad date": b"Date: Mon, 99 Foo 99999 99:99:99 +9999999\r\n\r\nx",
    "controls": b"Subject: a\x00\x1b[2J\r\nMessage-ID: <\x00 \r\n x>\r\n\r\n\x00\x07text\xed\xa0\x80",
    "tags": b"Content-Type: text/html\r\n\r\n" + b"<a " * 150_000,
    "links": b"Content-Type: text/html\r\nFrom: googlealerts-noreply@google.com\r\n\r\n"
    + b'<a href="https://www.google.com/url?url=https://x.example/' * 8_000,
    "open links": b"Content-Type: text/html\r\nFrom: googlealerts-noreply@google.com\r\n\r\n<a "
    + b'href="https://www.google.com/url?' * 15_000,
}  # fmt: skip


@pytest.mark.parametrize("raw", HOSTILE.values(), ids=list(HOSTILE))
def test_a_hostile_mail_is_read_quickly_and_stops_nobody(password: Path, raw: bytes) -> None:
    begun = time.perf_counter()
    mail = read_mail(raw[: 512 * 1024])
    list(blocks(mail.html))
    link_to(mail, "x.example")
    assert time.perf_counter() - begun < 3
    with FakeImap().start() as fake:
        fake.deliver(raw, START)
        fake.deliver(letter(Message_ID="<good@x>"), START)
        found = {one.external_id: one for one in read(fake, password)}
    assert "good@x" in found
    for one in found.values():
        check_mention(one)


PIECES = st.sampled_from([
    b"Content-Type: ", b"multipart/mixed", b"message/rfc822", b"text/html", b"text/plain", b"; ", b"boundary=", b'"b"', b"--b", b"--b--",
    b"\r\n", b"\r\n\r\n", b"\n", b"Content-Transfer-Encoding: ", b"base64", b"quoted-printable", b"=?utf-8?b?", b"?=", b"charset=", b"utf-16",
    b"Content-Disposition: ", b"attachment", b"filename*0*=", b"From: ", b"<", b">", b"@", b",", b"Subject: ", b"Date: ", b"Message-ID: ", b"(",
]) | st.binary(max_size=4)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(pieces=st.lists(PIECES, max_size=40))
def test_no_mail_makes_the_reader_crash(pieces: list[bytes]) -> None:
    mail = read_mail(b"".join(pieces))
    assert mail.text.strip()
    assert mail.id
    list(blocks(mail.html))
    for said in (mail.id, mail.name, mail.address, mail.subject, mail.text):
        said.encode()
