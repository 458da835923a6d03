"""Only public hosts are asked, and those the configuration lists; and what is connected to is what was judged."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from ipaddress import ip_address

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.addresses import Guard, NotPublic, parse_intranet, why_not_public
from connectors.base import AccessDenied, Unavailable
from connectors.http import Client
from connectors.transport import JudgedTransport
from tests.fakes.http import Asked, FakeServer, Reply

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)

PUBLIC = ["93.184.215.14", "9.9.9.9", "100.63.255.255", "100.128.0.0", "2606:2800:21f:cb07::1", "2a00:1450:4007::1"]
PUBLIC_INSIDE = ["::ffff:9.9.9.9", "64:ff9b::9.9.9.9", "2002:909:909::1"]
NOT_PUBLIC = {
    "0.0.0.0": "unspecified",
    "0.1.2.3": "private",
    "10.0.0.1": "private",
    "100.64.0.1": "carrier-grade NAT",
    "100.127.255.255": "carrier-grade NAT",
    "127.0.0.1": "loopback",
    "127.8.9.1": "loopback",
    "169.254.169.254": "link-local",
    "172.16.0.1": "private",
    "172.31.255.255": "private",
    "192.0.2.1": "private",
    "192.88.99.1": "private",
    "192.168.1.1": "private",
    "198.18.0.1": "private",
    "224.0.0.1": "multicast",
    "240.0.0.1": "reserved",
    "255.255.255.255": "reserved",
    "::": "unspecified",
    "::1": "loopback",
    "::127.0.0.1": "reserved",
    "::ffff:127.0.0.1": "loopback",
    "::ffff:169.254.169.254": "link-local",
    "64:ff9b::10.0.0.1": "private",
    "64:ff9b::a9fe:a9fe": "link-local",
    "64:ff9b:1::1": "private",
    "100::1": "private",
    "2001::1": "private",  # Teredo
    "2001:db8::1": "private",
    "2002:7f00:1::1": "loopback",  # 6to4 of 127.0.0.1
    "2002:c0a8:101::1": "private",
    "3fff::1": "private",
    "fc00::1": "private",
    "fd12:3456::1": "private",
    "fe80::1": "link-local",
    "fe80::1%eth0": "link-local",
    "fec0::1": "reserved",  # site-local, once
    "ff02::1": "multicast",
}


@pytest.mark.parametrize("address", PUBLIC + PUBLIC_INSIDE)
def test_public_addresses_are_public(address: str) -> None:
    assert why_not_public(ip_address(address)) == ""
    assert Guard((), lambda host, port: [address]).addresses("forum.example", 443) == [str(ip_address(address))]


@pytest.mark.parametrize(("address", "kind"), NOT_PUBLIC.items())
def test_what_is_not_public_is_refused_with_its_kind_and_the_key_to_set(address: str, kind: str) -> None:
    with pytest.raises(NotPublic) as caught:
        Guard((), lambda host, port: [address]).addresses("forum.example", 443)
    assert str(caught.value).startswith(
        f"forum.example leads to {ip_address(address)}, an address that is not public ("
    )
    assert '[listener] intranet = ["forum.example"]' in str(caught.value)
    assert why_not_public(ip_address(address)) in {kind, "private", "reserved"}  # Pythons differ in the last two
    assert (why_not_public(ip_address(address)) == kind) or kind in {"private", "reserved"}


@given(st.ip_addresses(v=4))
def test_no_ipv4_address_is_judged_otherwise_when_ipv6_carries_it(address: object) -> None:
    plain = why_not_public(ip_address(str(address)))
    assert why_not_public(ip_address(f"::ffff:{address}")) == plain
    assert why_not_public(ip_address(f"64:ff9b::{address}")) == plain


def test_of_several_addresses_only_the_public_ones_are_connected_to() -> None:
    guard = Guard((), lambda host, port: ["10.0.0.1", "9.9.9.9", "::1"])
    assert guard.addresses("forum.example", 443) == ["9.9.9.9"]


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1", "0x7f.1", "2130706433", "0177.0.0.1", "localhost", "::1"])
def test_every_way_to_write_this_machine_is_this_machine(host: str) -> None:
    try:
        with pytest.raises(NotPublic):
            Guard().addresses(host, 80)
    except OSError:
        pytest.skip("the system does not resolve this")


@pytest.mark.parametrize(
    ("intranet", "host", "address"),
    [
        ("forum.corp.example", "forum.corp.example", "10.0.0.1"),
        ("Forum.Corp.Example.", "FORUM.corp.example", "10.0.0.1"),
        ("*.corp.example", "a.b.corp.example", "10.0.0.1"),
        ("10.0.0.0/8", "forum.example", "10.1.2.3"),
        ("10.0.0.0/8", "forum.example", "::ffff:10.1.2.3"),
        ("10.0.0.0/8", "forum.example", "64:ff9b::10.1.2.3"),
        ("10.1.2.3", "10.1.2.3", "10.1.2.3"),
        ("fd00::/8", "fd12::1", "fd12::1"),
    ],
)
def test_what_the_configuration_lists_is_asked(intranet: str, host: str, address: str) -> None:
    assert Guard((intranet,), lambda host, port: [address]).addresses(host, 443) == [str(ip_address(address))]


@pytest.mark.parametrize(
    ("intranet", "host", "address"),
    [
        ("forum.corp.example", "xforum.corp.example", "10.0.0.1"),
        ("forum.corp.example", "forum.corp.example.evil.example", "10.0.0.1"),
        ("*.corp.example", "corp.example", "10.0.0.1"),
        ("*.corp.example", "evilcorp.example", "10.0.0.1"),
        ("10.0.0.0/8", "forum.example", "192.168.0.1"),
        ("10.0.0.0/8", "forum.example", "::ffff:192.168.0.1"),
    ],
)
def test_what_is_listed_opens_nothing_else(intranet: str, host: str, address: str) -> None:
    with pytest.raises(NotPublic):
        Guard((intranet,), lambda host, port: [address]).addresses(host, 443)


@pytest.mark.parametrize(
    "said", ["", "https://a.example", "a.example:80", "a b", "*", "*.*.example", "a..b", "10.0.0", "a/8"]
)
def test_what_is_no_host_or_network_is_refused(said: str) -> None:
    with pytest.raises(ValueError, match="is neither a host nor a network; write"):
        parse_intranet(said)


def test_a_network_with_too_many_bits_is_shown_as_it_should_be() -> None:
    with pytest.raises(ValueError, match=r'did you mean "10\.20\.0\.0/16"'):
        parse_intranet("10.20.0.7/16")


@given(st.text(max_size=40))
def test_no_line_makes_the_reader_crash(said: str) -> None:
    try:
        Guard((said,), lambda host, port: ["10.0.0.1"])
    except ValueError as error:
        told = str(error)
    else:
        told = "write nothing else"
    assert "write" in told or "did you mean" in told


class Crossing(FakeServer):
    """Sends its visitors elsewhere."""

    elsewhere = ""

    def answer(self, asked: Asked) -> Reply:
        if asked.path == "/away":
            return Reply(302, b"", {"Location": self.elsewhere})
        return Reply.json({"ok": True})


@pytest.mark.parametrize(
    "elsewhere", ["http://127.0.0.2:{port}/", "http://10.255.255.1/x", "http://[::1]/", "http://0/"]
)
def test_a_redirect_into_the_own_network_is_refused_and_named(elsewhere: str) -> None:
    with Crossing().start() as fake:
        fake.elsewhere = elsewhere.format(port=fake.url.rpartition(":")[2])
        with closing(Client("The site", fake.url, "t", 30, intranet=("127.0.0.1",))) as one:
            with pytest.raises(AccessDenied, match="The site redirects to another host: ") as caught:
                one.get("/away", NOW)
            assert one.json("/", NOW) == {"ok": True}
    assert "intranet" in str(caught.value)
    assert [asked.path for asked in fake.asked] == ["/away", "/"]


def test_no_credential_goes_along_with_a_redirect_to_another_host() -> None:
    with Crossing().start() as home, Crossing().start() as other:
        home.elsewhere = other.url
        secret = {"X-Api-Key": "s3cret", "Authorization": "Bearer s3cret"}
        with closing(Client("The site", home.url, "t", 30, headers=secret, intranet=("127.0.0.0/8",))) as one:
            one.get("/away", NOW)
            one.get("/", NOW)
    for asked in home.asked:
        assert (asked.headers["x-api-key"], asked.headers["authorization"]) == ("s3cret", "Bearer s3cret")
    assert not {"x-api-key", "authorization"} & set(other.asked[0].headers)


def test_a_host_that_cannot_be_resolved_is_unavailable() -> None:
    for host in ("no-such-host.invalid", "x" * 80 + ".example"):
        with closing(Client("The site", f"http://{host}", "t", 30)) as one, pytest.raises(Unavailable):
            one.get("/", NOW)


def resolving(*answers: str) -> tuple[Callable[[str, int], list[str]], list[str]]:
    """A resolver whose answer changes with every question, and what it was asked."""
    asked: list[str] = []

    def resolve(host: str, port: int) -> list[str]:
        asked.append(host)
        return [answers[min(len(asked), len(answers)) - 1]]

    return resolve, asked


def test_what_was_judged_is_what_is_connected_to_and_the_host_keeps_its_name() -> None:
    resolve, questions = resolving("127.0.0.1", "192.0.2.1")
    with Crossing().start() as fake:
        port = fake.url.rpartition(":")[2]
        transport = JudgedTransport(Guard(("forum.example",), resolve))
        with httpx.Client(transport=transport) as client:
            for _ in range(3):
                assert client.get(f"http://forum.example:{port}/").json() == {"ok": True}
    assert questions == ["forum.example"]  # once for the connection, which is kept
    assert [asked.headers["host"] for asked in fake.asked] == [f"forum.example:{port}"] * 3


def test_a_name_that_moves_into_the_own_network_is_refused_at_its_next_connection() -> None:
    resolve, _ = resolving("127.0.0.1", "127.0.0.2")
    with Crossing().start() as fake:
        port = fake.url.rpartition(":")[2]
        transport = JudgedTransport(Guard(("127.0.0.1",), resolve))
        with httpx.Client(transport=transport, headers={"Connection": "close"}) as client:
            client.get(f"http://forum.example:{port}/")
            with pytest.raises(NotPublic):
                client.get(f"http://forum.example:{port}/")
    assert len(fake.asked) == 1


def test_tls_is_begun_with_the_name_of_the_host() -> None:
    heard: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def hear() -> None:
            connection, _ = server.accept()
            with connection:
                heard.append(connection.recv(4096))

        ear = threading.Thread(target=hear)
        ear.start()
        transport = JudgedTransport(Guard(("127.0.0.0/8",), lambda host, port: ["127.0.0.1"]))
        with httpx.Client(transport=transport) as client, pytest.raises(httpx.ConnectError):
            client.get(f"https://forum.example:{server.getsockname()[1]}/")
        ear.join()
    assert b"forum.example" in heard[0]


def test_the_next_address_is_tried_where_one_does_not_answer() -> None:
    with Crossing().start() as fake:
        port = fake.url.rpartition(":")[2]
        guard = Guard(("127.0.0.0/8",), lambda host, port: ["127.0.0.9", "127.0.0.1"])
        with httpx.Client(transport=JudgedTransport(guard)) as client:
            assert client.get(f"http://forum.example:{port}/").json() == {"ok": True}
        with guard.connect("forum.example", int(port), 30) as connected:
            assert connected.getpeername()[0] == "127.0.0.1"
        with pytest.raises(OSError):
            guard.connect("forum.example", 1, 30)


def test_behind_a_proxy_hosts_are_judged_before_they_are_asked_and_the_proxy_finds_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def resolve(host: str, port: int) -> list[str]:
        if host == "far.example":
            raise OSError("only the proxy knows it")
        return [{"wiki.example": "10.0.0.1", "public.example": "9.9.9.9"}.get(host, host)]

    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with Crossing().start() as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        with httpx.Client(transport=JudgedTransport(Guard((), resolve))) as client:
            for host in ("public.example", "far.example"):
                assert client.get(f"http://{host}/").json() == {"ok": True}
            for host in ("wiki.example", "10.0.0.7", "127.0.0.1", "169.254.169.254"):
                with pytest.raises(NotPublic):
                    client.get(f"http://{host}/")
    assert [asked.headers["host"] for asked in proxy.asked] == ["public.example", "far.example"]


def test_a_proxy_that_cannot_be_used_is_said_without_its_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "gopher://me:hunter2@proxy.example")
    one = Client("The site", "http://public.example", "t", 30)
    with closing(one), pytest.raises(AccessDenied, match="http_proxy") as caught:
        one.get("/", NOW)
    assert "hunter2" not in str(caught.value)
