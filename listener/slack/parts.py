"""What each part of a case message says: headline, facts, why, and the whole sentence. Text only, no layout.

The leading mention (the newest of the highest urgency) decides the headline and the reasons: a customer's later
"thanks" does not hide the rash. Functions that return mrkdwn say so, and let no word from outside in; all others
return plain text for plain_text and rich_text fields, cleaned.
"""

from __future__ import annotations

import re
from datetime import datetime

from listener.cases.copies import FOLDED, LIKE
from listener.cases.plan import ALSO
from listener.cases.silences import ENDED, SILENCED
from listener.model import DRILL, Case, CaseState, CaseView, Told, Verdict
from listener.slack.limits import HEADER_TEXT, TEXT_WANTED
from listener.slack.look import Look
from listener.slack.outside import clean, cut, defuse, defuse_within, escape, one_line
from rules.vocabulary import Intent, Urgency

CLOSED = frozenset({CaseState.RESOLVED, CaseState.NOT_RELEVANT})
UNANSWERED = frozenset({CaseState.NEW, CaseState.CLAIMED, CaseState.SNOOZED})

# Colour for the eye; the word beside it says the same to everybody else.
MARKS = {Urgency.CRITICAL: "🔴", Urgency.HIGH: "🟠", Urgency.NORMAL: "🔵", Urgency.LOW: "⚪"}
CLOSED_MARK = "✅"

_KINDS = (Intent.COMPLAINT, Intent.LEAVING, Intent.QUESTION, Intent.BUYING, Intent.SUGGESTION, Intent.PRAISE)
_ABOUT_TELLING = frozenset({SILENCED, ENDED, FOLDED, LIKE, ALSO})  # labels of lines that are not about the level
_SLACK_USER = re.compile(r"[UW][A-Z0-9]{6,20}")
_SLACK_GROUP = re.compile(r"S[A-Z0-9]{6,20}")


def leading(view: CaseView) -> Told:
    """The mention that decides what the case is: the newest among those of the highest urgency."""
    return max(reversed(view.mentions), key=lambda told: told.verdict.urgency)


def kind(verdict: Verdict) -> str:
    """The one word for what the post is; a complaint outranks the praise beside it."""
    return next((intent.value for intent in _KINDS if intent in verdict.intents), "post")


def headline(told: Told, urgency: Urgency, look: Look) -> str:
    """Urgency, kind, touchpoint, stage and the one special thing, plain, at most a header's length less the mark."""
    verdict, words = told.verdict, look.words
    level, what = words.word("urgency", urgency.word), words.word("kind", kind(verdict))
    line = words.say("level_kind", urgency=level, kind=what)
    if verdict.touchpoints:
        line = words.say("about", headline=line, touchpoints=touchpoints(verdict, look, most=2))
    if verdict.stage.value == "unclear":
        line = words.say("stage_unclear", headline=line)
    else:
        line = words.say("stage", headline=line, stage=look.stage(verdict.stage))
    if extra := special(verdict, look):
        line = words.say("special", headline=line, special=extra)
    return one_line(line, HEADER_TEXT - 40)


def case_headline(view: CaseView, look: Look) -> str:
    """The headline of the case as it stands; a closed case says so first, and a drill before that."""
    line = headline(leading(view), view.case.urgency, look)
    if view.case.state in CLOSED:
        line = look.words.say("closed", state=look.words.word("state", view.case.state.value), headline=line)
    return look.words.say("drill", headline=line) if view.case.platform == DRILL else line


def mark(case: Case) -> str:
    """The coloured sign before the headline."""
    return CLOSED_MARK if case.state in CLOSED else MARKS[case.urgency]


