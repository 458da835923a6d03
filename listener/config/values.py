"""The small notations of the configuration: durations, opening hours, days, time zones, languages, URLs, accounts, hosts.

Each is a pydantic type that reads what people write and answers a mistake with a sentence of its own, which says
what is allowed. Read values are plain: timedelta, time, date, str.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from typing import Annotated, Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, BeforeValidator, StrictBool

from connectors.addresses import parse_intranet as read_intranet
from listener.cases import saved
from listener.cases.clock import Target
from listener.config.problems import did_you_mean, listed, quoted
from rules.errors import QueryError

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_ISO_639_1 = (
    "aaabaeafakamanarasavayazbabebgbibmbnbobrbscacechcocrcscucvcydadedvdzeeeleneoeseteufafffifjfofrfygagdglgngugv"
    "hahehihohrhthuhyhziaidieigiiikioisitiujajvkakgkikjkkklkmknkokrkskukvkwkylalblglilnloltlulvmgmhmimkmlmnmrmsmt"
    "mynanbndnengnlnnnonrnvnyocojomorospapiplpsptqurmrnrorurwsascsdsesgsiskslsmsnsosqsrssstsusvswtatetgthtitktltn"
    "totrtstttwtyugukuruzvevivowawoxhyiyozazhzu"
)  # two letters each
LANGUAGES = frozenset({"und"} | {_ISO_639_1[i : i + 2] for i in range(0, len(_ISO_639_1), 2)})  # und: unclear
_LANGUAGE_NAMES = {
    "english": "en", "french": "fr", "français": "fr", "italian": "it", "italiano": "it", "spanish": "es",
    "español": "es", "german": "de", "deutsch": "de", "dutch": "nl", "portuguese": "pt",
}  # fmt: skip

_DURATION = re.compile(r"(?:(\d{1,6})w)?(?:(\d{1,6})d)?(?:(\d{1,6})h)?(?:(\d{1,8})m)?(?:(\d{1,9})s)?", re.ASCII)
_TARGET = re.compile(r"(?:(\d{1,4})d)?(?:(\d{1,5})h)?(?:(\d{1,6})m)?", re.ASCII)
_SPAN = re.compile(r"(\d{1,2}):(\d\d)\s*[-–]\s*(\d{1,2}):(\d\d)", re.ASCII)
_DAYS = re.compile(r"([a-z]+)(?:\s*[-–]\s*([a-z]+))?")
_SLACK_PEOPLE = re.compile(r"[UWS][A-Z0-9]{6,20}", re.ASCII)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_HOURS_FORM = '"monday-friday 09:00-18:00, saturday 10:00-14:00", or a table of days: { monday = "09:00-18:00" }'

Spans = Mapping[int, tuple[tuple[time, time], ...]]  # Monday is 0; time.max stands for midnight at the day's end


def parse_duration(value: object) -> timedelta:
    """`"90s"`, `"5m"`, `"1h30m"`, `"6h"`, `"2d"`, `"1w"` as a timedelta."""
    if isinstance(value, timedelta):
        return value
    form = 'write a number with its unit in quotes, such as "30s", "5m", "1h30m", "6h", "2d" or "1w"'
    match = _DURATION.fullmatch(value.strip().lower()) if isinstance(value, str) else None
    if match is None or not any(match.groups()):
        raise ValueError(f"{quoted(value)} is not a duration; {form}")
    weeks, days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    length = timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds)
    if length > timedelta(days=3660):
        raise ValueError(f"{quoted(value)} is out of range; use at most ten years")
    return length


def parse_target(value: object) -> Target:
    """`"30m"`, `"4h"`, `"1d"`, `"1d4h"`: a time, in service hours or not as `[targets]` says; a day is a service day."""
    if isinstance(value, Target):
        return value
    form = 'write "30m", "4h" or "1d", where 1d is one service day: the opening hours of your longest day'
    match = _TARGET.fullmatch(value.strip().lower()) if isinstance(value, str) else None
    if match is None or not any(match.groups()):
        raise ValueError(f"{quoted(value)} is no target; {form}")
    days, hours, minutes = (int(part or 0) for part in match.groups())
    target = Target(timedelta(hours=hours, minutes=minutes), days)
    if target == Target():
        raise ValueError(f"{quoted(value)} is too short; use 1m or more")
    if target.days > 60 or target.time > timedelta(days=60):
        raise ValueError(f"{quoted(value)} is too long; use at most 60d")
    return target


def say_duration(length: timedelta) -> str:
    """A timedelta in the notation that `parse_duration` reads."""
    left, said = int(length.total_seconds()), ""
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        count, left = divmod(left, size)
        said += f"{count}{unit}" if count else ""
    return said or "0s"


def at_least(shortest: timedelta) -> AfterValidator:
    def check(length: timedelta) -> timedelta:
        if length < shortest:
            raise ValueError(f"{say_duration(length)} is too short; use {say_duration(shortest)} or more")
        return length

    return AfterValidator(check)


def parse_hours(value: object) -> Spans:
    """Opening hours by weekday, from one line or from a table of days; spans of a day in order, not overlapping."""
    week: dict[int, list[tuple[time, time]]] = {}
    if isinstance(value, str):
        days: list[int] = []
        for part in value.split(","):
            words = part.strip().lower()
            named = _DAYS.match(words)
            if named:
                days, words = _days(named), words[named.end() :].strip()
            if not days or not words:
                raise ValueError(f"{quoted(value)} are no opening hours; write {_HOURS_FORM}")
            for day in days:
                week.setdefault(day, []).append(_span(words))
    elif isinstance(value, Mapping):
        for name, spans in value.items():
            named = _DAYS.fullmatch(str(name).strip().lower())
            if named is None or not isinstance(spans, str):
                raise ValueError(f"{quoted(name)} = {quoted(spans)} are no opening hours; write {_HOURS_FORM}")
            for day in _days(named):
                week.setdefault(day, []).extend(_span(part.strip()) for part in spans.split(","))
    else:
        raise ValueError(f"{quoted(value)} are no opening hours; write {_HOURS_FORM}")
    for day, found in week.items():
        found.sort()
        for (_, closes), (opens, _) in pairwise(found):
            if opens < closes:
                raise ValueError(f"the hours of {WEEKDAYS[day]} overlap; give each stretch once")
    return {day: tuple(week[day]) for day in sorted(week)}


def _days(named: re.Match[str]) -> list[int]:
    for word in named.groups():
        if word is not None and word not in WEEKDAYS:
            hint = did_you_mean(word, WEEKDAYS) or f"days are {listed(WEEKDAYS)}"
            raise ValueError(f"{quoted(word)} is not a day; {hint}")
    first = WEEKDAYS.index(named[1])
    last = WEEKDAYS.index(named[2]) if named[2] else first
    return [(first + step) % 7 for step in range((last - first) % 7 + 1)]


def _span(words: str) -> tuple[time, time]:
    match = _SPAN.fullmatch(words)
    if match is None:
        raise ValueError(f'{quoted(words)} is not a stretch of time; write it like "09:00-18:00"')
    opens, closes = _clock(match[1], match[2]), _clock(match[3], match[4])
    if opens >= closes:
        raise ValueError(
            f"{quoted(words)} ends before it begins; a night takes two stretches,"
            ' "22:00-24:00" on one day and "00:00-06:00" on the next'
        )
    return opens, closes


def _clock(hour: str, minute: str) -> time:
    if (int(hour), int(minute)) == (24, 0):
        return time.max
    try:
        return time(int(hour), int(minute))
    except ValueError:
        raise ValueError(f'"{hour}:{minute}" is not a time of day; use 00:00 to 24:00') from None


def parse_time(value: object) -> time:
    """`"09:00"`, or TOML's own 09:00:00."""
    if isinstance(value, time):
        return value.replace(tzinfo=None)
    match = re.fullmatch(r"(\d{1,2}):(\d\d)", value.strip(), re.ASCII) if isinstance(value, str) else None
    if match is None:
        raise ValueError(f'{quoted(value)} is not a time of day; write it like "09:00"')
    return _clock(match[1], match[2])


