"""What is installed beside us is found, imported late, and harms nobody when it is broken."""

import os
import subprocess
import sys
import time
from importlib import metadata
from pathlib import Path

import pytest

from listener.plugins import CONNECTORS, LoadedConnector, PluginError, check_distribution, connectors, rulepacks


def distribution(folder: Path, name: str, **files: str) -> metadata.Distribution:
    """An installed distribution, as pip leaves it."""
    info = folder / f"{name}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    for file, text in files.items():
        (info / file.replace("__", ".")).write_text(text)
    return metadata.PathDistribution(info)


def entry(value: str) -> LoadedConnector:
    return LoadedConnector("it", "somebody", metadata.EntryPoint("it", value, CONNECTORS))


def test_our_own_connectors_are_installed_like_anybodys() -> None:
    found = connectors()
    assert {"hackernews", "mastodon", "replay", "rss"} <= set(found)
    assert list(found) == sorted(found)
    assert found["rss"].distribution == "listener"


def test_naming_the_connectors_imports_none_of_them() -> None:
    code = "import sys; from listener.plugins import connectors; connectors(); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert not loaded & {"connectors.rss", "connectors.hackernews", "feedparser", "httpx", "praw", "tweepy", "pydantic"}


def test_a_third_partys_connector_comes_through_the_same_door(tmp_path: Path) -> None:
    distribution(tmp_path, "acme-forum", entry_points__txt="[listener.connectors]\nforum = acme_forum:connector\n")
    (tmp_path / "acme_forum.py").write_text(
        "from connectors.base import *\nconnector = Connector('forum', 'a forum', SourceSettings, None)\n"
    )
    code = "from listener.plugins import connectors as c; f = c()['forum']; print(f.distribution, f.load().summary)"
    environ = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environ)
    assert done.stdout.strip() == "acme-forum a forum"


@pytest.mark.parametrize("value", ["no_such_module:connector", "os:no_such_name", "os:path", "this is no reference"])
def test_a_connector_that_cannot_be_used_is_told_with_who_ships_it(value: str) -> None:
    with pytest.raises(PluginError, match='the connector "it" of somebody'):
        entry(value).load()


def test_the_builtin_packs_are_a_folder() -> None:
    assert next(iter(rulepacks())) == "builtin"
    assert rulepacks()["builtin"].is_dir()


def test_nothing_else_here_provides_our_names() -> None:
    assert check_distribution() == []


def test_another_distribution_that_provides_one_of_our_names_is_told(tmp_path: Path) -> None:
    others = [
        distribution(tmp_path / "a", "rules", RECORD="rules/__init__.py,,\nrules/x.py,,\n"),
        distribution(tmp_path / "b", "old-style", top_level__txt="connectors\nmore\n"),
        distribution(tmp_path / "c", "single-file", RECORD="bin/x,,\nlistener.py,,\n"),
        distribution(
            tmp_path / "d", "harmless", RECORD="my/rules/x.py,,\nlistener_x/y.py,,\nrules-1.0.dist-info/RECORD,,\n"
        ),
        distribution(tmp_path / "e", "listener", RECORD="listener/cli.py,,\nrules/x.py,,\n"),
    ]
    told = check_distribution(lambda: others)
    assert [sentence.split(" is installed")[0] for sentence in told] == ["rules", "old-style", "single-file"]
    assert 'provides "rules"' in told[0]
    assert "pipx" in told[0]


def test_a_distribution_without_any_file_list_does_no_harm(tmp_path: Path) -> None:
    assert check_distribution(lambda: [metadata.PathDistribution(tmp_path)]) == []


def test_the_check_is_quick_enough_for_every_start() -> None:
    start = time.thread_time()
    check_distribution()
    assert time.thread_time() - start < 0.5  # about 5 ms warm, 20 ms cold for 75 distributions
