"""Case messages against golden files: `REGOLD=1 pytest tests/slack/test_blocks.py` writes them anew; read the diff."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from listener.model import CaseState, CaseView, Line, NotificationKind, Summary, Told
from listener.slack import limits
from listener.slack.blocks import LADDER, Message, case_message
from listener.slack.entries import digest_message, message_for, note, notice, state_entry, thread_entry
from tests.fakes.told import NOW, complaint, delivery, look, praise, rash, story, summary, told, verdict, view

GOLDEN = Path(__file__).parent / "golden"

HOSTILE = (
    "<!channel> <@U0123456> <#C0123|general> @here *bold* _it_ ~no~ `code` ```block``` <https://evil.example|click>\n"
    "> quote\n\n\n\n\n&lt;!everyone&gt; :rotating_light: \x00\x1b[31m\u202eoverride\u202c \ud800 \u2066x\u2069"
)


def hostile() -> CaseView:
    bad = told(HOSTILE, url="javascript:alert(1)", title="<!here> *title*", platform="<!channel>")
    author = replace(bad.mention.author, name="<!everyone> *Eve*", handle="x|<@U123>", followers=0)
    lines = (replace(verdict().lines[0], evidence="<!channel> `x`"),)
    evil = verdict(touchpoints={"<!channel>": None}, lang="<@U1>", exit_to="<!subteam^S1>", lines=lines)
    return view(replace(bad, mention=replace(bad.mention, author=author), verdict=evil))


def resolved() -> CaseView:
    case = complaint().case
    return replace(complaint(), case=replace(case, state=CaseState.RESOLVED, owner="Ana Ruiz", revision=4))


def as_state(state: CaseState, owner: str | None = None) -> CaseView:
    return replace(complaint(), case=replace(complaint().case, state=state, owner=owner))


def gone() -> Told:
    return replace(told("", url=""), removed_at=NOW, removed_why="upstream")


def summarised(said: Summary, language: str = "en") -> Message:
    return message_for(delivery(NotificationKind.SUMMARY, case=None, summary=said), look(language), NOW)


def golden_messages() -> dict[str, Message]:
    now = NOW
    return {
        "complaint_high_fr": case_message(complaint(), look("fr", interactive=True), now),
        "complaint_high_fr_without_clicks": case_message(complaint(), look("fr"), now),
        "critical_en": case_message(view(rash()), look(interactive=True), now),
        "praise_de": case_message(praise(), look(interactive=True), now),
        "praise_asked_fr": case_message(replace(praise(), shelf="asked"), look("fr", interactive=True), now),
        "praise_granted_resolved": case_message(
            replace(praise(), shelf="granted", case=replace(praise().case, state=CaseState.RESOLVED, owner="Ana Ruiz")),
            look(interactive=True),
            now,
        ),
        "several_mentions": case_message(story(), look(), now),
        "hostile": case_message(hostile(), look(interactive=True), now),
        "very_long": case_message(view(told("Je réclame. " * 900)), look(), now),
        "update_after_resolve": case_message(resolved(), look(interactive=True), now),
        "repeated": case_message(complaint(), look(), now, repeated=True),
        "overdue_claimed": case_message(
            replace(complaint(), case=replace(complaint().case, state=CaseState.CLAIMED, owner="U0ANA1234")),
            look(),
            now + timedelta(hours=3),
        ),
        "thread_entry": thread_entry(delivery(NotificationKind.CASE_THREAD), look("fr")),
        "notice": notice({"title": "Source parked", "text": "x_brand: no credits left", "next": "Buy some."}, look()),
        "state_entry": state_entry(resolved(), look()),
        "summary_opening_en": summarised(summary(complaint(), praise(), resolved(), view(gone()), view(), hidden=7)),
        "summary_opening_fr": summarised(summary(complaint(), view(gone())), language="fr"),
        "summary_storm_one": summarised(summary(complaint(), why="storm")),
        "summary_worked_on": summarised(
            summary(
                as_state(CaseState.CLAIMED, "U0ANA1234"),
                as_state(CaseState.WAITING, "Ana Ruiz"),
                as_state(CaseState.REPLIED),
            )
        ),
        "reminder_in_summary": note(
            replace(
                delivery(NotificationKind.REMINDER, payload={"deed": "due-soon", "until": NOW.isoformat()}),
                in_summary=True,
            ),
            look(),
        ),
        "summary_hostile": summarised(summary(hostile(), why="storm", hidden=259)),
    }


@pytest.mark.parametrize("name", sorted(golden_messages()))
def test_a_message_is_what_its_golden_file_says(name: str) -> None:
    said = golden_messages()[name]
    shown = {"text": said.text, "blocks": list(said.blocks), "metadata": dict(said.metadata)}
    path = GOLDEN / f"{name}.json"
    if os.environ.get("REGOLD"):
        path.write_text(json.dumps(shown, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    assert shown == json.loads(path.read_text(encoding="utf-8"))
    assert limits.problems(shown) == []
    assert limits.size(said.blocks) <= limits.BLOCKS_BUDGET
    assert len(said.text) < limits.TEXT_WANTED


def test_every_golden_file_belongs_to_a_message() -> None:
    assert {path.stem for path in GOLDEN.glob("*.json")} == set(golden_messages())


def test_the_first_line_names_urgency_kind_touchpoint_stage_and_the_special_thing() -> None:
    head = case_message(complaint(), look(), NOW).blocks[0]["text"]["text"]
    assert head == "🟠 High complaint: delivery, support (purchase stage), leaving for Polarex"
    assert "someone may be hurt" in case_message(view(rash()), look(), NOW).blocks[0]["text"]["text"]


def test_the_leading_post_stays_visible_when_the_customer_goes_on_writing() -> None:
    message = case_message(story(9), look(), NOW)
    assert message.blocks[0]["text"]["text"].startswith("🔴 Critical complaint")
    assert "gave me a rash" in json.dumps(message.blocks[1])
    assert "day 8" in json.dumps(message.blocks[1])


def test_without_anybody_to_answer_clicks_only_the_link_is_shown() -> None:
    actions = case_message(complaint(), look(interactive=False), NOW).blocks[-1]
    assert [one["text"]["text"] for one in actions["elements"]] == ["Reply on Mastodon"]
    bare = view(told("no address", url="ftp://files.example/x"))
    assert case_message(bare, look(interactive=False), NOW).blocks[-1]["type"] != "actions"


def test_buttons_have_stable_action_ids_and_carry_case_and_revision() -> None:
    actions = case_message(complaint(), look(interactive=True), NOW).blocks[-1]["elements"]
    ids = [one["action_id"] for one in actions]
    assert ids == ["case_claim", "case_reply", "case_snooze", "case_resolve", "case_more"]
    assert {one["value"] for one in actions if "value" in one} == {"c-7F3K:1"}


def test_block_ids_change_with_the_revision() -> None:
    assert [one["block_id"] for one in case_message(resolved(), look(), NOW).blocks][:2] == [
        "c-7F3K:4:head",
        "c-7F3K:4:quote",
    ]


def test_an_answered_case_has_no_due_time_and_a_closed_one_says_so_first() -> None:
    message = case_message(resolved(), look(), NOW)
    assert "<!date^" not in json.dumps(message.blocks)
    assert message.blocks[0]["text"]["text"].startswith("✅ Resolved: High complaint")
    assert "Resolved by Ana Ruiz" in json.dumps(message.blocks)


def test_a_case_whose_posts_are_gone_still_has_a_message() -> None:
    message = case_message(view(), look(), NOW)
    assert "its posts are deleted" in message.text
    assert limits.problems({"text": message.text, "blocks": list(message.blocks)}) == []


def test_a_post_without_text_says_so() -> None:
    assert "no text" in json.dumps(case_message(view(told("")), look(), NOW).blocks)


@pytest.mark.parametrize("budget", [9_000, 4_500, 3_000])
def test_a_smaller_budget_shortens_in_order_and_never_drops_the_message(budget: int) -> None:
    posts = [told("Ça ne marche pas 😡 " * 600, ref=f"m{number}") for number in range(6)]
    message = case_message(view(*posts), look("fr", interactive=True), NOW, budget=budget)
    assert limits.size(message.blocks) <= budget
    assert message.blocks[0]["type"] == "header"
    assert "Ça ne marche pas" in json.dumps(message.blocks, ensure_ascii=False)


def test_each_step_of_the_ladder_takes_away_and_gives_nothing_back() -> None:
    for above, below in pairwise(LADDER):
        assert all(
            getattr(below, name) <= getattr(above, name) for name in ("newest", "posts", "older", "reasons", "facts")
        )


def test_a_message_is_shortened_in_the_stated_order() -> None:
    """docs/slack.md: score lines and rules, length of older posts, older posts, the newest post, reasons, facts."""
    lines = tuple(Line(9, f"label {number}", f"“word {number}”", f"rule.{number}") for number in range(6))
    posts = [told(f"{number} " + "Ça ne marche pas. " * 300, verdict=verdict(lines=lines)) for number in range(4)]
    shown: list[dict[str, int]] = []
    for budget in range(limits.BLOCKS_BUDGET, 1_000, -50):
        message = case_message(view(*posts), look(), NOW, budget=budget)
        quotes = [one["elements"] for one in message.blocks[1]["elements"] if one["type"] == "rich_text_quote"]
        sizes = {
            "score lines": message.blocks[3]["elements"][0]["text"].count("“word"),
            "length of older posts": max((len(quote[0]["text"]) for quote in quotes[:-1]), default=0),
            "older posts": len(quotes),
            "length of the newest post": len(quotes[-1][0]["text"]),
            "facts": len(message.blocks[2]["fields"]),
        }
        if not shown or sizes != shown[-1]:
            shown.append(sizes)
    first = {name: next(i for i, one in enumerate(shown) if one[name] < shown[0][name]) for name in shown[0]}
    assert sorted(first, key=lambda name: first[name]) == list(first)
    assert shown[-1] == {
        "score lines": 0, "length of older posts": 0, "older posts": 1, "length of the newest post": 59, "facts": 2,
    }  # fmt: skip
    for above, below in pairwise(shown):
        assert all(below[name] <= above[name] for name in above)


def test_a_summary_shows_fifteen_cases_and_counts_the_rest_and_always_fits() -> None:
    many = [view(told("Ça ne marche pas 😡 " * 60, ref=f"m{n}"), ref=f"c-{n:04}") for n in range(15)]
    for budget in (9_000, 4_500, 2_000, 900):
        shown = delivery(NotificationKind.SUMMARY, case=None, summary=summary(*many, hidden=285))
        message = message_for(shown, look("fr"), NOW, repeated=True, budget=budget)
        assert limits.size(message.blocks) <= budget
        lines = [block for block in message.blocks if block["type"] == "rich_text"]
        listed = len(lines[0]["elements"][0]["elements"]) if lines else 0
        assert f"{300 - listed} autres" in json.dumps(message.blocks)
        assert budget < 9_000 or listed == 15


def test_a_removed_post_leaves_no_word_in_a_summary() -> None:
    said = json.dumps(summarised(summary(complaint(), view(gone()))).blocks)
    assert "removed on its platform" in said
    assert summarised(summary(view(gone()))).text.startswith("One case came in during quiet hours: 1 high. The first:")


def test_the_first_alert_after_a_silence_says_so_apart_from_what_was_judged() -> None:
    after = (Line(0, "silence ended", "Ann, 2 h"), Line(0, "silenced", "silence 6 by Ann: noise"))
    judged = verdict()
    quiet = told("Still waiting.", verdict=replace(judged, lines=(*judged.lines, *after)))
    why = [one["text"] for block in case_message(view(quiet), look(), NOW).blocks for one in block.get("elements", ())
           if block.get("block_id", "").endswith(":why")]  # fmt: skip
    assert "A silence by Ann ended 2 h ago; until then nobody was told of posts like this." in why
    assert not any("noise" in line for line in why)


def test_stages_can_be_renamed_by_projection() -> None:
    message = case_message(complaint(), look(stages={"purchase": "Buy", "satisfaction": "Buy"}), NOW)
    assert "(Buy stage)" in message.blocks[0]["text"]["text"]
    assert "*Stage / touchpoint*\\nBuy / delivery" in json.dumps(message.blocks)


def test_a_digest_keeps_its_blocks_and_over_the_budget_loses_charts_then_its_end_but_not_its_buttons() -> None:
    body = [{"type": "section", "text": {"type": "plain_text", "text": f"{n} " + "x" * 900}} for n in range(20)]
    chart = {"type": "data_visualization", "title": "Curve", "chart": {"data": "y" * 500}}
    act = {"type": "actions", "elements": [{"type": "button", "text": {"type": "plain_text", "text": "Open"}}]}
    short = digest_message({"text": "Week 47.", "blocks": [*body[:2], act]}, look())
    assert [one["type"] for one in short.blocks] == ["section", "section", "actions"]
    cut = digest_message({"text": "Week 47.", "blocks": [chart, *body, act]}, look())
    assert limits.size(cut.blocks) <= limits.BLOCKS_BUDGET
    assert [one["type"] for one in cut.blocks[-2:]] == ["actions", "context"]
    assert "data_visualization" not in {one["type"] for one in cut.blocks}


def test_every_kind_of_notification_has_something_to_say() -> None:
    for kind in NotificationKind:
        said = message_for(delivery(kind, payload={"text": "something"}), look(), NOW)
        assert limits.problems({"text": said.text, "blocks": list(said.blocks)}) == []
