"""From a file to a `Config`: read, validate each table, cross-check, and tell every problem at once.

`load_config` raises `ConfigError` and nothing else, whatever the file holds. A connector is imported only when a
source names it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, Protocol, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from connectors.base import Connector, SourceSettings
from listener.cases.routing import Route
from listener.config.checks import check_budgets, check_database, check_whole
from listener.config.phrases import keys_of, report_validation, unknown_key
from listener.config.places import locate
from listener.config.problems import ConfigError, Report, did_you_mean, listed, quoted
from listener.config.problems import Path as Place
from listener.config.schema import (
    LISTS,
    RECEIVERS,
    TABLES,
    AccountKeys,
    Brand,
    Receiver,
    RouteKeys,
    SavedReplyKeys,
    SourceKeys,
)
from listener.config.secrets import refuse_secrets
from listener.config.toml_file import parse_document, read_text
from listener.config.values import parse_duration
from listener.config.whole import Config, SourceConfig
from rules.vocabulary import Urgency

_Table = TypeVar("_Table", bound=BaseModel)


class InstalledConnector(Protocol):
    """What the loader must know of a connector: how to get it. `listener.plugins.connectors()` gives them by name."""

    def load(self) -> Connector:
        """Import it. Raises ImportError with a message for the user."""
        ...


Installed = Mapping[str, InstalledConnector]


def load_config(path: Path, connectors: Installed) -> Config:
    """Read the configuration at `path`. Raises `ConfigError` with every problem found; warnings are in the result."""
    return parse_config(read_text(path), path, connectors)


def parse_config(text: str, path: Path, connectors: Installed) -> Config:
    """Like `load_config`, from text; `path` names it in messages and its folder anchors relative paths."""
    document = parse_document(text, str(path))
    report = Report(str(path), locate(text))
    for key in document:
        if key not in TABLES and key not in LISTS:
            report.problem((key,), *unknown_key(key, (*TABLES, *LISTS)))
    refuse_secrets(report, document, ())
    folder = path.absolute().parent

    sections: dict[str, Any] = {}
    for name, model in TABLES.items():
        table = document.get(name, {})
        if name == "brand" and name not in document:
            report.problem((name,), "there is no [brand] table", 'write [brand] and below it name = "…"')
        elif not isinstance(table, dict):
            report.problem(
                (name,),
                "this must be a table",
                f"write [{name}]" + (" with single brackets" if isinstance(table, list) else ""),
            )
        else:
            sections[name] = _validated(report, model, table, (name,), folder)

    brand: Brand | None = sections.get("brand")
    sources = [
        _source(report, table, place, connectors, folder, brand) for place, table in _each(report, document, "source")
    ]
    accounts = [
        _validated(report, AccountKeys, table, place, folder) for place, table in _each(report, document, "account")
    ]
    receivers = [_receiver(report, table, place, folder) for place, table in _each(report, document, "receiver")]
    routes = [_route(report, table, place) for place, table in _each(report, document, "route")]
    saved = [
        _validated(report, SavedReplyKeys, table, place, folder)
        for place, table in _each(report, document, "saved_reply")
    ]
    if (listener := sections.get("listener")) is not None:
        check_database(report, listener)
    check_whole(report, document, sections, sources, routes)
    check_budgets(report, sources, accounts)
    if report.problems:
        raise ConfigError(report.problems)
    return Config(
        path=path.absolute(),
        sources=tuple(source for source in sources if source is not None),
        receivers=tuple(receiver for receiver in receivers if receiver is not None),
        routes=tuple(route for route in routes if route is not None),
        accounts=tuple(account for account in accounts if account is not None),
        saved_replies=tuple(one for one in saved if one is not None),
        warnings=report.warnings,
        **sections,
    )


def _each(report: Report, document: Mapping[str, Any], name: str) -> list[tuple[Place, dict[str, Any]]]:
    """The tables of `[[name]]` with their places."""
    tables = document.get(name, [])
    if isinstance(tables, dict):
        report.problem((name,), "there may be several of these", f"write [[{name}]] with double brackets")
        return []
    if not isinstance(tables, list):
        report.problem((name,), "this must be a table", f"write [[{name}]] on a line of its own")
        return []
    found: list[tuple[Place, dict[str, Any]]] = []
    for index, table in enumerate(tables):
        if isinstance(table, dict):
            found.append(((name, index), table))
        else:
            report.problem((name, index), "this must be a table", f"write [[{name}]] on a line of its own")
    return found


def _validated(
    report: Report,
    model: type[_Table],
    table: Mapping[str, Any],
    place: Place,
    folder: Path,
    more: tuple[str, ...] = (),
) -> _Table | None:
    try:
        return _anchored(model.model_validate(dict(table)), folder)
    except ValidationError as error:
        report_validation(report, error, place, model, more)
    return None


def _anchored(table: _Table, folder: Path) -> _Table:
    """The same table with every relative path taken from the configuration's folder."""
    changed: dict[str, object] = {}
    for key in type(table).model_fields:
        value = getattr(table, key)
        if isinstance(value, Path):
            changed[key] = folder / _home(value)
        elif key.endswith("_file") and isinstance(value, str):
            changed[key] = str(folder / _home(Path(value)))
        elif isinstance(value, tuple) and value and all(isinstance(part, Path) for part in value):
            changed[key] = tuple(folder / _home(part) for part in value)
    return table.model_copy(update=changed) if changed else table


