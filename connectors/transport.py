"""How `connectors.http` connects: to the very address that `connectors.addresses` judged, at every redirect anew.

httpcore's `network_backend` is the seam: it is asked for a connection to a host and a port, and hands back a stream;
TLS is begun on that stream with the host's name, so certificates, SNI and the Host header stay what they were. Kept
connections lead where they led when they were made. A host is resolved once per connection, not per request.

Behind a proxy of the environment (HTTP_PROXY, HTTPS_PROXY, ALL_PROXY, NO_PROXY) it is the proxy that resolves and
connects. Then a host is judged before it is asked, as this machine resolves it, and what cannot be resolved here is left
to the proxy, whose own rules must keep it out of the network. Loopback is always asked directly.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any
from urllib.request import getproxies, proxy_bypass

import httpcore
import httpx

from connectors.addresses import Guard
from connectors.base import AccessDenied

KEPT = 5.0  # seconds that an idle connection is kept, as httpx does; the next poll resolves anew

Option = tuple[int, int, int] | tuple[int, int, bytes | bytearray] | tuple[int, int, None, int]


@cache
def trusted() -> ssl.SSLContext:
    """Whose certificates are believed, read once: every client that reads them anew takes 20 ms and nearly a megabyte."""
    return httpx.create_ssl_context()


class JudgedBackend(httpcore.NetworkBackend):
    """Connects to addresses that the guard allows, as httpcore's own backend does."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard
        self._sockets = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Option] | None = None,
    ) -> httpcore.NetworkStream:
        """A stream to the first allowed address that answers. Raises `NotPublic` and httpcore's errors."""
        try:
            addresses = self._guard.addresses(host, port)
        except OSError as error:
            raise httpcore.ConnectError(str(error)) from error
        failed: Exception = httpcore.ConnectError("the host has no address")
        options = list(socket_options or ())
        for address in addresses:
            try:
                return self._sockets.connect_tcp(address, port, timeout, local_address, options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failed = error
        raise failed


class JudgedTransport(httpx.BaseTransport):
    """What `httpx.Client(transport=…)` takes. Opens sockets at the first request."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard
        self._proxies = getproxies()
        self._direct: httpcore.ConnectionPool | None = None
        self._proxied: dict[str, httpx.HTTPTransport] = {}

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """One hop. Raises `AccessDenied` for a host that may not be asked, and httpx's errors."""
        proxy = self._proxy(request.url)
        if proxy is not None:
            self._judge(request.url)
            return proxy.handle_request(request)
        if self._direct is None:
            self._direct = httpcore.ConnectionPool(
                ssl_context=trusted(),
                keepalive_expiry=KEPT,
                network_backend=JudgedBackend(self._guard),
            )
        asked = httpcore.Request(
            method=request.method,
            url=httpcore.URL(
                scheme=request.url.raw_scheme,
                host=request.url.raw_host,
                port=request.url.port,
                target=request.url.raw_path,
            ),
            headers=request.headers.raw,
            content=request.stream,
            extensions=request.extensions,
        )
        with _as_httpx():
            answer = self._direct.handle_request(asked)
        return httpx.Response(
            answer.status, headers=answer.headers, stream=_Stream(answer.stream), extensions=answer.extensions
        )

    def close(self) -> None:
        """Release sockets."""
        if self._direct is not None:
            self._direct.close()
        for transport in self._proxied.values():
            transport.close()

    def _proxy(self, url: httpx.URL) -> httpx.HTTPTransport | None:
        address = self._proxies.get(url.scheme) or self._proxies.get("all")
        if not address or proxy_bypass(url.host) or _is_loopback(url.host):
            return None
        if address not in self._proxied:
            try:
                self._proxied[address] = httpx.HTTPTransport(
                    proxy=address if "://" in address else f"http://{address}", verify=trusted()
                )
            except (ValueError, ImportError, httpx.InvalidURL):
                raise AccessDenied(
                    f"the proxy for {url.host} that the environment names ({url.scheme}_proxy or all_proxy) cannot be"
                    " used; write http://HOST:PORT, or exempt the host with no_proxy"
                ) from None
        return self._proxied[address]

    def _judge(self, url: httpx.URL) -> None:
        try:
            self._guard.addresses(url.host, url.port or 0)
        except OSError:
            return  # only the proxy can resolve it


class _Stream(httpx.SyncByteStream):
    """httpcore's body, with httpx's errors."""

    def __init__(self, body: Any) -> None:
        self._body = body

    def __iter__(self) -> Iterator[bytes]:
        with _as_httpx():
            yield from self._body

    def close(self) -> None:
        self._body.close()


@contextmanager
def _as_httpx() -> Iterator[None]:
    """httpcore's errors as httpx's, which have the same names."""
    try:
        yield
    except (
        httpcore.NetworkError,
        httpcore.TimeoutException,
        httpcore.ProtocolError,
        httpcore.UnsupportedProtocol,
        httpcore.ConnectionNotAvailable,
    ) as error:
        kind = getattr(httpx, type(error).__name__, httpx.TransportError)
        raise kind(str(error)) from error


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return socket.inet_pton(socket.AF_INET, host)[0] == 127
    except OSError:
        return host == "::1"
