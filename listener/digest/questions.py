"""The six questions that every customer survey asks, answered from what people write unasked.

How did you find us, what decided, how was the checkout, why did you come back, would you recommend us, what should we
improve. Evidence is what triage found: the rules that left their name in the verdict (the same tails in all five
languages), stages, intents, and the touchpoints with the mood they were felt in. A person counts once for each answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from listener.digest.findings import Answer, Question
from listener.digest.labels import Labels
from listener.digest.said import HAPPY, NEUTRAL, UNHAPPY, Best, Said, standing
from listener.digest.text import visible
from rules.vocabulary import Intent, Stage

_SHOWN = 6

# Question -> tail of a rule's id -> answer. Rules of your own take part by the same tails.
CUES: Mapping[str, Mapping[str, str]] = {
    "found": {
        "awareness.advert": "advertising", "awareness.news": "news", "awareness.spotted": "spotted",
        "awareness.first-met": "heard",
    },
    "decided": {
        "selection.price-stock": "pricing", "selection.too-expensive": "pricing", "selection.out-of-stock": "availability",
        "selection.price-promotion-broken": "promotion", "selection.versus": "rival", "consideration.turned-off": "put-off",
        "consideration.good-impression": "impression",
    },
    "checkout": {
        "purchase.payment-failed": "payment-failed", "purchase.code-fails": "code-failed",
        "selection.price-promotion-broken": "code-failed", "purchase.charged-wrongly": "charged-wrongly",
        "selection.left-cart": "gave-up", "selection.gave-up": "gave-up", "purchase.just-bought": "bought",
        "purchase.bought": "bought", "purchase.booking": "bought",
    },
    "back": {
        "loyalty.again": "again", "loyalty.reordered": "again", "loyalty.long-time": "long-time",
        "loyalty.programme": "loyalty_programme", "loyalty.member": "loyalty_programme",
        "loyalty.back-from-rival": "back-from-rival", "leaving.back-from-rival": "back-from-rival",
    },
    "recommend": {
        "advocacy.recommends": "recommend", "advocacy.shout-out": "recommend", "advocacy.tells": "recommend",
        "advocacy.defends": "recommend", "advocacy.warns": "warn", "advocacy.boycott": "warn",
        "consideration.opinions": "ask",
    },
    "improve": {},
}  # fmt: skip

_TEXTS: Mapping[str, str] = {
    "found": "How did you find us?",
    "decided": "What decided you?",
    "checkout": "How was the checkout?",
    "back": "Why did you come back?",
    "recommend": "Would you recommend us?",
    "improve": "What should we improve?",
}
_LABELS: Mapping[str, str] = {
    "news": "in the news",
    "spotted": "came across us",
    "heard": "heard of us, from people or by chance",
    "rival": "the comparison with a rival",
    "put-off": "put off before buying",
    "impression": "a good impression",
    "payment-failed": "payment refused",
    "code-failed": "a code or an offer that did not work",
    "charged-wrongly": "charged wrongly",
    "gave-up": "gave up",
    "bought": "bought, and told of no trouble",
    "again": "ordered again",
    "long-time": "a customer for years",
    "back-from-rival": "back from a rival",
    "recommend": "recommend us",
    "warn": "warn of us",
    "ask": "ask others",
    "other": "something else",
}
_WHERE_FOUND = frozenset({"advertising", "content", "search", "store", "promotion", "reseller", "website"})
_TILL = frozenset({"checkout", "payment"})
_TROUBLE = frozenset({"payment-failed", "code-failed", "charged-wrongly", "gave-up", "warn", "put-off"})
WISHES = frozenset({"use.wish", "complaint.lack", "suggestion.ideas", "suggestion.change"})
_BY_TAIL = {
    tail: [(question, cues[tail]) for question, cues in CUES.items() if tail in cues]
    for tail in {tail for cues in CUES.values() for tail in cues}
}


@dataclass(slots=True)
class _Answered:
    posts: int = 0
    people: set[str] = field(default_factory=set)
    unhappy: set[str] = field(default_factory=set)
    happy: set[str] = field(default_factory=set)
    best: Best = field(default_factory=lambda: Best(1))


class Questions:
    """Hears every counted post; `figures` gives the six questions, those that nobody answered too."""

    def __init__(self) -> None:
        self._found: dict[str, dict[str, _Answered]] = {question: {} for question in _TEXTS}

    def add(self, one: Said) -> None:
        """Take what a post answers."""
        answers: dict[tuple[str, str], int] = {}
        wishes = Intent.SUGGESTION in one.post.intents
        for rule in one.post.rules:
            tail = rule.partition(".")[2]
            wishes = wishes or tail in WISHES
            for question, answer in _BY_TAIL.get(tail, ()):
                answers[question, answer] = _mood(one, answer)
        if one.felt:
            answers.update({(question, touchpoint): felt for question, touchpoint, felt in _from_touchpoints(one)})
        if wishes:
            for touchpoint in one.felt or ("other",):
                answers["improve", touchpoint] = one.felt.get(touchpoint, one.sign)
        if not answers:
            return
        if ("checkout", "bought") in answers and any(
            question == "checkout" and felt == UNHAPPY for (question, _), felt in answers.items()
        ):
            del answers["checkout", "bought"]
        for (question, answer), felt in answers.items():
            found = self._found[question].setdefault(answer, _Answered())
            found.posts += 1
            found.people.add(one.author)
            if felt != NEUTRAL:
                (found.happy if felt == HAPPY else found.unhappy).add(one.author)
            if one.post.text:
                found.best.offer(one.rank, one)

    def figures(self, buyers: Mapping[str, int], label: Callable[[str], str], book: Labels) -> tuple[Question, ...]:
        """The six questions in their order. `label` names a touchpoint."""
        return tuple(self._question(key, book.word(text), buyers, label, book) for key, text in _TEXTS.items())

    def _question(
        self, key: str, text: str, buyers: Mapping[str, int], label: Callable[[str], str], book: Labels
    ) -> Question:
        found = self._found[key]
        ranked = sorted(found.items(), key=lambda entry: (-len(entry[1].people), -entry[1].posts, entry[0]))
        answers = tuple(_answer(name, entry, buyers, label, book) for name, entry in ranked[:_SHOWN])
        everybody = set[str]().union(*(entry.people for entry in found.values()))
        return Question(key, text, len(everybody), answers, _sentence(key, len(everybody), answers, found, book))


def _from_touchpoints(one: Said) -> Iterator[tuple[str, str, int]]:
    stages = (one.post.stage, one.post.secondary_stage)
    for touchpoint, felt in one.felt.items():
        if Stage.AWARENESS in stages and touchpoint in _WHERE_FOUND:
            yield "found", touchpoint, felt
        if one.post.stage in (Stage.CONSIDERATION, Stage.SELECTION) and touchpoint not in _TILL and felt != NEUTRAL:
            yield "decided", touchpoint, felt
        if touchpoint in _TILL:
            yield "checkout", touchpoint, felt
        if one.post.stage is Stage.LOYALTY and felt == HAPPY and Intent.LEAVING not in one.post.intents:
            yield "back", touchpoint, felt


def _mood(one: Said, answer: str) -> int:
    if answer in _TROUBLE:
        return UNHAPPY
    if answer == "recommend":
        return HAPPY
    return one.felt.get(answer, one.sign)


def _answer(
    name: str, found: _Answered, buyers: Mapping[str, int], label: Callable[[str], str], book: Labels
) -> Answer:
    bought, not_bought = standing(found.people, buyers)
    return Answer(
        key=visible(name, 60),
        label=book.word(_LABELS[name]) if name in _LABELS else label(name),
        authors=len(found.people),
        mentions=found.posts,
        unhappy=len(found.unhappy),
        happy=len(found.happy),
        example=next(iter(found.best.posts()), None),
        buyers=bought,
        non_buyers=not_bought,
    )


def _sentence(
    key: str, everybody: int, answers: tuple[Answer, ...], found: Mapping[str, _Answered], book: Labels
) -> str:
    if not everybody:
        return book.say("answer_nobody")
    if key == "recommend":
        for_us, against = (len(found[name].people) if name in found else 0 for name in ("recommend", "warn"))
        balance = f"{'+' if for_us > against else '−' if for_us < against else ''}{book.number(abs(for_us - against))}"
        return book.say(
            "answer_recommend",
            for_us=book.say("recommending", for_us),
            against=book.say("warning", against),
            balance=balance,
        )
    parts = [f"{answer.label} {book.number(answer.authors)}{_moods(answer, book)}" for answer in answers[:3]]
    return book.say("answer_said", everybody, what=book.semicolon.join(parts))


def _moods(answer: Answer, book: Labels) -> str:
    moods = [book.some(count, mood) for count, mood in ((answer.unhappy, "unhappy"), (answer.happy, "happy")) if count]
    return f" ({', '.join(moods)})" if moods else ""
