"""Posts made to hurt: how long triage and the Slack message take for each, and whether the message is clean.

Read: every time (of this thread, so that a busy machine shows little) should stay under 50 ms; "problems" must be none. The slowest of five runs is shown.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime

from connectors.base import TEXT_LIMIT, Author, Mention
from connectors.text import clean
from listener.judging import settled, triage_for
from listener.model import Case, CaseState, CaseView, Outcome, Told, Verdict
from listener.slack import limits
from listener.slack.blocks import case_message
from listener.slack.look import Look, load_words

NOON = datetime(2026, 11, 18, 12, tzinfo=UTC)
POSTS = {
    "10,000 emoji": "😀" * 10_000,
    "1 MB of words": "never arrived refund " * 50_000,
    "1 MB, one word": "a" * 1_000_000,
    "10,000 × but": "but " * 10_000,
    "10,000 × not good": "not good " * 5_000,
    "10,000 × !": "!" * 10_000,
    "mentions": "<!channel> <!here> <@U123> <#C123|x> <https://evil.example|ok> @channel @here refund now",
    "backticks": "``` `x` *bold* _it_ ~st~ > quote\n" * 200,
    "right to left": "\u202e\u2066refund\u2069 \u200f never arrived \u202d" * 100,
    "NULs and surrogates": "never\x00 arrived \ud83d\ude00 \udfff \ud800 refund" * 100,
    "10,000 line ends": "\n" * 10_000,
    "deep brackets": "[(" * 5_000,
}


def main() -> None:
    judge = settled(triage_for(None).judge)
    look = Look(load_words("en"))
    for words in (
        "?",
        "my order never arrived",
        "colis jamais reçu",
        "pacco mai arrivato",
        "no me llega",
        "nie angekommen",
    ):
        judge(_mention(words))  # a language's rules are loaded at its first post
    print(f"{'post':<22}{'triage ms':>10}{'message ms':>12}  problems of the Slack message")
    for name, text in POSTS.items():
        mention = _mention(text)
        slowest = said = 0.0
        for _ in range(5):
            started = time.thread_time()
            verdict = judge(mention)
            middle = time.thread_time()
            message = case_message(_view(mention, verdict), look, NOON)
            slowest = max(slowest, middle - started)
            said = max(said, time.thread_time() - middle)
        problems = limits.problems({"text": message.text, "blocks": list(message.blocks)})
        print(f"{name:<22}{slowest * 1000:>10.1f}{said * 1000:>12.1f}  {'; '.join(problems) or 'none'}")


def _mention(text: str) -> Mention:
    # As a connector hands it over: cleaned and cut. The raw text goes to triage too, by `classify`.
    return Mention("x", "1", clean(text)[:TEXT_LIMIT] or "-", NOON, Author("ada", "ada"))


def _view(mention: Mention, verdict: Verdict) -> CaseView:
    case = Case(1, "c-TEST", "x", "x:ada", None, CaseState.NEW, verdict.urgency, NOON, NOON, 1, 1)
    return CaseView(case, (Told(1, "4f2c", mention, verdict, "bench", NOON, Outcome.ALERTED),))


if __name__ == "__main__":
    main()
