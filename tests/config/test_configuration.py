"""What a configuration says is what the program gets; what cannot be meant is told, never thrown."""

import json
import os
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from listener.cases.clock import is_open
from listener.config import Config, ConfigError, SecretMissing, find_config, load_config, parse_config
from listener.config.phrases import keys_of
from listener.config.schema import LISTS, RECEIVERS, TABLES
from rules.vocabulary import Intent, Stage, Urgency
from tests.config.documents import as_toml
from tests.fakes.catalogue import CATALOGUE, FakeInstalled, Imported, KeyedSettings

BRAND = '[brand]\nname = "Acme"\n'
FILE = Path("/etc/listener/listener.toml")


def parsed(text: str) -> Config:
    return parse_config(text, FILE, CATALOGUE)


def problems(text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        parsed(text)
    return [str(problem).removeprefix(f"{FILE}:") for problem in caught.value.problems]


def warnings(text: str) -> list[str]:
    return [problem.what for problem in parsed(text).warnings]


def test_a_brand_alone_is_a_configuration() -> None:
    config = parsed(BRAND)
    assert config.brand.languages == ("en", "fr", "it", "es", "de")
    assert config.listener.alert_max_age == timedelta(hours=6)
    assert (config.sources, config.receivers, config.routes) == ((), (), ())


def test_a_source_takes_its_defaults_from_the_brand_and_its_connector() -> None:
    config = parsed(
        '[brand]\nname = "Acme"\nnames = ["ACME", "@acme"]\n[[source]]\nname = "hn"\nconnector = "hackernews"\npage_cap = 9\n'
    )
    (source,) = config.sources
    assert source.terms == ("Acme", "@acme")
    assert source.every == timedelta(minutes=7)
    assert source.settings.page_cap == 9


def test_a_source_may_say_otherwise() -> None:
    config = parsed(
        BRAND + '[[source]]\nname = "hn"\nconnector = "hackernews"\nevery = "1h30m"\nterms = ["x"]\nenabled = false'
    )
    (source,) = config.sources
    assert (source.terms, source.every, source.enabled) == (("x",), timedelta(minutes=90), False)


def test_a_connectors_time_spans_are_written_like_all_others() -> None:
    toots = BRAND + '[[source]]\nname = "m"\nconnector = "mastodon"\nhistory = '
    settings = parsed(toots + '"2d"').sources[0].settings
    assert isinstance(settings, KeyedSettings)
    assert settings.history == timedelta(days=2)
    assert problems(toots + "3600")[0].startswith("6: source[1].history: 3600 is not a duration; write a number with")
    assert problems(toots + '"0s"') == ["6: source[1].history: 0s is out of range; use more than 0 seconds"]


def test_a_route_speaks_the_vocabulary() -> None:
    config = parsed(
        BRAND
        + '[[receiver]]\nname = "c"\ntype = "console"\n[[route]]\nname = "r"\nto = ["c"]\nurgency_at_least = "high"\n'
        'stages = ["use"]\nintents = ["leaving"]\nlanguages = ["FR"]\nsentiments = ["negative"]\ncontinue = true\n'
    )
    (route,) = config.routes
    assert route.urgency_at_least is Urgency.HIGH
    assert (route.stages, route.intents) == ({Stage.USE}, {Intent.LEAVING})
    assert (route.languages, route.sentiments, route.goes_on) == ({"fr"}, {"negative"}, True)


def test_paths_are_taken_from_the_folder_of_the_file() -> None:
    config = parsed(
        BRAND + '[rules]\npacks = ["mine", "/opt/packs"]\n'
        '[[source]]\nname = "m"\nconnector = "mastodon"\ntoken_file = "secrets/token"\n'
    )
    assert config.rules.packs == (FILE.parent / "mine", Path("/opt/packs"))
    assert config.digest.folder == FILE.parent / "digests"
    settings = config.sources[0].settings
    assert isinstance(settings, KeyedSettings)
    assert settings.token_file == str(FILE.parent / "secrets/token")


@pytest.mark.parametrize(
    ("said", "url"),
    [
        ("", f"sqlite:///{FILE.parent}/listener.db"),
        ('[listener]\ndatabase = "sqlite:///data/l.db"', f"sqlite:///{FILE.parent}/data/l.db"),
        ('[listener]\ndatabase = "sqlite:////var/l.db"', "sqlite:////var/l.db"),
        ('[listener]\ndatabase = "postgresql://db/l"', "postgresql://db/l"),
        ('[listener]\ndatabase_env = "DB"', "postgresql://u:p@db/l"),
    ],
)
def test_the_database_is_beside_the_file_or_where_it_says(said: str, url: str) -> None:
    secret = parsed(BRAND + said).database_url({"DB": "postgresql://u:p@db/l"})
    assert secret.get_secret_value() == url
    assert "p@db" not in repr(secret)


def test_service_hours_know_the_time_zone_and_holidays() -> None:
    hours = parsed(
        BRAND + 'timezone = "Europe/Paris"\nservice_hours = "monday-friday 09:00-18:00, saturday 10:00-12:00"\n'
        'holidays = [2026-12-25, "2027-01-01"]'
    ).hours
    assert hours.spans[0] == ((time(9), time(18)),)
    assert hours.holidays == {date(2026, 12, 25), date(2027, 1, 1)}
    assert is_open(hours, datetime(2026, 11, 23, 8, 30, tzinfo=UTC))  # half past nine in Paris
    assert not is_open(hours, datetime(2026, 12, 25, 9, tzinfo=UTC))


def test_targets_are_read_and_count_days_of_service() -> None:
    hours = parsed(
        BRAND + 'service_hours = "monday-friday 09:00-12:00, 13:00-18:00, saturday 10:00-14:00"\n'
        '[targets]\nhigh = "30m"\nlow = "1d2h"\npraise = "2d"\naround_the_clock = ["critical", "praise"]\n'
        'claim = "10m"\nescalate = "20m"\nremind = "5m"'
    ).hours
    assert [hours.within(name) for name in ("critical", "high", "normal", "low", "praise")] == [
        timedelta(hours=1),
        timedelta(minutes=30),
        timedelta(hours=4),
        timedelta(hours=8 + 2),
        timedelta(days=2),
    ]
    targets = hours.targets
    assert (targets.claim, targets.escalate, targets.remind) == tuple(timedelta(minutes=n) for n in (10, 20, 5))


@pytest.mark.parametrize(
    ("said", "because", "remedy"),
    [
        ('high = "soon"', '"soon" is no target', "1d is one service day"),
        ("high = 30", "30 is no target", 'write "30m", "4h" or "1d"'),
        ('high = "1w"', '"1w" is no target', 'write "30m", "4h" or "1d"'),
        ('low = "0m"', '"0m" is too short', "use 1m or more"),
        ('low = "61d"', '"61d" is too long', "use at most 60d"),
        ('around_the_clock = ["grave"]', '"grave"', "critical"),
        ('claim = "1h"', "escalate comes before claim", "write escalate as long as claim, or longer"),
        ('claim = "1m"', "would be called more than 20 times", "write a longer claim"),
        ('urgent = "1h"', '"urgent"', "critical"),
    ],
)
def test_what_is_no_target_is_refused_with_what_is_allowed(said: str, because: str, remedy: str) -> None:
    (problem,) = problems(BRAND + f"[targets]\n{said}\n")
    assert because in problem
    assert remedy in problem


def test_a_graver_level_that_has_more_time_is_warned_of() -> None:
    office = BRAND + 'service_hours = "monday-friday 09:00-17:00"\n[targets]\n'
    assert "critical has more time than high: 2h against 1h" in warnings(office + 'critical = "2h"')
    assert "normal has more time than low: 9h against 1d" in warnings(office + 'normal = "9h"')
    assert not [one for one in warnings(office + 'normal = "8h"') if "more time" in one]


def test_a_secret_is_read_when_needed_and_its_absence_does_not_stop_the_loading(tmp_path: Path) -> None:
    file = tmp_path / "token"
    config = parsed(
        BRAND + '[[receiver]]\nname = "a"\ntype = "slack"\nchannel = "C1"\ntoken_env = "TOKEN"\n'
        f'[[receiver]]\nname = "b"\ntype = "slack"\nchannel = "C1"\ntoken_file = {json.dumps(str(file))}\n'
        '[[receiver]]\nname = "c"\ntype = "webhook"\nurl = "https://example.org"\n'
    )
    first, second, third = config.receivers
    with pytest.raises(SecretMissing, match=r"TOKEN \(token_env\) is not set"):
        config.secret(first, "token", {"TOKEN": " "})
    with pytest.raises(SecretMissing, match="cannot be read: No such file"):
        config.secret(second, "token", {})
    file.write_text("xoxb-synthetic\n")
    read = config.secret(second, "token", {})
    assert read is not None
    assert read.get_secret_value() == "xoxb-synthetic"
    assert "synthetic" not in f"{read!r} {read}"
    assert config.secret(third, "secret", {}) is None


def test_every_problem_is_told_at_once_in_the_order_of_the_file() -> None:
    found = problems(
        '[brand]\nname = ""\ntimezone = "Mars"\n[[source]]\nname = "a"\nconnector = "hackernews"\nevery = 5\npage_cap = 0\n'
        '[[route]]\nname = "r"\nto = ["x"]\n[digest]\nday = "noday"\n'
    )
    assert [line.split(":")[0] for line in found] == ["2", "3", "7", "8", "11", "13"]


def test_what_depends_on_a_broken_table_is_not_reported_as_well() -> None:
    assert (
        len(problems(BRAND + '[[receiver]]\nname = "care"\ntype = "slack"\n[[route]]\nname = "r"\nto = ["care"]\n'))
        == 1
    )


def test_only_connectors_that_a_source_names_are_imported() -> None:
    catalogue = Imported(FakeInstalled("hackernews"), FakeInstalled("x", broken="x cannot be imported"))
    parse_config(BRAND + '[[source]]\nname = "a"\nconnector = "hackernews"\n', FILE, catalogue)
    assert catalogue.asked == ["hackernews"]


def test_a_connector_that_cannot_be_imported_is_a_problem_of_its_source_alone() -> None:
    catalogue = Imported(FakeInstalled("hackernews"), FakeInstalled("x", broken="x cannot be imported; reinstall it"))
    with pytest.raises(ConfigError, match=r"source\[1\].connector: x cannot be imported; reinstall it"):
        parse_config(BRAND + '[[source]]\nname = "a"\nconnector = "x"\n', FILE, catalogue)


CONSOLE = '[[receiver]]\nname = "c"\ntype = "console"\n'
QUIET = "[digest]\nenabled = false\n[[source]]\nname = 'a'\nconnector = 'rss'\n"


def test_what_can_hardly_be_meant_is_a_warning() -> None:
    said = warnings(BRAND + CONSOLE)
    assert said == [
        "there is no route, so nobody is alerted",
        "the digest goes to nobody",
        "no source is enabled, so nothing is collected",
        'nothing is sent to "c"',
    ]


@pytest.mark.parametrize(
    ("first", "second", "reached"),
    [
        ("", 'stages = ["use"]', False),
        ("continue = true", 'stages = ["use"]', True),
        ('stages = ["use"]', "", True),
        ('stages = ["use", "loyalty"]', 'stages = ["use"]\nurgency_at_least = "high"', False),
        ('urgency_at_least = "high"', 'urgency_at_least = "low"', True),
        ('languages = ["fr"]', 'languages = ["fr", "en"]', True),
    ],
)
def test_a_route_that_is_never_reached_is_a_warning(first: str, second: str, reached: bool) -> None:
    text = f'{BRAND}{CONSOLE}{QUIET}[[route]]\nname = "1"\nto = ["c"]\n{first}\n[[route]]\nname = "2"\nto = ["c"]\n{second}\n'
    assert (warnings(text) == []) is reached


def test_an_own_touchpoint_may_be_routed() -> None:
    own = '[journey.touchpoints.lounge]\nowner = "Ground"\n'
    config = parsed(BRAND + CONSOLE + own + '[[route]]\nname = "r"\nto = ["c"]\ntouchpoints = ["lounge", "delivery"]\n')
    assert config.journey.touchpoints["lounge"].owner == "Ground"
    assert config.routes[0].touchpoints == {"lounge", "delivery"}


# ── Files ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "this file is empty; `listener init`"),
        (b" \n\n", "this file is empty"),
        (b'[brand]\nname = "\xe9"\n', ":2: this is not UTF-8 text; save the file"),
        (b"\xff\xfe[\x00b\x00", "this is not UTF-8 text"),
        (b"[brand]\nname = " + b"[" * 5000, "is not TOML|cannot be read as TOML"),
        (b"[brand]\nname = " + b"9" * 5000, "cannot be read as TOML"),
        (b"#" * (1024 * 1024 + 1), "larger than 1 MB"),
    ],
)
def test_a_file_that_is_no_configuration_is_told_so(tmp_path: Path, content: bytes, sentence: str) -> None:
    path = tmp_path / "listener.toml"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=sentence):
        load_config(path, CATALOGUE)


