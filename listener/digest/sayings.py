"""How a top post, a phrase, a share of voice and a decision are told in one line, the same in every form."""

from __future__ import annotations

from listener.digest.figures import Decision, Phrase, Post, ShareOfVoice
from listener.digest.text import listing, number, people, some


def times(post: Post) -> str:
    """` (25 times the usual of forum)`, "" where there is no usual."""
    return (
        ""
        if post.times_usual is None
        else f" ({post.times_usual:,.1f} times the usual of {post.source})".replace(".0 ", " ")
    )


def phrase(figures: Phrase) -> str:
    """`6 people, usually 0.2; 5 unhappy, 0 happy, mostly at Use`."""
    usual = f"{figures.usual:.1f}".removesuffix(".0")
    where = f", mostly at {figures.stages[0].label}" if figures.stages else ""
    return f"{people(figures.authors)}, usually {usual}; {number(figures.unhappy)} unhappy, {number(figures.happy)} happy{where}"


def voices(figures: ShareOfVoice) -> str:
    """What a share of voice is of."""
    return f"Of the people who wrote of us or a rival in {listing(list(figures.sources))}, which look for all alike."


def decision(figures: Decision) -> str:
    """`3. Call the carrier (ana, 2026-W45): open for 2 weeks`."""
    if figures.done_at is not None:
        state = "done this week"
    elif not figures.weeks_open:
        state = "decided this week"
    else:
        state = f"open for {some(figures.weeks_open, 'week')}"
    return f"{figures.number}. {figures.text} ({figures.who}, {figures.week}): {state}"
