"""The doctor looks, says what to do, and changes nothing."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from listener import doctor
from listener.config import Config, parse_config
from listener.doctor import Finding, examine, exit_code
from listener.store import Store
from tests.fakes.catalogue import CATALOGUE

BASE = """
[brand]
name = "Acme"
[[source]]
name = "toots"
connector = "mastodon"
token_env = "MASTODON_TOKEN"
[[receiver]]
name = "care"
type = "slack"
channel = "C1"
token_file = "token"
[[route]]
name = "all"
to = ["care"]
[digest]
to = ["care"]
"""
ENVIRON = {"MASTODON_TOKEN": "synthetic"}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "token").write_text("xoxb-synthetic")
    (tmp_path / "token").chmod(0o600)
    path = tmp_path / "listener.toml"
    path.write_text(BASE)
    return path


def read(file: Path, more: str = "") -> Config:
    return parse_config(BASE + more, file, CATALOGUE)


def found(findings: Iterable[Finding]) -> list[tuple[str, str]]:
    return [(finding.level, finding.what) for finding in findings]


def bad(findings: Iterable[Finding]) -> list[Finding]:
    return [finding for finding in findings if finding.level != "ok"]


def test_every_finding_that_is_not_well_says_what_to_do(file: Path) -> None:
    (file.parent / "token").unlink()
    config = read(file, '[rules]\npacks = ["none"]\nbuiltin = false\n')
    findings = list(examine(config, {}, datetime(1999, 1, 1, tzinfo=UTC)))
    assert {finding.about for finding in bad(findings) if finding.level == "problem"} == {
        "rules",
        "credentials",
        "clock",
    }
    assert all(finding.remedy for finding in bad(findings))
    assert exit_code(findings) == 1


def test_a_secret_is_looked_for_and_never_printed(file: Path) -> None:
    findings = list(doctor.check_credentials(read(file), ENVIRON))
    assert found(findings) == [("ok", "source toots: token is there"), ("ok", "receiver care: token is there")]
    (problem,) = bad(doctor.check_credentials(read(file), {}))
    assert "MASTODON_TOKEN" in problem.what
    assert "synthetic" not in repr(findings)


def test_a_secret_file_that_others_may_read_is_a_warning(file: Path) -> None:
    (file.parent / "token").chmod(0o644)
    (warning,) = bad(doctor.check_credentials(read(file), ENVIRON))
    assert (warning.level, warning.remedy) == ("warning", f"chmod 600 {file.parent / 'token'}")


def test_a_database_is_not_made_by_looking_at_it(file: Path) -> None:
    (finding,) = doctor.check_database(read(file), {})
    assert finding.level == "ok"
    assert not (file.parent / "listener.db").exists()


def test_a_database_without_current_tables_is_a_problem_and_a_migrated_one_is_well(file: Path) -> None:
    config = read(file)
    (file.parent / "listener.db").touch()
    (problem,) = doctor.check_database(config, {})
    assert problem.level == "problem"
    assert "listener db migrate" in problem.remedy
    with Store.open(config.database_url({}).get_secret_value()) as store:
        store.migrate()
    (finding,) = doctor.check_database(config, {})
    assert finding.level == "ok"


def test_a_database_address_that_is_not_where_the_file_says_is_a_problem(file: Path) -> None:
    config = read(file, '[listener]\ndatabase_env = "DB_URL"\n')
    (problem,) = doctor.check_database(config, {})
    assert "DB_URL" in problem.what


def test_routes_that_may_miss_something_critical_are_a_warning(file: Path) -> None:
    assert not bad(doctor.check_routes(read(file)))
    text = BASE.replace('name = "all"', 'name = "some"\nlanguages = ["fr"]')
    (warning,) = bad(doctor.check_routes(parse_config(text, file, CATALOGUE)))
    assert "critical" in warning.what


def test_warnings_of_the_configuration_are_told_with_their_line(file: Path) -> None:
    text = BASE.replace('[digest]\nto = ["care"]', "[digest]\nenabled = true")
    (warning,) = bad(doctor.check_config(parse_config(text, file, CATALOGUE)))
    assert warning.what == "line 16: the digest goes to nobody"
    assert exit_code([warning]) == 0


def test_the_installed_connectors_are_listed() -> None:
    *_, last = doctor.check_installation()
    assert last.what.startswith("connectors: ")


def test_a_folder_that_cannot_be_made_is_a_problem(file: Path) -> None:
    (file.parent / "digests").write_text("a file in the way")
    (problem,) = doctor.check_folders(read(file))
    assert problem.level == "problem"


def test_a_clock_before_the_files_last_change_is_a_problem(file: Path) -> None:
    changed = datetime.fromtimestamp(file.stat().st_mtime, UTC)
    assert [each.level for each in doctor.check_clock(file, changed + timedelta(hours=1))] == ["ok"]
    assert [each.level for each in doctor.check_clock(file, changed - timedelta(hours=1))] == ["problem"]


def test_a_check_that_breaks_is_a_finding_and_stops_no_other(file: Path) -> None:
    def breaks() -> Iterator[Finding]:
        raise RuntimeError("with xoxb-a-secret in it")

    def holds() -> Iterator[Finding]:
        yield Finding("ok", "slack", "the token is accepted")

    now = datetime.fromtimestamp(file.stat().st_mtime, UTC)
    *_, broken, last = examine(read(file), ENVIRON, now, [("slack", breaks), ("slack", holds)])
    assert broken.what == "could not be checked (RuntimeError)"
    assert last.level == "ok"
