"""The digest as tidy CSV: one line for each figure, with the same columns throughout.

`measure` says what the line counts; columns that do not apply are empty. Lines of `cell` are the finest table, from which
other cuts are made: those without a touchpoint add up to the posts counted. Words that a spreadsheet would take for a
formula are led by an apostrophe. Lines end with a line feed, numbers use a full stop.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence

from listener.digest.figures import Change, Digest, NamedCount, Share, StageFigures, Tally

COLUMNS = (
    "week", "measure", "name", "stage", "touchpoint", "sentiment", "language", "source", "buyer_status",
    "mentions", "authors", "buyers", "non_buyers", "value", "low", "high", "of", "words",
)  # fmt: skip
_FORMULA = ("=", "+", "-", "@", "\t", "\r")

Value = str | int | float | None
Line = dict[str, Value]


def render(digest: Digest) -> str:
    """The whole digest as CSV text, with a line of column names."""
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, restval="", lineterminator="\n")
    writer.writeheader()
    for line in _lines(digest):
        writer.writerow({name: harmless(value) for name, value in {"week": digest.week.name, **line}.items()})
    return out.getvalue()


def harmless(value: Value) -> Value:
    """A value that no spreadsheet takes for a formula."""
    # https://owasp.org/www-community/attacks/CSV_Injection
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def _lines(digest: Digest) -> Iterator[Line]:
    yield {"measure": "state", "words": digest.state}
    yield {"measure": "headline", "words": digest.headline}
    for note in digest.notes:
        yield {"measure": "note", "words": note}
    kinds = digest.accounting
    for name in ("stored", "counted", "promotional", "rivals", "own", "not_relevant"):
        yield {"measure": "accounting", "name": name, "mentions": getattr(kinds, name)}
    yield from _tally("total", {}, digest.total)
    yield _change("change", {}, digest.change)
    for stage in (*digest.stages, digest.unclear):
        yield from _stage(stage)
    yield from _topics(digest)
    yield from _named("urgency", digest.urgency)
    yield from _named("emotion", digest.emotions)
    yield from _named("language", digest.languages, "language")
    yield from _named("platform", digest.platforms)
    yield from _named("source", digest.sources, "source")
    yield from _named("buyer_status", digest.buyer_status, "buyer_status")
    yield from _named("rival", digest.rivals)
    yield from _findings(digest)
    yield from _quality(digest)
    for cell in digest.cells:
        yield {
            "measure": "cell", "stage": cell.stage, "touchpoint": cell.touchpoint, "sentiment": cell.sentiment,
            "language": cell.language, "source": cell.source, "buyer_status": cell.buyer_status,
            "mentions": cell.mentions, "authors": cell.authors,
        }  # fmt: skip


def _stage(stage: StageFigures) -> Iterator[Line]:
    at: Line = {"stage": stage.key, "name": stage.label}
    yield from _tally("stage", at, stage.tally)
    yield _change("stage_change", at, stage.change)
    yield {**_change("stage_change", at, stage.change_negative), "sentiment": "negative"}
    yield {
        "measure": "stage_secondary", **at, "mentions": stage.secondary_mentions, "authors": stage.secondary_authors
    }  # fmt: skip


def _tally(measure: str, at: Line, tally: Tally) -> Iterator[Line]:
    people: Line = {"buyers": tally.buyers, "non_buyers": tally.non_buyers}
    yield {"measure": measure, **at, "mentions": tally.mentions, "authors": tally.authors, **people}
    for mood, posts, authors in (
        ("negative", tally.negative_mentions, tally.negative_authors),
        ("neutral", tally.neutral_mentions, tally.neutral_authors),
        ("positive", tally.positive_mentions, tally.positive_authors),
    ):
        yield {"measure": measure, **at, "sentiment": mood, "mentions": posts, "authors": authors}
    yield {
        "measure": f"{measure}_net", **at, "value": tally.net, "low": tally.net_low, "high": tally.net_high,
        "of": tally.authors,
    }  # fmt: skip
    yield {**_share(f"{measure}_negative_share", tally.negative), **at}


def _change(measure: str, at: Line, change: Change) -> Line:
    return {"measure": measure, **at, "value": change.now, "of": change.usual, "words": change.word}


def _share(measure: str, share: Share | None) -> Line:
    if share is None:
        return {"measure": measure}
    return {"measure": measure, "value": share.count, "of": share.of, "low": share.low, "high": share.high}


def _named(measure: str, named: Sequence[NamedCount], column: str = "name") -> Iterator[Line]:
    for one in named:
        yield {
            "measure": measure, "name": one.label, column: one.name, "mentions": one.mentions, "authors": one.authors,
            "buyers": one.buyers, "non_buyers": one.non_buyers,
        }  # fmt: skip


def _topics(digest: Digest) -> Iterator[Line]:
    for measure, mood, topics in (("pain", "negative", digest.pains), ("delight", "positive", digest.delights)):
        for topic in topics:
            yield {
                **_share(measure, topic.share), "name": topic.label, "touchpoint": topic.touchpoint, "sentiment": mood,
                "mentions": topic.mentions, "authors": topic.authors, "buyers": topic.buyers,
                "non_buyers": topic.non_buyers, "words": topic.owner,
            }  # fmt: skip
    for door in digest.exits:
        people: Line = {"buyers": door.buyers, "non_buyers": door.non_buyers}
        yield {
            "measure": "exit", "name": door.label, "stage": door.stage, "mentions": door.mentions, "authors": door.authors,
            **people,
        }  # fmt: skip
        for line in _named("exit_reason", door.reasons, "touchpoint"):
            yield {**line, "stage": door.stage}
        for line in _named("exit_to", door.rivals):
            yield {**line, "stage": door.stage}


def _findings(digest: Digest) -> Iterator[Line]:
    for pair in digest.pairs:
        yield {
            "measure": "pair", "name": f"{pair.one} + {pair.other}", "mentions": pair.mentions, "authors": pair.authors,
            "buyers": pair.buyers, "non_buyers": pair.non_buyers, "words": pair.sentence,
        }  # fmt: skip
    for question in digest.questions:
        yield {"measure": "question", "name": question.key, "authors": question.authors, "words": question.sentence}
        for answer in question.answers:
            yield {
                "measure": f"question_{question.key}", "name": answer.key, "mentions": answer.mentions,
                "authors": answer.authors, "buyers": answer.buyers, "non_buyers": answer.non_buyers, "words": answer.label,
            }  # fmt: skip
    for voice in digest.share_of_voice.brands:
        yield {
            **_share("share_of_voice", voice.share), "name": voice.name, "mentions": voice.mentions, "authors": voice.authors,
        }  # fmt: skip
    for phrase in digest.phrases.phrases:
        yield {
            "measure": "phrase", "name": phrase.text, "language": phrase.lang, "authors": phrase.authors,
            "buyers": phrase.buyers, "non_buyers": phrase.non_buyers, "value": phrase.log_odds, "of": phrase.usual,
        }  # fmt: skip
    for belief in digest.hypotheses:
        for name, people in (("for", belief.supporting), ("against", belief.opposing), ("neither", belief.neither)):
            yield {"measure": "hypothesis", "name": name, "authors": people, "words": belief.says}
    for one in digest.loud:
        yield {
            "measure": "loud", "name": one.ref, "touchpoint": one.kind.partition(":")[2], "authors": one.authors,
            "value": one.authors, "of": one.usual, "words": one.sentence,
        }  # fmt: skip
    for decision in digest.decisions:
        yield {
            "measure": "decision", "name": str(decision.number), "value": decision.weeks_open,
            "words": f"{decision.text} ({decision.week}{', done' if decision.done_at else ''})",
        }  # fmt: skip
    for post in digest.top_posts:
        yield {
            "measure": "top_post", "name": post.url or post.ref, "stage": post.stage, "sentiment": post.sentiment,
            "language": post.lang, "source": post.source, "value": post.engagement, "of": post.times_usual,
        }  # fmt: skip


def _quality(digest: Digest) -> Iterator[Line]:
    response = digest.response
    for name in ("cases", "unclaimed", "open", "resolved", "late", "unanswered"):
        yield {"measure": "cases", "name": name, "value": getattr(response, name)}
    yield _share("answered_in_time", response.in_time)
    yield {"measure": "first_reply_median_hours", "value": response.median_hours}
    yield {"measure": "first_reply_p90_hours", "value": response.p90_hours}
    yield _share("thanked", response.thanked)
    if response.shelf is not None:
        for name in ("found", "granted", "waiting"):
            yield {"measure": "shelf", "name": name, "value": getattr(response.shelf, name)}
    for source in digest.coverage.sources:
        yield {
            "measure": "coverage_hours", "source": source.name, "name": source.connector, "mentions": source.mentions,
            "value": source.hours, "of": source.of_hours, "words": source.status,
        }  # fmt: skip
        yield {"measure": "delay_minutes", "source": source.name, "value": source.delay_minutes}
    yield from _trust(digest)


def _trust(digest: Digest) -> Iterable[Line]:
    trust = digest.confidence
    yield _share("stage_unclear", trust.unclear)
    yield _share("language_unknown", trust.unknown_language)
    yield _share("buyer_status_unknown", trust.without_buyer_status)
    yield _share("agreement", trust.agreement)
    yield {"measure": "rules_matched", "value": trust.rules_matched, "of": trust.rules}