def parse_date(value: object) -> date:
    """TOML's own 2026-12-25, or the same in quotes."""
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    try:
        if isinstance(value, str):
            return date.fromisoformat(value)
    except ValueError:
        pass
    raise ValueError(f"{quoted(value)} is not a date; write it like 2026-12-25")


def parse_zone(value: object) -> str:
    """The name of a time zone that exists."""
    known = "write a name such as Europe/Paris, America/New_York or UTC"
    if not isinstance(value, str):
        raise ValueError(f"{quoted(value)} is not a time zone; {known}")
    try:
        ZoneInfo(value)
    except (ValueError, LookupError, OSError):
        hint = did_you_mean(value, available_timezones())
        raise ValueError(f"{quoted(value)} is not a time zone; {hint or known}") from None
    return value


def parse_language(value: object) -> str:
    """A two-letter language code, lower case."""
    code = value.strip().lower() if isinstance(value, str) else ""
    if code in LANGUAGES:
        return code
    close = _LANGUAGE_NAMES.get(code) or (code[:2] if code[2:3] in ("-", "_") and code[:2] in LANGUAGES else "")
    hint = f'did you mean "{close}"?' if close else "write a two-letter code such as en, fr, it, es or de"
    raise ValueError(f"{quoted(value)} is not a language; {hint}")


