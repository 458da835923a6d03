"""The ears that listen for secrets hear them in every form and place; and no connector that takes a secret is left out."""

from __future__ import annotations

import base64
import importlib.util
import logging
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from urllib.parse import quote, quote_plus, urlencode

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from connectors.contract import ConnectorContract
from connectors.leaks import Ears, forms
from listener.plugins import connectors
from tests.fakes.inbound import FakeSender

SECRET = "s3cret+of=the/tests ü"
# What has no contract class of its own, because it is another way into the same source, or a way out; and the test that hears it.
ELSEWHERE = {
    ("inbound", "token"): "tests/connectors/test_leaks.py",
    ("bluesky", "reply_password"): "tests/connectors/test_bluesky_replies.py",
    ("mastodon", "reply_token"): "tests/connectors/test_mastodon_replies.py",
    ("reddit", "reply_token"): "tests/connectors/test_reddit_replies.py",
    ("x", "reply_consumer_key"): "tests/connectors/test_x_replies.py",
    ("x", "reply_consumer_secret"): "tests/connectors/test_x_replies.py",
    ("x", "reply_access_token"): "tests/connectors/test_x_replies.py",
    ("x", "reply_access_token_secret"): "tests/connectors/test_x_replies.py",
}


@pytest.mark.parametrize(
    "said",
    [
        SECRET,
        f"Bearer {SECRET}!",
        "https://x.example/feed?" + urlencode({"feed": SECRET, "user": "me"}),
        f"https://x.example/{quote(SECRET)}",
        quote_plus(SECRET),
        *(base64.b64encode(f"{'u' * n}:{SECRET}:more".encode()).decode() for n in range(1, 5)),
        base64.urlsafe_b64encode(f"u:{SECRET}".encode()).decode(),
    ],
)
def test_a_secret_is_heard_in_every_form(said: str) -> None:
    with Ears() as ears:
        ears.hear("page", said)
    assert len(ears.leaks([SECRET])) >= 1
    assert all(form not in leak for leak in ears.leaks([SECRET]) for form in forms(SECRET))


@given(st.text(min_size=8, max_size=30), st.binary(max_size=9), st.binary(max_size=9))
def test_base64_hides_nothing_wherever_it_begins(secret: str, before: bytes, behind: bytes) -> None:
    try:
        encoded = base64.b64encode(before + secret.encode() + behind).decode()
    except UnicodeEncodeError:
        return
    assert any(form in encoded for form in forms(secret))


def fail_with_it() -> None:
    raise ValueError(SECRET)


def log_a_traceback() -> None:
    try:
        fail_with_it()
    except ValueError:
        logging.getLogger("tweepy.client").warning("failed", exc_info=True)


@pytest.mark.parametrize(
    "say",
    [
        lambda: logging.getLogger("httpx").debug("asked %s", SECRET),
        lambda: logging.getLogger("connectors.somewhere").debug("asked", {"unused": SECRET}),
        lambda: structlog.get_logger().debug("asked", token=SECRET),
        lambda: print(SECRET),
        lambda: print(SECRET, file=sys.stderr),
        log_a_traceback,
    ],
    ids=["library", "argument", "structlog", "output", "errors", "traceback"],
)
def test_a_secret_is_heard_wherever_it_is_said(say: object) -> None:
    assert callable(say)
    with Ears() as ears:
        say()
    assert ears.leaks([SECRET]) != []
    with Ears() as ears:
        pass
    assert ears.leaks([SECRET]) == []


def test_an_error_is_heard_with_what_caused_it() -> None:
    with Ears() as ears:
        try:
            try:
                fail_with_it()
            except ValueError as error:
                raise RuntimeError("something else") from error
        except RuntimeError as error:
            ears.hear("error", error)
    assert ears.leaks([SECRET]) != []


def test_levels_are_as_before_once_nobody_listens() -> None:
    logger = logging.getLogger("httpx")
    before, root = logger.level, logging.getLogger().level
    with Ears():
        assert logger.level == logging.DEBUG
    assert (logger.level, logging.getLogger().level) == (before, root)


def contract_classes() -> Iterator[tuple[str, type[ConnectorContract]]]:
    """Every contract class beside this file, with the connector that it tests."""
    for path in sorted(Path(__file__).parent.glob("test_*.py")):
        if path == Path(__file__) or "ConnectorContract" not in path.read_text():
            continue
        module = _load(path)
        for value in vars(module).values():
            if isinstance(value, type) and issubclass(value, ConnectorContract) and value.__module__ == module.__name__:
                yield path.stem, value


def _load(path: Path) -> ModuleType:
    name = f"catalogue_{path.stem}"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, path)
        assert spec is not None
        assert spec.loader is not None
        sys.modules[name] = module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return sys.modules[name]


def secrets_of(connector: str) -> set[str]:
    """The names of the secrets that its settings take: "token" for token_env and token_file."""
    fields = connectors()[connector].load().settings.model_fields
    return {name.removesuffix("_env") for name in fields if name.endswith("_env")}


def test_every_secret_of_every_installed_connector_is_listened_for(tmp_path: Path) -> None:
    """`open_with_secrets` of its contract classes; what they write into their folder is what they use."""
    heard: set[tuple[str, str]] = set(ELSEWHERE)
    classes = list(contract_classes())
    for number, (_, contract) in enumerate(classes):
        if contract.open_with_secrets is ConnectorContract.open_with_secrets:
            continue
        folder = tmp_path / str(number)
        folder.mkdir()
        one = contract()
        with one.fake() as fake:
            source = one.open_with_secrets(fake, folder)
            if source is not None:
                source.close()
        owners = [name for name in connectors() if contract.__module__.removeprefix("catalogue_test_").startswith(name)]
        heard |= {(owner, path.name) for owner in owners for path in folder.iterdir()}
    missing = {(name, secret) for name in connectors() for secret in secrets_of(name)} - heard
    assert missing == set(), "add open_with_secrets to their contract classes"


def test_the_senders_token_is_not_told(tmp_path: Path) -> None:
    """The other way into `inbound`: its contract class signs."""
    token = "s3cret-token-of-the-senders"
    with FakeSender() as sender, Ears() as ears:
        (sender.folder / "token").write_text(token)
        with closing(sender.open(token_file=str(sender.folder / "token"))) as source:
            now = datetime.now(UTC)
            list(source.poll(None, now))
            row = {"text": "Acme is fine", "author": "alice", "published_at": now.isoformat()}
            for number, (given_token, status) in enumerate(((token, 200), (token + "x", 401), ("", 401))):
                named = {"X-Listener-Signature": "", "Authorization": f"Bearer {given_token}" if given_token else ""}
                answer = sender.post({**row, "id": str(number)}, named)
                ears.hear("answer", f"{answer.headers} {answer.text}")
                assert answer.status_code == status
            for page in source.poll(None, now):
                ears.hear("page", page)
    assert {"answer", "page"} <= set(ears.heard())
    assert ears.leaks([token]) == []
