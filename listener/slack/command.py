"""`/mentions`: what may be typed, and what is answered to the one who typed it."""

from __future__ import annotations

from listener.slack import home
from listener.slack.blocks import Block, plain
from listener.slack.desk import Desk
from listener.slack.look import Look
from listener.slack.outside import clean

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
        blocks: list[Block] = [{"type": "section", "text": plain(clean(one))} for one in said[: home.MOST]]
        return word("mentions", "silence"), blocks or home.nothing(look)
    now, cases = desk.now(), desk.waiting()
    listed = home.mine(cases, who) if verb == "mine" else home.due(cases, now)
    return word("home", verb), list(home.lines(listed, look, now))
