"""What triage is worth on labelled posts: precision, recall, F1, AUC, macro-F1, confusion, beside the baselines.

    python -m bench.quality [--data DIR] [--split read|unread|all] [--part complaints|dev|demo|sentiment]

DIR holds dev.jsonl, complaints_dev.csv and sentiment_dev/ (default: $LISTENER_DATA, else ../shared/data). No brand is configured: every post
counts as being about its brand, and one that starts with a handle as addressed to it.
How to read it: tune on `--split read` (every other row), believe `--split unread`. Nothing here is a gate in CI.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from connectors.base import Author, Mention
from listener.demo.feed import demo_brand, demo_feed
from listener.model import Verdict
from listener.triage.brand import BrandFacts
from listener.triage.verdict import Triage, build_triage
from rules.load import builtin_packs
from rules.vocabulary import Intent

LANGUAGES = ("en", "fr", "it", "es", "de")
MOODS = ("negative", "neutral", "positive")
SHORT = {"neg": "negative", "neu": "neutral", "pos": "positive"}


def f1(gold: Sequence[bool], said: Sequence[bool]) -> tuple[float, float, float]:
    """Precision, recall and their harmonic mean of the positive class."""
    both = sum(g and s for g, s in zip(gold, said, strict=True))
    precision, recall = both / (sum(said) or 1), both / (sum(gold) or 1)
    return precision, recall, 2 * precision * recall / (precision + recall) if both else 0.0


def macro_f1(gold: Sequence[str], said: Sequence[str], classes: Iterable[str]) -> float:
    """The mean over classes of each class's F1."""
    each = [f1([g == c for g in gold], [s == c for s in said])[2] for c in classes]
    return sum(each) / len(each)


def auc(gold: Sequence[bool], scores: Sequence[float]) -> float:
    """How likely a positive scores higher than a negative; ties count half."""
    order = sorted(range(len(scores)), key=lambda n: scores[n])
    ranks = [0.0] * len(scores)
    at = 0
    while at < len(order):
        stop = at
        while stop < len(order) and scores[order[stop]] == scores[order[at]]:
            stop += 1
        for n in order[at:stop]:
            ranks[n] = (at + stop + 1) / 2
        at = stop
    positives = sum(gold)
    above = sum(rank for rank, g in zip(ranks, gold, strict=True) if g)
    return (above - positives * (positives + 1) / 2) / ((positives * (len(gold) - positives)) or 1)


def mention(text: str, lang: str | None) -> Mention:
    """A post of a labelled set."""
    return Mention("file", "1", text, datetime(2026, 1, 1, tzinfo=UTC), Author("a"), lang=lang)


def split(rows: list[Any], which: str) -> list[Any]:
    """Every other row was read while tuning; the others were not."""
    return rows if which == "all" else rows[0::2] if which == "read" else rows[1::2]


def vader_mood(analyzer: SentimentIntensityAnalyzer, text: str) -> str:
    """VADER's label at its own thresholds."""
    compound = analyzer.polarity_scores(text)["compound"]
    return "negative" if compound <= -0.05 else "positive" if compound >= 0.05 else "neutral"


def show(task: str, measure: str, value: float | str, baseline: str = "") -> None:
    """One figure of the report."""
    print(f"{task:<28}{measure:<22}{value if isinstance(value, str) else f'{value:.3f}':<26}{baseline}")


def complaints(triage: Triage, data: Path, which: str) -> None:
    """The complaint intent on tweets of five domains and random ones."""
    with (data / "complaints_dev.csv").open(encoding="utf-8", newline="") as file:
        rows = split(list(csv.DictReader(file)), which)
    gold = [row["complaint"] == "1" for row in rows]
    verdicts = [triage.judge(mention(row["text"], "en")) for row in rows]
    precision, recall, middle = f1(gold, [Intent.COMPLAINT in v.intents for v in verdicts])
    everything = f1(gold, [True] * len(gold))[2]
    show(
        f"complaint, {len(rows)} tweets",
        "P / R / F1",
        f"{precision:.3f} / {recall:.3f} / {middle:.3f}",
        f"VADER 0.50, everything {everything:.2f}, keywords 0.63",
    )
    show("", "AUC", auc(gold, [v.complaint_score for v in verdicts]), "VADER 0.67, keywords 0.74")


def dev(triage: Triage, data: Path, which: str) -> None:
    """Stage, urgency, intents and sentiment on posts read by two people."""
    rows = split([json.loads(line) for line in (data / "dev.jsonl").read_text(encoding="utf-8").splitlines()], which)
    verdicts = [triage.judge(mention(row["text"], row["lang"])) for row in rows]
    report(f"dev, {len(rows)} posts", rows, verdicts)


def demo(triage: Triage, data: Path, which: str) -> None:
    """The invented posts that ship with the program, all five languages, with its brand configured."""
    brand = demo_brand()
    accounts = frozenset(f"{platform}:{each}" for platform, handles in brand.own_accounts.items() for each in handles)
    rivals: dict[str, tuple[str, ...]] = dict.fromkeys(brand.rivals, ())
    facts = BrandFacts(brand.name, brand.names, brand.products, rivals, accounts)
    judged = build_triage(builtin_packs(), facts, brand.languages)
    pairs = split([pair for pair in demo_feed(datetime(2026, 6, 1, tzinfo=UTC)) if pair[1].subject == "brand"], which)
    rows = [
        {
            "lang": label.lang, "stage": str(label.stage), "alt": str(label.alt or ""), "urgency": label.urgency.word, "sentiment": label.sentiment,
            **{str(intent): int(intent in label.intents) for intent in Intent},
        }
        for _, label in pairs
    ]  # fmt: skip
    verdicts = [judged.judge(post) for post, _ in pairs]
    report(f"demo feed, {len(rows)} posts", rows, verdicts)
    show("", "relevant", sum(v.subject == "brand" for v in verdicts) / len(verdicts))
    for lang in brand.languages:
        chosen = [number for number, row in enumerate(rows) if row["lang"] == lang]
        brief(f"demo {lang}, {len(chosen)} posts", [rows[n] for n in chosen], [verdicts[n] for n in chosen])


