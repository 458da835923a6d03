"""`/mentions`: what may be typed, and what is answered to the one who typed it."""

from __future__ import annotations

from collections.abc import Sequence

from listener.slack import home, limits
from listener.slack.blocks import Block, plain
from listener.slack.desk import Desk
from listener.slack.look import Look
from listener.slack.outside import one_line

COMMAND = "/mentions"
VERBS = ("due", "mine", "find", "explain", "silence", "health", "help")
FOUND = 10


def parse(typed: str) -> tuple[str, str]:
    """The verb and what follows it. Anything that is not a verb asks for help."""
    verb, _, rest = typed.strip().partition(" ")
    rest = rest.strip()
    verb = verb.lower()
    needs_more = verb in ("find", "explain")
    return (verb, rest) if verb in VERBS and bool(rest) >= needs_more else ("help", "")


def help_text(look: Look) -> str:
    """All that can be typed, a line each."""
    word = look.words.word
    shown = {
        "silence": f"silence [{word('mentions', 'silence_form')}]",
        "find": f"find {word('mentions', 'words')}",
        "explain": f"explain {word('mentions', 'ref')}",
    }
    return "\n".join(f"{COMMAND} {shown.get(verb, verb)}: {word('mentions', verb)}" for verb in VERBS)


def answer(verb: str, rest: str, who: str, desk: Desk, look: Look) -> tuple[str, list[Block]]:
    """Text and blocks of due, mine, find, silence and health."""
    word = look.words.word
    if verb == "find":
        posts = desk.find(rest, FOUND)
        return word("mentions", "find"), home.found(posts, look)
    if verb == "health":
        return word("mentions", "health"), home.health(desk.troubles(), look)
    if verb == "silence":
        said = [desk.silence(rest, who)] if rest else desk.silences()
        return word("mentions", "silence"), _lines(said[: home.MOST]) or home.nothing(look)
    now, cases = desk.now(), desk.waiting()
    listed = home.mine(cases, who) if verb == "mine" else home.due(cases, now)
    shown: list[Block] = []
    for most in (home.MOST, 10, 5):  # a message holds less than the home page
        shown = list(home.lines(listed, look, now, most))
        if limits.size(shown) <= limits.BLOCKS_BUDGET:
            break
    return word("home", verb), shown


def _lines(said: Sequence[str]) -> list[Block]:
    """One block each, within a message's budget."""
    blocks: list[Block] = []
    for letters in (500, 130):
        blocks = [{"type": "section", "text": plain(one_line(one, letters) or "–")} for one in said]
        if limits.size(blocks) <= limits.BLOCKS_BUDGET:
            break
    return blocks