def special(verdict: Verdict, look: Look) -> str:
    """The one thing that a reader must not miss, "" where nothing is special."""
    words = look.words
    labels = {line.label.replace(" ", "_"): line for line in verdict.lines}
    if (override := labels.get("override")) is not None or verdict.floor is Urgency.CRITICAL:
        rules = [override.rule] if override else [line.rule for line in verdict.lines]
        themes = (theme for rule in rules for theme in re.split(r"[._-]", rule) if words.has("special", theme))
        return words.word("special", next(themes, "override"))
    if verdict.exit_to:
        return words.word("special", "leaving_for").format(rival=one_line(verdict.exit_to, 40))
    if Intent.LEAVING in verdict.intents and kind(verdict) != "leaving":
        return words.word("special", "leaving")
    if "repeated" in labels:
        return words.word("special", "repeated")
    if Intent.BUYING in verdict.intents and kind(verdict) != "buying":
        return words.word("special", "buying")
    return ""


def touchpoints(verdict: Verdict, look: Look, most: int) -> str:
    """The first `most` touchpoints, in the verdict's order."""
    return ", ".join(look.words.word("touchpoint", name) for name in list(verdict.touchpoints)[:most])


def status(case: Case, look: Look) -> str:
    """mrkdwn: the state and, if somebody has it, who. Owners are team members; a Slack id becomes their name."""
    state = escape(look.words.word("state", case.state.value))
    if not case.owner:
        return state
    return look.words.say("by_owner", state=state, owner=person(case.owner))


def is_slack_user(who: str) -> bool:
    """Whether this is the id of a person in Slack."""
    return _SLACK_USER.fullmatch(who) is not None


def person(who: str, letters: int = 60) -> str:
    """mrkdwn: a colleague. A Slack id becomes their name; anything else is shown as it is."""
    return f"<@{who}>" if _SLACK_USER.fullmatch(who) else defuse_within(who, letters)


def group(wanted: object) -> str:
    """mrkdwn: the group that is called, "" for none. The one place where a message calls people; never on outside words."""
    return f"<!subteam^{wanted}>" if isinstance(wanted, str) and _SLACK_GROUP.fullmatch(wanted) else ""


def due(case: Case, look: Look, now: datetime) -> str | None:
    """mrkdwn: when the first reply is due as a Slack date, in each reader's own zone. None once it is answered."""
    if case.due_at is None or case.state not in UNANSWERED:
        return None
    fallback = escape(look.moment(case.due_at))
    when = f"<!date^{int(case.due_at.timestamp())}^{{date_short_pretty}} {{time}}|{fallback}>"
    return look.words.say("overdue", when=when) if now > case.due_at else when


def stage(verdict: Verdict, look: Look) -> str:
    """mrkdwn: stage, second stage and touchpoints."""
    stages = [look.stage(verdict.stage)]
    if verdict.secondary_stage is not None and look.stage(verdict.secondary_stage) not in stages:
        stages.append(look.stage(verdict.secondary_stage))
    both = [", ".join(stages), touchpoints(verdict, look, most=4)]
    said = defuse(" / ".join(part for part in both if part), 200)
    return said[:1].upper() + said[1:]


def sentiment(verdict: Verdict, look: Look) -> str:
    """mrkdwn: the sentiment, its figure if there is one, and the emotions that have a cue."""
    label = look.words.word("sentiment", verdict.sentiment_label)
    if verdict.sentiment is not None:
        label += f" ({look.decimal(verdict.sentiment, 1)})"
    emotions = ", ".join(look.words.word("emotion", emotion.value) for emotion in verdict.emotions[:2])
    return escape(f"{label} / {emotions}" if emotions else label)


def author_name(told: Told, look: Look) -> str:
    """Name and handle, one line."""
    author = told.mention.author
    name, handle = one_line(author.name, 60), one_line(author.handle, 60)
    if handle and name and handle != name:
        return f"{name} (@{handle})"
    return (f"@{handle}" if handle else name) or look.words.say("unknown_author")


def author(view: CaseView, look: Look) -> str:
    """Who, how many follow them, and their history in this case."""
    told = view.mentions[-1]
    known = [author_name(told, look)]
    if told.mention.author.followers is not None:
        known.append(look.words.say("followers", count=look.count(told.mention.author.followers)))
    posts = max(len(view.mentions), view.case.mention_count)
    if posts == 1:
        known.append(look.words.say("first_post"))
    else:
        span = (told.mention.published_at - view.mentions[0].mention.published_at).days + 1
        days = look.words.say("one_day") if span <= 1 else look.words.say("days", count=span)
        known.append(look.words.say("posts", count=posts, days=days))
    return ", ".join(known)