def test_a_byte_order_mark_and_windows_line_ends_do_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "listener.toml"
    path.write_bytes(b"\xef\xbb\xbf" + BRAND.replace("\n", "\r\n").encode())
    assert load_config(path, CATALOGUE).brand.name == "Acme"


def test_a_missing_file_a_folder_and_an_unreadable_file_are_told_plainly(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no such file; `listener init` writes one"):
        load_config(tmp_path / "none.toml", CATALOGUE)
    with pytest.raises(ConfigError, match="this is a folder"):
        load_config(tmp_path, CATALOGUE)
    with pytest.raises(ConfigError, match="cannot be read"):
        load_config(tmp_path / ("x" * 300), CATALOGUE)
    with pytest.raises(ConfigError):
        load_config(Path("a\0b"), CATALOGUE)
    locked = tmp_path / "locked.toml"
    locked.write_text(BRAND)
    locked.chmod(0)
    if not os.access(locked, os.R_OK):
        with pytest.raises(ConfigError, match="cannot be read: Permission denied"):
            load_config(locked, CATALOGUE)


def test_the_file_is_looked_for_here_and_then_in_the_users_folder(tmp_path: Path) -> None:
    here, home = tmp_path / "here", tmp_path / "home"
    (home / ".config/listener").mkdir(parents=True)
    here.mkdir()
    environ = {"HOME": str(home)}
    assert find_config(Path("given.toml"), here, environ) == Path("given.toml")
    with pytest.raises(ConfigError, match="`listener init` writes one here"):
        find_config(None, here, environ)
    (home / ".config/listener/listener.toml").touch()
    assert find_config(None, here, environ) == home / ".config/listener/listener.toml"
    (here / "listener.toml").touch()
    assert find_config(None, here, environ) == here / "listener.toml"
    (tmp_path / "xdg/listener").mkdir(parents=True)
    (tmp_path / "xdg/listener/listener.toml").touch()
    assert find_config(None, home, environ | {"XDG_CONFIG_HOME": str(tmp_path / "xdg")}).parent.parent.name == "xdg"


# ── Never a traceback ────────────────────────────────────────────────────────────────────────────────────────────

WORDS = st.one_of(
    st.text(max_size=12),
    st.sampled_from(
        ["", "a", "5m", "Europe", "Europe/Paris", "../x", "/etc", "monday 1:00-2:00", "https://[", "x:y", "sqlite:///x"]
    ),
)
ANY_VALUE = st.recursive(
    st.one_of(
        WORDS,
        st.integers(-(2**70), 2**70),
        st.floats(),
        st.booleans(),
        st.dates(),
        st.times(),
        st.datetimes(),
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(WORDS, inner, max_size=3)),
    max_leaves=5,
)


def answered(text: str) -> None:
    """Either a configuration or problems that say something; nothing else."""
    found: ConfigError | None = None
    try:
        config = parse_config(text, FILE, CATALOGUE)
        assert config.hours
        assert repr(config)
    except ConfigError as error:
        found = error
    assert found is None or (found.problems and all(problem.what for problem in found.problems) and str(found))


ALL_KEYS = [
    *((name, key) for name, model in TABLES.items() for key in keys_of(model)),
    *((name, key) for name, model in LISTS.items() for key in keys_of(model)),
    *(("receiver", key) for model in RECEIVERS.values() for key in keys_of(model)),
    *((name, "") for name in (*TABLES, *LISTS)),
]


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_no_value_at_any_key_is_a_traceback(data: st.DataObject) -> None:
    document: dict[str, Any] = {
        "brand": {"name": "Acme"},
        "source": [{"name": "s", "connector": "mastodon"}],
        "receiver": [data.draw(st.sampled_from([{"name": "r", "type": kind} for kind in RECEIVERS])) | {}],
        "route": [{"name": "x", "to": ["r"]}],
    }
    for name, key in data.draw(st.lists(st.sampled_from(ALL_KEYS), min_size=1, max_size=4)):
        value = data.draw(ANY_VALUE)
        if not key:
            document[name] = value
            continue
        table = document.setdefault(name, {})
        table = table[0] if isinstance(table, list) and table else table
        if isinstance(table, dict):
            table[key] = value
    answered(as_toml(document))


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.one_of(st.sampled_from([*TABLES, *LISTS]), WORDS), ANY_VALUE, max_size=4))
def test_no_document_is_a_traceback(document: dict[str, Any]) -> None:
    answered(as_toml(document))


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet="ab[]{}=\".,#\n\\'1-: ", max_size=60))
def test_no_text_is_a_traceback(text: str) -> None:
    answered(text)