def brief(name: str, rows: Sequence[Any], verdicts: Sequence[Verdict]) -> None:
    """The main figures of one labelled set in a line."""
    stage = sum(str(v.stage) in (row["stage"], row["alt"]) for v, row in zip(verdicts, rows, strict=True)) / len(rows)
    gold = [row["urgency"].replace("critical", "high") for row in rows]
    said = [v.urgency.word.replace("critical", "high") for v in verdicts]
    urgency = macro_f1(gold, said, ("low", "normal", "high"))
    complaint = f1([row["complaint"] == 1 for row in rows], [Intent.COMPLAINT in v.intents for v in verdicts])[2]
    show(name, "stage, urgency, c.F1", f"{stage:.3f} / {urgency:.3f} / {complaint:.3f}")


def report(name: str, rows: Sequence[Any], verdicts: Sequence[Verdict]) -> None:
    """All figures of one labelled set."""
    stages = [str(v.stage) for v in verdicts]
    right = sum(s == row["stage"] for s, row in zip(stages, rows, strict=True)) / len(rows)
    allowed = sum(s in (row["stage"], row["alt"]) for s, row in zip(stages, rows, strict=True)) / len(rows)
    always = sum("satisfaction" in (row["stage"], row["alt"]) for row in rows) / len(rows)
    show(name, "stage right", right)
    show("", "stage right or second", allowed, f"always satisfaction {always:.2f}")
    levels = ("low", "normal", "high")
    gold = [row["urgency"].replace("critical", "high") for row in rows]
    said = [v.urgency.word.replace("critical", "high") for v in verdicts]
    show("", "urgency macro-F1", macro_f1(gold, said, levels), "VADER 0.42")
    precision, recall, _ = f1([g == "high" for g in gold], [s == "high" for s in said])
    show("", "high P / R", f"{precision:.3f} / {recall:.3f}")
    confusion = Counter(zip(gold, said, strict=True))
    for level in levels:
        print(f"{'':<28}{level:>8} is said  " + "  ".join(f"{other} {confusion[level, other]:>3}" for other in levels))
    for intent, baseline in (
        (Intent.COMPLAINT, "VADER 0.54"), (Intent.PRAISE, "VADER 0.38"), (Intent.QUESTION, "a question mark 0.77"), (Intent.BUYING, ""), (Intent.LEAVING, ""),
    ):  # fmt: skip
        three = f1([row[str(intent)] in (1, "1") for row in rows], [intent in v.intents for v in verdicts])
        show("", f"{intent} P / R / F1", " / ".join(f"{each:.3f}" for each in three), baseline)
    flags = [row["complaint"] in (1, "1") for row in rows]
    show("", "complaint AUC", auc(flags, [v.complaint_score for v in verdicts]), "VADER 0.69")
    moods = macro_f1(
        [SHORT.get(row["sentiment"], row["sentiment"]) for row in rows], [v.sentiment_label for v in verdicts], MOODS
    )
    show("", "sentiment macro-F1", moods, "VADER 0.46")


def sentiment(triage: Triage, data: Path, which: str) -> None:
    """Mood of everyday tweets, most of them about no brand."""
    analyzer = SentimentIntensityAnalyzer()
    for lang in LANGUAGES:
        lines = (data / "sentiment_dev" / f"{lang}.tsv").read_text(encoding="utf-8").splitlines()[1:]
        rows = split([line.split("\t", 1) for line in lines], which)
        gold = [row[0] for row in rows]
        verdicts: list[Verdict] = [triage.judge(mention(row[1], lang)) for row in rows]
        vader = macro_f1(gold, [vader_mood(analyzer, row[1]) for row in rows], MOODS)
        show(
            f"sentiment {lang}, {len(rows)} tweets",
            "macro-F1",
            macro_f1(gold, [v.sentiment_label for v in verdicts], MOODS),
            f"VADER {vader:.2f}",
        )


PARTS: dict[str, Callable[[Triage, Path, str], None]] = {
    "complaints": complaints,
    "dev": dev,
    "demo": demo,
    "sentiment": sentiment,
}


def main() -> None:
    """Print the figures."""
    options = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    options.add_argument("--data", type=Path, default=Path(os.environ.get("LISTENER_DATA", "../shared/data")))
    options.add_argument("--split", choices=("read", "unread", "all"), default="all")
    options.add_argument("--part", choices=tuple(PARTS), action="append")
    chosen = options.parse_args()
    if not (chosen.data / "dev.jsonl").is_file():
        raise SystemExit(f"{chosen.data}: no dev.jsonl there. Name the folder with the labelled posts: --data DIR.")
    began = time.perf_counter()
    triage = build_triage(builtin_packs(), None, LANGUAGES)
    print(
        f"rules {triage.ruleset}, {triage.rule_count} of them, loaded in {time.perf_counter() - began:.2f} s; split: {chosen.split}\n"
    )
    for part in chosen.part or PARTS:
        PARTS[part](triage, chosen.data, chosen.split)
        print()


if __name__ == "__main__":
    main()