def where(told: Told, look: Look) -> str:
    """Platform, language, and when it was posted and seen."""
    posted = told.mention.published_at
    return look.words.say(
        "where",
        platform=look.platform(told.mention.platform),
        language=look.language(told.verdict.lang),
        posted=look.moment(posted),
        seen=look.moment(told.seen_at, beside=posted),
    )


def why(told: Told, case: Case, look: Look, most: int) -> list[str]:
    """The reasons: score lines with the words that fired, what would change the level, rules, and where to ask on."""
    verdict, words = told.verdict, look.words
    judged = [line for line in verdict.lines if line.label not in _ABOUT_TELLING]
    scored = [line for line in judged if line.points or line.label == "override"]
    scored = scored or [line for line in judged if line.evidence]  # praise scores nothing, and has its reasons
    level = words.word("urgency", verdict.urgency.word).lower()
    said = []
    for line in scored[:most]:
        points = f"{line.points:+d} " if line.points else ""
        evidence = f" {one_line(line.evidence, 60)}" if line.evidence else ""  # triage quotes words, not facts
        said.append(points + words.word("score", line.label.replace(" ", "_")) + evidence)
    if len(scored) > most:
        said.append(words.say("more_lines", count=len(scored) - most))
    key = "why" if said else "why_bare"
    reasons = [words.say(key, urgency=level, points=verdict.points, lines=" · ".join(said))]
    if most > 1 and (near := one_line(verdict.near, 150)):
        reasons.append(near[:1].upper() + near[1:])
    rules = list(dict.fromkeys(one_line(line.rule, 60) for line in judged if line.rule))[:most]
    for line in [line for line in verdict.lines if line.label == ENDED][:1]:
        who, _, ago = line.evidence.rpartition(", ")
        named = "" if _SLACK_USER.fullmatch(who) else one_line(who, 60)
        reasons.append(words.say("silence_ended", who=named or words.say("nobody"), ago=one_line(ago, 20)))
    for label, sentence in ((ALSO, "same_author"), (LIKE, "near_copy")):
        refs = [line.evidence.rpartition(" ")[2] for line in verdict.lines if line.label == label and line.evidence]
        reasons += [words.say(sentence, case=ref) for ref in refs[:1]]
    facts = [words.say("confidence", confidence=look.decimal(verdict.stage_confidence, 2))]
    if rules:
        facts.append(words.say("rules", rules=", ".join(rules)))
    facts.append(words.say("case", case=case.ref, mention=told.ref))
    reasons.append(" ".join(facts))
    return [cut(clean(reason), 900) for reason in reasons]


def sentence(view: CaseView, look: Look, most: int = TEXT_WANTED) -> str:
    """mrkdwn, defused: the whole message for phones and screen readers, under `most` characters.

    Every part has its own room, so that a long name cannot push out the deadline; the customer's words get the rest.
    """
    case, told, words = view.case, leading(view), look.words
    about = [look.language(told.verdict.lang)]
    if told.mention.author.followers is not None:
        about.append(words.say("followers", count=look.count(told.mention.author.followers)))
    tail = []
    if case.due_at is not None and case.state in UNANSWERED:
        key = "sentence_thank" if kind(told.verdict) == "praise" else "sentence_due"
        tail.append(words.say(key, when=look.moment(case.due_at)))
    owner = f" ({case.owner})" if case.owner and not _SLACK_USER.fullmatch(case.owner) else ""
    tail.append(words.word("state", case.state.value) + owner + ".")
    ending = defuse_within(" ".join(tail), 95)

    def line(excerpt: str) -> str:
        return words.say(
            "sentence",
            headline=defuse_within(case_headline(view, look), 110),
            author=defuse_within(author_name(told, look), 50),
            platform=defuse_within(look.platform(told.mention.platform), 25),
            about=defuse_within(", ".join(about), 40),
            excerpt=excerpt,
        )

    room = max(1, min(140, most - 2 - len(line("")) - len(ending)))
    return f"{line(defuse_within(told.mention.text or told.mention.title, room))} {ending}"