def parse_account(value: object) -> str:
    """`platform:handle`, lower case, without a leading @."""
    platform, colon, handle = value.partition(":") if isinstance(value, str) else ("", "", "")
    platform, handle = platform.strip().lower(), handle.strip().lower().removeprefix("@")
    if not (colon and platform and handle) or "/" in handle or any(c.isspace() for c in platform + handle):
        raise ValueError(
            f"{quoted(value)} is not an account; write platform:handle, such as"
            ' "x:acme" or "mastodon:acme@example.social"'
        )
    return f"{platform}:{handle}"


def parse_slack_people(value: object) -> str:
    """The id of a Slack user ("U0123ABCD") or user group ("S0123ABCD"). Raises ValueError."""
    if isinstance(value, str) and _SLACK_PEOPLE.fullmatch(value.strip()):
        return value.strip()
    raise ValueError(
        "this is no id of a Slack user (U…) or user group (S…); copy it from the profile or the group's page in Slack"
    )


def parse_web_address(value: object) -> str:
    """An http(s) URL with a host and without a user name or password in it."""
    try:
        parts = urlsplit(value) if isinstance(value, str) else None
        fits = parts is not None and parts.scheme in ("http", "https") and bool(parts.hostname)
        secret = parts is not None and (parts.username is not None or parts.password is not None)
        if parts is not None:
            _ = parts.port  # raises where the port is no number
    except ValueError:
        fits = secret = False
    if secret:
        raise ValueError("this address holds a user name or password; keep them out of the file")
    if not fits or not isinstance(value, str) or any(c.isspace() for c in value):
        raise ValueError(f"{quoted(value)} is not a web address; it begins with https:// or http://")
    return value


def parse_intranet(value: object) -> str:
    """A host, `*.` and a domain, an address or a network of the own network, as `connectors.addresses` reads them."""
    if not isinstance(value, str):
        raise ValueError(
            f'{quoted(value)} is neither a host nor a network; write "forum.corp.example" or "10.20.0.0/16"'
        )
    return str(read_intranet(value))


def plain_text(value: str) -> str:
    """One line of text without blanks around it."""
    text = value.strip()
    if not text:
        raise ValueError("must not be empty; write something")
    if len(text) > 200:
        raise ValueError("this text is too long; use at most 200 characters")
    if any(ord(character) < 32 or ord(character) == 127 for character in text):
        raise ValueError(f"{quoted(text)} holds line ends or control characters; write one plain line")
    return text


def saved_text(value: str) -> str:
    """The text of a saved reply: some lines, with `{author}` and `{brand}` and no other braces."""
    text = value.strip()
    if not text:
        raise ValueError("must not be empty; write something")
    if len(text) > saved.LONGEST:
        raise ValueError(f"this text is too long; use at most {saved.LONGEST} characters")
    if any((ord(character) < 32 and character not in "\n\t") or ord(character) == 127 for character in text):
        raise ValueError("this text holds control characters; write plain lines")
    if (wrong := saved.wrong_braces(text)) is not None:
        raise ValueError(f"{quoted(wrong)} cannot be filled in; use {{author}} or {{brand}}, and no other braces")
    return text


def parse_name(value: object) -> str:
    if not isinstance(value, str) or not _NAME.fullmatch(value) or len(value) > 60:
        raise ValueError(f"{quoted(value)} is not a name; use letters, digits, - and _, at most 60 of them")
    return value


def parse_brand_query(value: object) -> str:
    """A query that can be parsed; what is wrong with it is said in one line, with the place."""
    if not isinstance(value, str):
        raise ValueError(f"{quoted(value)} is not a query; write it in quotes, such as 'acme OR \"acme one\"'")
    from rules.query import parse  # with its grammar, 2 MB that a configuration without a query does without

    try:
        parse(value)
    except QueryError as error:
        raise ValueError(
            f"{error.what} (at character {error.position + 1}); {error.hint[:1].lower()}{error.hint[1:]}"
        ) from None
    return value


Text = Annotated[str, AfterValidator(plain_text)]
SavedText = Annotated[str, AfterValidator(saved_text)]
Flag = StrictBool
BrandQuery = Annotated[str, BeforeValidator(parse_brand_query)]
Duration = Annotated[timedelta, BeforeValidator(parse_duration)]
ReplyTarget = Annotated[Target, BeforeValidator(parse_target)]
Hours = Annotated[Any, BeforeValidator(parse_hours)]
Clock = Annotated[time, BeforeValidator(parse_time)]
Holiday = Annotated[date, BeforeValidator(parse_date)]
Zone = Annotated[str, BeforeValidator(parse_zone)]
Language = Annotated[str, BeforeValidator(parse_language)]
Account = Annotated[str, BeforeValidator(parse_account)]
SlackPeople = Annotated[str, BeforeValidator(parse_slack_people)]
Intranet = Annotated[str, BeforeValidator(parse_intranet)]
WebAddress = Annotated[str, BeforeValidator(parse_web_address)]
Name = Annotated[str, BeforeValidator(parse_name)]
