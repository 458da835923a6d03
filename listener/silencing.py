"""Adding, ending and listing silences for people: the one way in for the command line and for Slack.

What they typed is checked against what there is (touchpoints, sources, stages, …); whatever is wrong is answered with
one sentence that says what is allowed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from listener.cases.silences import REMEMBERED, Fits, Silence, new_silence
from listener.config import Config
from listener.config.problems import did_you_mean, listed
from listener.config.values import (
    parse_account,
    parse_duration,
    parse_language,
    plain_text,
)
from listener.store import Store
from rules.vocabulary import TOUCHPOINTS, Intent, Stage

SENTIMENTS = ("negative", "neutral", "positive")
# What is typed -> the field of `Fits`. Each may be given several times, but for the author.
KEYS: Mapping[str, str] = {
    "stage": "stages",
    "intent": "intents",
    "touchpoint": "touchpoints",
    "source": "sources",
    "platform": "platforms",
    "language": "languages",
    "sentiment": "sentiments",
    "author": "author",
    "words": "words",
}


class WrongSilence(ValueError):
    """What was wanted is no silence, or there is none to end. The message is for whoever typed it."""


def add(
    store: Store,
    config: Config,
    who: str,
    comment: str,
    conditions: Mapping[str, Sequence[str]],
    length: timedelta,
    now: datetime,
    begins_at: datetime | None = None,
) -> Silence:
    """Keep quiet what fits `conditions` (by the names of `KEYS`) for `length` from now, or from its begin. Raises WrongSilence."""
    fits = read_conditions(conditions, config)
    try:
        new = new_silence(who, comment, fits, (begins_at or now) + length, now, begins_at)
    except ValueError as error:
        raise WrongSilence(str(error)) from None
    return store.add_silence(new)


def end(store: Store, silence_id: int, who: str, now: datetime) -> Silence:
    """End a silence before its time. Raises WrongSilence."""
    ended = store.end_silence(silence_id, who, now)
    if ended is None:
        running = ", ".join(str(one.id) for one in standing(store, now)) or "none"
        raise WrongSilence(f"there is no silence {silence_id} that could be ended; in force or planned: {running}")
    return ended


def standing(store: Store, now: datetime, *, with_ended: bool = False) -> Sequence[Silence]:
    """Silences in force or planned; `with_ended`: those that ended within a day as well."""
    return store.silences(now - REMEMBERED if with_ended else now)


def typed(text: str) -> tuple[timedelta, Mapping[str, Sequence[str]], str]:
    """`2h touchpoint:app author:x:bob launch noise` as length, conditions and comment. Raises WrongSilence.

    Words with blanks stand in quotes: `words:"launch party"`.
    """
    first, *others = _split(text) or [""]
    try:
        length = parse_duration(first)
    except ValueError as error:
        raise WrongSilence(f"how long comes first, such as: 2h touchpoint:app launch noise ({error})") from None
    conditions: dict[str, list[str]] = {}
    comment: list[str] = []
    for word in others:
        key, colon, value = word.partition(":")
        if colon and value and key in KEYS and not comment:
            conditions.setdefault(key, []).append(value)
        else:
            comment.append(word)
    return length, conditions, " ".join(comment)


def read_conditions(conditions: Mapping[str, Sequence[str]], config: Config) -> Fits:
    """Conditions as typed, checked. Raises WrongSilence."""
    found = {key: [value for value in values if value.strip()] for key, values in conditions.items()}
    if unknown := sorted(found.keys() - KEYS.keys()):
        raise WrongSilence(f"{unknown[0]!r} is no condition of a silence; known are {listed(tuple(KEYS))}")
    if len(found.get("author", ())) > 1:
        raise WrongSilence("a silence has one author; add another silence for the next")
    get = found.get
    touchpoints = (*TOUCHPOINTS, *config.journey.touchpoints)
    return Fits(
        stages=frozenset(Stage(one) for one in _known("stage", get("stage", ()), [stage.value for stage in Stage])),
        intents=frozenset(
            Intent(one) for one in _known("intent", get("intent", ()), [intent.value for intent in Intent])
        ),
        touchpoints=frozenset(_known("touchpoint", get("touchpoint", ()), touchpoints)),
        sources=frozenset(_known("source", get("source", ()), [source.name for source in config.sources])),
        platforms=frozenset(one.strip().lower() for one in get("platform", ())),
        languages=frozenset(_read(parse_language, one) for one in get("language", ())),
        sentiments=frozenset(_known("sentiment", get("sentiment", ()), SENTIMENTS)),
        author=next((_read(parse_account, one) for one in get("author", ())), ""),
        words=tuple(_read(plain_text, one) for one in get("words", ())),
    )


def say(silence: Silence, now: datetime) -> str:
    """One line: number, whose, which mentions, since and until when, why, and how many it kept quiet."""
    until = f"{silence.ends_at:%d %b %H:%M} UTC"
    if silence.ends_at <= now:
        span = f"ended {until}" + (f" by {silence.ended_by}" if silence.ended_by else "")
    elif silence.begins_at > now:
        span = f"from {silence.begins_at:%d %b %H:%M} to {until}"
    else:
        span = f"until {until}"
    posts = "1 post" if silence.mentions == 1 else f"{silence.mentions} posts"
    return f"silence {silence.id} by {silence.who}, {span}: {silence.fits} ({silence.comment}), {posts} kept quiet"


def _known(kind: str, words: Iterable[str], known: Iterable[str]) -> list[str]:
    allowed, found = tuple(known), []
    for word in words:
        if word not in allowed:
            hint = did_you_mean(word, allowed)
            choice = f"known are {listed(allowed, 40)}" if allowed else "none is configured"
            raise WrongSilence(f"there is no {kind} {word!r}; {hint + ' ' if hint else ''}{choice}")
        found.append(word)
    return found


def _read(parse: Callable[[str], str], word: str) -> str:
    try:
        return parse(word)
    except ValueError as error:
        raise WrongSilence(str(error)) from None


def _split(text: str) -> list[str]:
    """Words; what stands in double quotes stays together, an open quote ends with the text."""
    found, word, quoted = [], "", False
    for letter in text.replace("“", '"').replace("”", '"'):
        if letter == '"':
            quoted = not quoted
        elif letter.isspace() and not quoted:
            if word:
                found.append(word)
            word = ""
        else:
            word += letter
    return [*found, word] if word else found