def _home(path: Path) -> Path:
    try:
        return path.expanduser()
    except RuntimeError:  # "~somebody" whom this machine does not know; the check that opens it will say so
        return path


def _source(
    report: Report,
    table: Mapping[str, Any],
    place: Place,
    connectors: Installed,
    folder: Path,
    brand: Brand | None,
) -> SourceConfig | None:
    common = keys_of(SourceKeys)
    keys = _validated(report, SourceKeys, {k: v for k, v in table.items() if k in common}, place, folder)
    connector = _connector(report, table.get("connector"), (*place, "connector"), connectors)
    if connector is None:
        return None
    own = _durations(report, connector.settings, {k: v for k, v in table.items() if k not in common}, place)
    settings: SourceSettings | None = None
    try:
        settings = _validated(report, connector.settings, own, place, folder, common)
    except Exception as error:  # noqa: BLE001  # a third party's validator may raise anything; its user wants a sentence
        report.problem(place, f"the connector {quoted(connector.name)} cannot read its keys: {type(error).__name__}")
    if keys is None or settings is None or brand is None:
        return None
    return SourceConfig(
        keys.name,
        keys.connector,
        keys.every or connector.every,
        keys.enabled,
        keys.terms or brand.search_terms,
        settings,
        keys.account or _credential(connector.name, settings) or (connector.name if connector.costs else None),
        connector.costs,
        _least(connector, keys),
    )


def _credential(connector: str, settings: SourceSettings) -> str | None:
    """A name for the credential of a source: sources that name the same one share its limits."""
    named = [
        str(value)
        for key in type(settings).model_fields
        if key.endswith(("_env", "_file")) and (value := getattr(settings, key)) is not None
    ]
    return f"{connector}:{'+'.join(named)}" if named else None


def _least(connector: Connector, keys: SourceKeys) -> timedelta | None:
    every = keys.every or connector.every
    if not keys.adaptive or connector.least is None:
        return None
    return min(connector.least, every)


def _durations(report: Report, model: type[BaseModel], table: dict[str, Any], place: Place) -> dict[str, Any]:
    """A connector's time spans in our notation; pydantic's own would be ISO 8601, or a number without a unit."""
    read = dict(table)
    for key, field in model.model_fields.items():
        if key in read and (field.annotation is timedelta or timedelta in get_args(field.annotation)):
            try:
                read[key] = parse_duration(read[key])
            except ValueError as error:
                what, _, remedy = str(error).partition("; ")
                report.final((*place, key), what, remedy)
                del read[key]
    return read


def _connector(report: Report, name: object, place: Place, connectors: Installed) -> Connector | None:
    if not isinstance(name, str):
        return None  # missing or no text: said by the validation of the source's own keys
    if name not in connectors:
        hint = did_you_mean(name, connectors)
        report.problem(
            place,
            f"there is no connector {quoted(name)}",
            f"{hint + ' ' if hint else ''}installed: {listed(sorted(connectors), 30)}",
        )
        return None
    try:
        return connectors[name].load()
    except ImportError as error:
        report.problem(place, str(error))
        return None


def _receiver(report: Report, table: Mapping[str, Any], place: Place, folder: Path) -> Receiver | None:
    kind = table.get("type")
    model = RECEIVERS.get(kind) if isinstance(kind, str) else None
    if model is not None:
        return _validated(report, model, table, place, folder)
    if kind is None:
        report.problem((*place, "type"), '"type" is missing', f"write one of {listed(RECEIVERS)}")
    else:
        hint = did_you_mean(kind, RECEIVERS)
        report.problem(
            (*place, "type"),
            f"there is no receiver type {quoted(kind)}",
            f"{hint + ' ' if hint else ''}types: {listed(RECEIVERS)}",
        )
    return None


def _route(report: Report, table: Mapping[str, Any], place: Place) -> Route | None:
    keys = _validated(report, RouteKeys, table, place, Path())
    if keys is None:
        return None
    same = {
        name: getattr(keys, name)
        for name in ("name", "to", "stages", "intents", "touchpoints", "sources", "platforms", "languages", "goes_on")
    }
    return Route(urgency_at_least=Urgency.of(keys.urgency_at_least), sentiments=frozenset(keys.sentiments), **same)
