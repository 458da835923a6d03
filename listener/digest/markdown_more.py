"""The Markdown of what a week says beyond its stages: spikes, pairs, questions, hypotheses, phrases, rivals."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from listener.digest import sayings, words
from listener.digest.figures import Digest, Hypothesis
from listener.digest.labels import Labels
from listener.digest.markup import bullets, counts, escape, quoted, table


def sections(digest: Digest, book: Labels) -> Iterator[str]:
    """Spikes, pairs, questions, hypotheses, phrases, share of voice; a section with nothing to say is left out."""
    if digest.loud:
        yield from titled(book.say("loud_head"), bullets(map(sayings.loud, digest.loud)))
    if digest.pairs:
        yield from titled(book.say("pairs_head"), bullets(pair.sentence for pair in digest.pairs))
    if digest.total.mentions:
        yield from titled(book.say("questions_head"), _questions(digest, book))
    if digest.hypotheses:
        beliefs = (line for one in digest.hypotheses for line in _hypothesis(one, book))
        yield from titled(book.say("hypotheses_head"), beliefs)
    if digest.phrases.sentence:
        yield from titled(book.say("phrases_head"), _phrases(digest, book))
    if digest.rivals or digest.share_of_voice.shown:
        shown = digest.share_of_voice.shown
        yield from titled(book.say("voices_head" if shown else "rivals_head"), _rivals(digest, book))


def titled(title: str, lines: Iterable[str]) -> Iterator[str]:
    """A section."""
    yield f"## {title}"
    yield ""
    yield from lines
    yield ""


def _questions(digest: Digest, book: Labels) -> Iterator[str]:
    for question in digest.questions:
        yield f"- **{escape(question.text)}** {escape(question.sentence)}"
        for answer in question.answers[:1]:
            if answer.example is not None:
                yield f"  - {quoted(answer.example, book)}"


def _hypothesis(one: Hypothesis, book: Labels) -> Iterator[str]:
    yield f"- **{escape(one.says)}** {escape(one.sentence)}"
    for side, examples in (("for_word", one.examples_for), ("against_word", one.examples_against)):
        for post in examples[:1]:
            yield f"  - {book.say(side)}{book.colon}{quoted(post, book)}"


def _phrases(digest: Digest, book: Labels) -> Iterator[str]:
    yield escape(digest.phrases.sentence)
    if digest.phrases.phrases:
        yield ""
    for phrase in digest.phrases.phrases:
        yield f"- **{escape(phrase.text)}** ({escape(phrase.lang)}){book.colon}{escape(sayings.phrase(phrase, book))}"
        for post in phrase.examples[:1]:
            yield f"  - {quoted(post, book)}"


def _rivals(digest: Digest, book: Labels) -> Iterator[str]:
    voice = digest.share_of_voice
    if voice.shown:
        header = tuple(map(book.say, ("brand_word", "people", "posts", "voices_head")))
        rows = [
            (one.name, book.number(one.authors), book.number(one.mentions), words.share(one.share, book))
            for one in voice.brands
        ]
        yield from table(header, rows, range(1, 3))
        yield ""
        yield escape(sayings.voices(voice, book))
    else:
        yield f"{escape(counts(digest.rivals, book))}. {escape(book.say('voices_counts'))} {escape(voice.why)}".rstrip()
