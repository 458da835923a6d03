"""The Markdown of what a week says beyond its stages, and of what the team decided."""

from __future__ import annotations

from collections.abc import Iterator

from listener.digest import sayings, words
from listener.digest.figures import Digest, Hypothesis
from listener.digest.markup import bullets, counts, escape, quoted, table
from listener.digest.text import number


def sections(digest: Digest) -> Iterator[str]:
    """Pairs, questions, hypotheses, phrases, share of voice; a section with nothing to say is left out."""
    if digest.pairs:
        yield from _titled("What belongs together", bullets(pair.sentence for pair in digest.pairs))
    if digest.total.mentions:
        yield from _titled("Six questions", _questions(digest))
    if digest.hypotheses:
        yield from _titled("What we believed", (line for one in digest.hypotheses for line in _hypothesis(one)))
    if digest.phrases.sentence:
        yield from _titled("New words", _phrases(digest))
    if digest.rivals or digest.share_of_voice.shown:
        yield from _titled("Posts about rivals", _rivals(digest))


def decisions(digest: Digest) -> Iterator[str]:
    """What the team decided, carried over until it is done."""
    if digest.decisions:
        yield ""
        yield "## Decisions"
        yield ""
        yield from bullets(map(sayings.decision, digest.decisions))


def _titled(title: str, lines: Iterator[str]) -> Iterator[str]:
    yield f"## {title}"
    yield ""
    yield from lines
    yield ""


def _questions(digest: Digest) -> Iterator[str]:
    for question in digest.questions:
        yield f"- **{escape(question.text)}** {escape(question.sentence)}"
        for answer in question.answers[:1]:
            if answer.example is not None:
                yield f"  - {quoted(answer.example)}"


def _hypothesis(one: Hypothesis) -> Iterator[str]:
    yield f"- **{escape(one.says)}** {escape(one.sentence)}"
    for side, examples in (("for", one.examples_for), ("against", one.examples_against)):
        for post in examples[:1]:
            yield f"  - {side}: {quoted(post)}"


def _phrases(digest: Digest) -> Iterator[str]:
    yield escape(digest.phrases.sentence)
    if digest.phrases.phrases:
        yield ""
    for phrase in digest.phrases.phrases:
        yield f"- **{escape(phrase.text)}** ({escape(phrase.lang)}): {escape(sayings.phrase(phrase))}"
        for post in phrase.examples[:1]:
            yield f"  - {quoted(post)}"


def _rivals(digest: Digest) -> Iterator[str]:
    voice = digest.share_of_voice
    if voice.shown:
        rows = [(one.name, number(one.authors), number(one.mentions), words.share(one.share)) for one in voice.brands]
        yield from table(("Brand", "People", "Posts", "Share of voice"), rows, range(1, 3))
        yield ""
        yield escape(sayings.voices(voice))
    else:
        yield f"{escape(counts(digest.rivals))}. Counts only: search words may not be equal for all. {escape(voice.why)}".rstrip()
