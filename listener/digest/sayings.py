"""How a top post, a phrase, a share of voice, a spike and a decision are told in one line, the same in every form."""

from __future__ import annotations

from listener.digest.figures import Decision, Loud, Phrase, Post, ShareOfVoice
from listener.digest.labels import Labels


def times(post: Post, book: Labels) -> str:
    """`25 times the usual of forum`, "" where there is no usual."""
    if post.times_usual is None:
        return ""
    return book.say("times_usual", times=book.decimal(post.times_usual), source=post.source)


def reactions(post: Post, book: Labels) -> str:
    """`120 reactions (25 times the usual of forum)`."""
    usual = times(post, book)
    return book.some(post.engagement, "reaction") + (f" ({usual})" if usual else "")


def phrase(figures: Phrase, book: Labels) -> str:
    """`6 people, usually 0.2; 5 unhappy, 0 happy, mostly at Use`."""
    return f"{phrase_people(figures, book)}{book.semicolon}{phrase_moods(figures, book)}"


def phrase_people(figures: Phrase, book: Labels) -> str:
    """`6 people, usually 0.2`."""
    return book.say("phrase_line", people=book.people(figures.authors), usual=book.decimal(figures.usual))


def phrase_moods(figures: Phrase, book: Labels) -> str:
    """`5 unhappy, 0 happy, mostly at Use`."""
    moods = ", ".join((book.some(figures.unhappy, "unhappy"), book.some(figures.happy, "happy")))
    return f"{moods}, {book.say('mostly_at', stage=figures.stages[0].label)}" if figures.stages else moods


def voices(figures: ShareOfVoice, book: Labels) -> str:
    """What a share of voice is of."""
    return book.say("voices_note", sources=book.listing(figures.sources))


def loud(figures: Loud) -> str:
    """The sentence of a spike or an announced event, with the reference that `listener spikes show` takes."""
    return f"{figures.sentence} ({figures.ref})"


def decision(figures: Decision, book: Labels) -> str:
    """`3. Call the carrier (ana, 2026-W45): open for 2 weeks`."""
    return (
        f"{figures.number}. {figures.text} ({figures.who}, {figures.week}){book.colon}{decision_state(figures, book)}"
    )


def decision_state(figures: Decision, book: Labels) -> str:
    """`open for 2 weeks`."""
    if figures.done_at is not None:
        return book.say("decision_done")
    return book.say("decision_open", weeks=book.some(figures.weeks_open, "week")) if figures.weeks_open else book.say("decision_new")  # fmt: skip
