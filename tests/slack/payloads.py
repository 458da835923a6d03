"""Everything that a person can be shown in Slack, made of one hostile post: the list that `test_hostile_payloads` holds to account.

**A new message, window or answer belongs in `CASES`**: a function that takes a `Made` and yields payloads, i.e. what
chat.postMessage takes (`text`, `blocks`), or a view. The test fails for every function of the program that builds one and
that no case runs. Whatever comes from outside is `made.post.text`, and every address `made.post.url`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from connectors.base import Author, Mention, Voice
from listener.cases.asking import question
from listener.cases.deeds import Decision, Refusal, Why, Wish
from listener.cases.shelf import Move, No, Praise, PraiseState, Shelved, Standing
from listener.digest import chart
from listener.digest.count import count
from listener.digest.figures import Digest, DigestSettings
from listener.digest.given import Around
from listener.model import Case, CaseState, CaseView, Line, NotificationKind, Spike, SpikeState, SpikeView, Told
from listener.slack import answers, command, home, modals, reply_windows, reviewing, shelving
from listener.slack.blocks import Message, case_message
from listener.slack.desk import Added, Dropped, Found
from listener.slack.entries import message_for, state_entry, text_alone, without_charts
from listener.slack.look import Look
from listener.slack.reply_windows import Errand
from listener.slack.reviewing import LastDigest, Review
from rules.vocabulary import Stage, Urgency
from tests.fakes.digest_around import hostile_spikes
from tests.fakes.digest_week import WEEK, earlier, source
from tests.fakes.digest_week import post as counted
from tests.fakes.hostile import Hostile
from tests.fakes.told import NOW, delivery, praise, summary, told, verdict, view
from tests.slack.test_spikes import FIGURES, spike

ANA, GROUP = "U0ANA1234", "S0GROUP12"
REPORT = "https://reports.example/2026-W47.html"

Payload = dict[str, Any]


@dataclass(frozen=True)
class Made:
    """What one case is made of."""

    post: Hostile
    look: Look
    owner: str = ANA

    @property
    def name(self) -> str:
        """Of a colleague, at the command line; a Slack user's id would become that colleague's name, as it should."""
        return f"Ana {self.post.text}"

    def told(self, **changes: Any) -> Told:
        """The post, every field of it and of its verdict from outside."""
        text = self.post.text
        lines = (Line(20, text, text, text), Line(3, "blocked", f"“{text}”", "fr.x"), Line(0, "override", text, text))
        evil = verdict(lang=text, touchpoints={text: -1.0, f"{text}2": None}, exit_to=text, near=text, lines=lines)
        made = told(
            text, verdict=evil, title=text, url=self.post.url, platform=text, author=Author(text, text, text, 10**9)
        )
        return replace(made, **changes)

    def case(self, state: CaseState = CaseState.NEW, **changes: Any) -> CaseView:
        """A case of two such posts."""
        first = replace(self.told(), ref="4f2b")
        given = {"state": state, "owner": None if state is CaseState.NEW else self.owner, "mention_count": 7}
        given |= {"touchpoints": frozenset({self.post.text}), "platform": self.post.text}
        return view(first, self.told(), **(given | changes))

    def removed(self) -> CaseView:
        """The same after it was removed on its platform: words, author and address are gone, the verdict stands."""
        blank = told("", url="", title="", author=Author(""), verdict=self.told().verdict)
        return view(replace(blank, removed_at=NOW, removed_why="upstream"), owner=self.name)

    def spike(self, state: SpikeState = SpikeState.OPEN, **changes: Any) -> SpikeView:
        """A spike of such posts."""
        text = self.post.text
        told_of = {"words": [[text, 9], [text, 5]], "silent": [text] * 7 if state is SpikeState.OPEN else []}
        told_of |= {name: {text: 3, f"{text}2": 1} for name in ("touchpoints", "languages", "stages", "sentiments")}
        changes = {
            "kind": f"complaint:{text}",
            "owner": self.name,
            "figures": {**FIGURES, **told_of},
            "state": state,
        } | changes
        return replace(spike(**changes), examples=(self.told(), self.told(), self.told()))

    def digest(self) -> Digest:
        """A week of such posts, for a brand and with stages, touchpoints, owners, rivals and sources of such a name."""
        text = self.post.text
        said = DigestSettings(
            brand=text, owners={"app": text}, touchpoint_labels={"app": text}, stage_labels={Stage.USE: text}
        )
        posts = [
            counted(
                number, text=text, sentiment_label="negative", touchpoints={"app": None, text: -0.5}, platform=text,
                author_key=f"{text}:{number}", lang=text, source=text, exit_to=text, engagement={"likes": number},
                url=self.post.url, stage=Stage.USE if number % 2 else Stage.PURCHASE,
            )
            for number in range(24)
        ]  # fmt: skip
        broken = source(text, failures=3, error=text, last_success_at=WEEK.since)
        known = Around(spikes=hostile_spikes(text))
        every = [*posts, counted(99, subject=f"rival:{text}")]
        return count(WEEK, every, earlier(), [broken], settings=said, around=known)


class HostileDesk:
    """The daemon behind the buttons, for which everything worked and every word came from outside."""

    touchpoints = ("delivery", "support")

    def __init__(self, made: Made) -> None:
        self._made = made
        self._text = made.post.text

    def now(self) -> datetime:
        return NOW

    def do(self, ref: str, wish: Wish) -> Decision | Refusal | None:
        return Refusal(Why.TAKEN, self._made.case(CaseState.CLAIMED, owner=self._made.name).case)

    def case(self, ref: str) -> CaseView | None:
        case = self._made.case()
        return replace(case, mentions=(replace(case.mentions[0], verdict=verdict()),)) if ref == case.case.ref else None

    def told(self, ref: str) -> Told | None:
        return self._made.told() if ref == "4f2c" else None

    def do_spike(self, deed: str, ref: str, revision: int, who: str) -> tuple[Why | None, Spike] | None:
        return Why.TAKEN, self._made.spike().spike

    def shelve(self, ref: str, move: Move) -> Shelved | No | None:
        return No.DONE

    def shelf(self) -> Standing:
        return standing(self._made)

    def question(self, view: CaseView) -> str:
        return self._text

    def waiting(self) -> Sequence[Case]:
        return [self._made.case(due_at=NOW, owner=ANA).case] * 20

    def find(self, words: str, most: int) -> Sequence[Found]:
        return [Found("4f2c" * 8, "c-7F3K", self._text, self._text, self._made.post.url, NOW)] * most

    def would_drop(self, words: str) -> Dropped:
        return Dropped(3, 9, 1, 14)

    def troubles(self) -> Sequence[str]:
        return [self._text, f"Source {self._text} failed: {self._text}"]

    def review(self, week: str, who: str) -> Review:
        return Review(week, self._made.name, NOW)

    def last_digest(self) -> LastDigest | None:
        return LastDigest("2026-W47")

    def opening(self) -> datetime | None:
        return NOW

    def add(self, mention: Mention) -> Added:
        return Added("4f2c" * 8, None, "c-7F3K")

    def silences(self) -> Sequence[str]:
        return [f"{number}: {self._text}" for number in range(20)]

    def silence(self, typed: str, who: str) -> str:
        return typed

    def note(self, key: str, value: Any) -> None:
        """Nothing is kept."""


def told_as(message: Message) -> Payload:
    return {"text": message.text, "blocks": list(message.blocks), "metadata": dict(message.metadata)}


def sent(made: Made, kind: NotificationKind, **given: Any) -> Payload:
    """One delivery as it is posted."""
    again, budget = bool(given.pop("repeated", False)), given.pop("budget", 9_000)
    given = {"case": None} | given
    return told_as(message_for(delivery(kind, **given), made.look, NOW, repeated=again, budget=budget))


def alerts(made: Made) -> Iterator[Payload]:
    """A case opened and edited in every state, whole and shortened; answered late; without words."""
    for state in CaseState:
        yield sent(made, NotificationKind.CASE_UPDATE, case=made.case(state))
    yield sent(made, NotificationKind.CASE_OPEN, case=made.case(), repeated=True)
    yield sent(made, NotificationKind.CASE_OPEN, case=made.case(CaseState.CLAIMED, owner=made.name))
    yield sent(made, NotificationKind.CASE_OPEN, case=made.case(due_at=NOW - timedelta(hours=2)), budget=4_500)
    yield told_as(case_message(made.case(), made.look, NOW, budget=1))
    yield told_as(text_alone(case_message(made.case(), made.look, NOW)))
    nice = replace(praise(), mentions=(replace(made.told(), verdict=praise().mentions[0].verdict),))
    yield sent(made, NotificationKind.CASE_OPEN, case=nice)
    yield sent(made, NotificationKind.CASE_UPDATE, case=made.removed())
    yield sent(made, NotificationKind.CASE_UPDATE, case=view())


def below_an_alert(made: Made) -> Iterator[Payload]:
    """Thread entries, what becomes of them, the state of a case that cannot be edited."""
    case = made.case(CaseState.CLAIMED)
    yield sent(made, NotificationKind.CASE_THREAD, case=case, repeated=True)
    yield sent(made, NotificationKind.ENTRY_UPDATE, case=case, mention=made.told(edited_at=NOW))
    yield sent(made, NotificationKind.ENTRY_UPDATE, case=case, mention=made.removed().mentions[0])
    yield told_as(state_entry(case, made.look))


def notes(made: Made) -> Iterator[Payload]:
    """Who did what, reminders and calls, with reasons that people typed."""
    text, at = made.post.text, (NOW + timedelta(hours=1)).isoformat()
    for deed in made.look.words.tables["deed"]:
        kind = NotificationKind.REMINDER if deed in ("unclaimed", "due-soon", "overdue") else NotificationKind.CASE_NOTE
        who = text if deed == "brand-replied" else made.name
        said = {
            "deed": deed,
            "who": who,
            "reason": text,
            "case": text,
            "urgency": "high",
            "group": GROUP,
            "until": at,
            "count": 3,
        }
        yield sent(made, kind, payload=said)
    said = {"deed": "snooze", "who": ANA, "authors": 5, "group": text, "changes": {text: [text, text], "stage": text}}
    yield sent(made, NotificationKind.CASE_NOTE, payload=said, repeated=True)
    yield sent(
        made, NotificationKind.CASE_NOTE, payload={"deed": "from-a-newer-version", "who": made.name, "next_post": True}
    )


def spikes(made: Made) -> Iterator[Payload]:
    """A spike in every state, and the cases below it."""
    for state in SpikeState:
        yield sent(made, NotificationKind.SPIKE_UPDATE, spike=made.spike(state))
    yield sent(made, NotificationKind.SPIKE, spike=made.spike(owner=None, figures={"announced": True}), repeated=True)
    yield sent(made, NotificationKind.SPIKE, spike=made.spike(), budget=2_500)
    for state in CaseState:
        yield sent(made, NotificationKind.CASE_OPEN, case=made.case(state), folded_in="s-1")
    yield sent(made, NotificationKind.CASE_UPDATE, case=view(), folded_in="s-1")
    yield sent(made, NotificationKind.CASE_UPDATE, case=made.removed(), folded_in="s-1")


def summaries(made: Made) -> Iterator[Payload]:
    """What quiet hours held, and a storm."""
    for why in ("opening", "storm"):
        states = [made.case(state) for state in CaseState]
        cases = (*states, *(13 - len(states)) * [made.case()], made.removed(), view())
        for said, budget in ((summary(*cases, why=why, hidden=9), 9_000), (summary(made.case(), why=why), 900)):
            yield sent(made, NotificationKind.SUMMARY, summary=said, budget=budget)
            yield sent(made, NotificationKind.SUMMARY_UPDATE, summary=said, repeated=True)
    reminder = {"deed": "overdue", "group": GROUP, "until": NOW.isoformat(), "reason": made.post.text}
    yield sent(made, NotificationKind.REMINDER, case=made.case(), in_summary=True, payload=reminder)


def digests(made: Made) -> Iterator[Payload]:
    """The weekly digest with and without its chart, and shortened by us and by Slack."""
    message = chart.message(replace(made.digest(), report_url=REPORT))
    said = {"text": message.text, "blocks": list(message.blocks), "week": "2026-W47"}
    yield sent(made, NotificationKind.DIGEST, payload=said)
    whole = sent(made, NotificationKind.DIGEST, payload=said)
    for who in (ANA, made.name):
        yield told_as(reviewing.reviewed(whole, Review("2026-W47", who, NOW), made.look))
    yield sent(made, NotificationKind.DIGEST, payload=said, repeated=True, budget=2_000)
    yield told_as(without_charts(message_for(delivery(NotificationKind.DIGEST, payload=said), made.look, NOW)))
    yield sent(made, NotificationKind.DIGEST, payload={"text": made.post.text, "blocks": [{"type": "divider"}]})


def notices(made: Made) -> Iterator[Payload]:
    """The daemon of itself, to whoever runs it: names of sources and errors of platforms are in it."""
    text = made.post.text
    for urgency in Urgency:
        said = {"title": text, "text": text, "next": text}
        yield sent(made, NotificationKind.NOTICE, payload=said, urgency=urgency, repeated=True)
    yield sent(made, NotificationKind.NOTICE, payload={"text": f"Source {text} is parked: {text}"})


def windows(made: Made) -> Iterator[Payload]:
    """Every window."""
    origin = modals.Origin("c-7F3K", 3, "C0CARE", "https://hooks.slack.example/" + "x" * 300)
    for opening in (None, NOW):
        yield modals.snooze(origin, made.look, opening)
    yield modals.irrelevant(origin, made.look)
    known = view(replace(made.told(), verdict=verdict()))  # touchpoints are checked names of the team's configuration
    yield modals.edit(origin, known, made.look, ["delivery", *(f"{'x' * 60}_{number}" for number in range(200))])
    yield modals.shown("c-7F3K", home.explanation(made.case(), made.look), made.look)
    yield modals.shown("4f2c", home.verdict(made.told(), made.look), made.look)


def public_replies(made: Made) -> Iterator[Payload]:
    """The windows in which a reply is written, shown before it is published, or refused; and what is said of it below."""
    text = made.post.text.encode("utf-8", "replace").decode()  # what a person types has passed through Slack
    for platform in ("mastodon", "reddit", "x"):
        errand = Errand(
            "c-7F3K", 3, "4f2c", "hn", platform, text[:100], "key", "C0CARE", "https://hooks.slack.example/1"
        )
        voice = Voice(account=text[:100], longest=500, measure=len, opening=f"@{text[:100]} ")
        window = reply_windows.write(errand, made.told(), voice, made.look)
        yield {**window, "private_metadata": ""}
        names = [f"saved-{number}" for number in range(100)]  # checked names of the configuration
        begun = reply_windows.write(errand, made.told(), voice, made.look, names, (text[:1800] or "Hello", 2))
        yield {**begun, "private_metadata": ""}
        entered = {**window, "state": {"values": {"text": {"text": {"value": text[:500] or "Hello"}}}}}
        if not reply_windows.wrong(entered, lambda _, said: (len(said), 500), made.look):
            yield {**reply_windows.preview(entered, made.look), "private_metadata": ""}
    for told_of in (made.told(), None):
        yield reply_windows.cannot("c-7F3K", f"{made.look.platform(text)} does not take replies", told_of, made.look)
    said = {"deed": "replied", "who": made.name, "url": made.post.url}
    yield sent(made, NotificationKind.CASE_NOTE, payload=said)


def shelved(made: Made) -> Iterator[Payload]:
    """The windows of the shelf, what is wrong in them, and its lines on the home page."""
    origin = modals.Origin("c-7F3K", 3, "C0CARE", "https://hooks.slack.example/1")
    text = made.post.text.encode("utf-8", "replace").decode()  # the brand's name, as the configuration has it
    yield shelving.ask(origin, question("fr", text), made.look)
    yield shelving.grant(origin, made.look)
    yield from ({"text": words} for words in shelving.wrong(_granted(" ", "2020-01-01"), NOW, made.look).values())
    yield {"type": "home", "blocks": shelving.section(standing(made), made.look)}


def standing(made: Made) -> Standing:
    """Something in every state, and one that waits."""
    entry = Praise(PraiseState.ASKED, NOW, made.name, NOW, made.name)
    return Standing(dict.fromkeys(PraiseState, 3), Shelved(entry, made.told(), "c-7F3K"))


def _granted(evidence: str, until: str) -> Payload:
    values = {"evidence": {"evidence": {"value": evidence}}, "until": {"until": {"selected_date": until}}}
    return {"callback_id": shelving.GRANT, "state": {"values": values}}


def homes(made: Made) -> Iterator[Payload]:
    """The home page: nothing, little, much, denied."""
    cases = [made.case(state).case for state in CaseState for _ in range(3)]
    troubles = [made.post.text, f"Source {made.post.text} failed"]
    yield home.home(
        cases, ANA, made.look, NOW, troubles=troubles, digest=LastDigest("2026-W47"), notice="c-7F3K: Claimed"
    )
    yield home.home([], ANA, made.look, NOW)
    read = LastDigest("2026-W47", Review("2026-W47", made.name, NOW))
    yield home.home([], ANA, made.look, NOW, digest=read)
    yield home.home(cases, made.post.text, made.look, NOW + timedelta(days=1), troubles=troubles * 9)
    yield home.denied(made.look)


def spoken(made: Made) -> Iterator[Payload]:
    """What one person alone is told: refusals, lists, searches, help."""
    text, case = made.post.text, made.case(CaseState.CLAIMED).case
    for why in Why:
        if made.look.words.has("refusal", why.value):
            for owner in (None, ANA, made.name):
                yield {"text": answers.refusal_said(Refusal(why, replace(case, owner=owner)), made.look)}
        if made.look.words.has("refusal", f"spike_{why.value}"):
            yield {"text": answers.spike_refused(why, made.spike().spike, made.look)}
    yield {"text": answers.exclusion_said(Dropped(3, 9, 1, 14), text, made.look)}
    yield {"text": command.help_text(made.look)}
    found = [Found("4f2c" * 8, "c-7F3K", text, text, made.post.url, NOW) for _ in range(10)]
    for verb, rest in (("due", ""), ("mine", ""), ("find", text), ("silence", ""), ("silence", text), ("health", "")):
        said, blocks = command.answer(verb, rest, ANA, HostileDesk(made), made.look)
        yield {"text": said, "blocks": blocks}
    for posts in (found, []):
        yield {"text": made.look.words.word("mentions", "find"), "blocks": home.found(posts, made.look)}
    yield {"text": "c-7F3K", "blocks": home.explanation(made.case(), made.look)}
    yield {"text": "–", "blocks": home.nothing(made.look)}


CASES: dict[str, Callable[[Made], Iterator[Payload]]] = {
    one.__name__: one
    for one in (
        alerts,
        below_an_alert,
        notes,
        spikes,
        summaries,
        digests,
        notices,
        windows,
        public_replies,
        shelved,
        homes,
        spoken,
    )
}


def text_of(payload: Payload) -> str:
    """The whole payload as JSON, for a failing test."""
    return json.dumps(payload, ensure_ascii=True)[:2000]
