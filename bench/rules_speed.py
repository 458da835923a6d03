"""How fast rules are, and whether they stay so: `python -m bench.rules_speed [--posts FILE] [--packs FOLDER]`.

Prints, for the packs that ship (filled up with invented rules to at least 1,500 phrases): time to load; microseconds a post,
split into words and rules; what twice the rules cost, once with new phrases and once with copies of all, as a ratio
within one run; microseconds a character for hostile posts of growing length. How to read it: doubling should cost
under 15 %; the last table should not grow from left to right. Absolute figures belong to the machine.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from rules.engine import Engine
from rules.facts import Facts
from rules.languages import COMMON
from rules.load import builtin_packs, load_packs
from rules.ruleset import Ruleset
from rules.words import prepare

AT_LEAST = 1500
FROM_POSTS = 0.1  # of the words of invented rules
LENGTHS = (100, 300, 1000, 3000, 10_000)
POSTS = (
    (
        "en",
        "@acme still waiting for my parcel, ordered three weeks ago and nobody answers the phone. Where is my order?",
    ),
    ("en", "Love the new Acme One, set it up in five minutes and it works like a charm. Well done @acme 😍"),
    ("en", "The app keeps crashing at checkout since the last update, can't pay, can't log in. Fix it or I'm leaving"),
    ("en", "is Acme One worth it or should I get the Polarex? anyone tried both for running in the rain?"),
    ("fr", "Toujours pas reçu mon colis commandé il y a trois semaines, le service client ne répond pas… très déçue"),
    ("fr", "J'hésite entre Acme et Polarex, vous en pensez quoi pour la course à pied ? Merci d'avance"),
    ("it", "Ho ordinato due settimane fa e il pacco è fermo, l'assistenza non risponde. Voglio il rimborso subito"),
    ("es", "Me han cobrado dos veces el pedido y nadie contesta al teléfono. ¿Dónde está mi dinero? Qué vergüenza"),
    (
        "de",
        "Seit dem Update stürzt die App ständig ab, ich komme nicht mehr in mein Konto. Der Support antwortet nicht",
    ),
    ("de", "Gestern bestellt, heute schon da, super verpackt. Acme kann ich nur empfehlen, jederzeit wieder!"),
)
HOSTILE = {
    "one look-up word": "refund ",
    "no look-up word": "zebra ",
    "words of many phrases": "my order is not still the app customer service never ",
    "one word, no spaces": "a",
    "emoji": "😡",
    "emoji glued by joiners": "😡\u200d",
    "brand": "Acme One ",
    "handles": "@acme ",
    "hashtag humps": "aB",
    "apostrophes": "l'",
    "dots": "a.",
    "question marks": "?",
    "accents": "e\u0301",
    "address": "a.b/",
    "but, but": "good but bad ",
    "not, not": "not never no ",
    "lines": "refund\n",
}


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    arguments.add_argument("--posts", type=Path, help="JSON Lines with text and lang, instead of the ten posts inside")
    arguments.add_argument("--packs", type=Path, help="a folder of packs, instead of those that ship")
    given = arguments.parse_args()
    posts = _posts(given.posts)
    packs = [given.packs] if given.packs else builtin_packs()
    shipped = _time(lambda: load_packs(packs), 3)
    ruleset = load_packs(packs)
    print(f"packs: {len(ruleset.rules)} rules, {_phrases(ruleset)} phrases, loaded in {shipped:.3f} s")
    if _phrases(ruleset) < AT_LEAST:
        ruleset = _join(ruleset, _invented(AT_LEAST - _phrases(ruleset), seed=1))
    print(f"measured with: {len(ruleset.rules)} rules, {_phrases(ruleset)} phrases")
    print(f"filed in {_time(lambda: _engine(ruleset), 3):.3f} s")

    engines = {
        "as it is": _engine(ruleset),
        "twice, new phrases": _engine(_join(ruleset, _invented(_phrases(ruleset), seed=2))),
        "twice, copies": _engine(_join(ruleset, _copied(ruleset))),
    }
    length = statistics.median(len(facts.text) for facts in posts)
    words = _per_post(lambda facts: prepare(facts.text), posts)
    # Measured in turns, so that a slow moment of the machine hits all alike.
    times: dict[str, list[float]] = {name: [] for name in engines}
    for _ in range(7):
        for name, engine in engines.items():
            times[name].append(_per_post(engine.evaluate, posts, rounds=1))
    best = {name: min(each) for name, each in times.items()}
    print(f"\n{len(posts)} posts, {length:.0f} characters (median): {words:.1f} µs a post for words,")
    for name, each in best.items():
        hits = statistics.mean(len(engines[name].evaluate(facts)) for facts in posts)
        print(
            f"  {each:6.1f} µs for words and rules, {name:20} × {each / best['as it is']:.2f}   {hits:.2f} hits a post"
        )

    print("\nhostile posts, nanoseconds a character at each length")
    print(f"  {'':26}" + "".join(f"{length:>9,}" for length in LENGTHS))
    for name, unit in HOSTILE.items():
        costs = [_cost(engines["as it is"], unit, size) for size in LENGTHS]
        print(f"  {name:26}" + "".join(f"{cost:9.0f}" for cost in costs))


def _posts(path: Path | None) -> list[Facts]:
    if path is None:
        return [Facts(text, lang) for lang, text in POSTS]
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    return [Facts(row["text"], row.get("lang") or "und") for row in rows]


def _engine(ruleset: Ruleset) -> Engine:
    return Engine(ruleset, ("Acme",), ("Acme One",), ("Polarex",), ("en", "fr", "it", "es", "de"))


def _phrases(ruleset: Ruleset) -> int:
    return sum(len(rule.any) + len(rule.also) + len(rule.unless) for rule in ruleset.rules)


def _join(one: Ruleset, other: Ruleset) -> Ruleset:
    return Ruleset(one.rules + other.rules, one.digest, tuple(dict.fromkeys((*one.languages, *other.languages))))


def _copied(ruleset: Ruleset) -> Ruleset:
    return replace(ruleset, rules=tuple(replace(rule, id=f"{rule.id}-copy") for rule in ruleset.rules))


def _invented(phrases: int, seed: int) -> Ruleset:
    """Rules of everyday words, words of the posts, and invented words that no post holds, as real packs mix them."""
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory() as folder:
        for lang in ("en", "fr", "it", "es", "de"):
            texts = [text for each, text in POSTS if each == lang]
            known = [word for text in texts for word in prepare(text).folded if word.isalpha() and word.isascii()]
            common = [word for word in known if word in COMMON]

            def word(known: Sequence[str] = known) -> str:
                letters = chance.choices("aeioustrnlmdpcg", k=chance.randint(5, 8))
                return chance.choice(known) if chance.random() < FROM_POSTS else "".join(letters)

            lines = [f'[pack]\nname = "{lang}{seed}"\nlang = "{lang}"\nabout = "Invented."\n']
            for number in range(max(1, phrases // 20)):
                any_ = [
                    f"{chance.choice(common)} {word()} {word()}",
                    f"{word()} [{chance.choice(common)}] ({word()}|{word()}|{word()} {word()})",
                    f"{word()} … ({word()}|{word()}) {{brand}}",
                    f"{word()}(s) {chance.choice(common)} ({word()}|{word()}) ?",
                ]
                lines.append(
                    f'[[rule]]\nid = "{lang}{seed}.use.n{number}"\nabout = "Invented."\nany = {json.dumps(any_)}\n'
                    'stage = "use"\nmatches = ["x"]\nignores = ["x"]\n'
                )
            (Path(folder) / f"{lang}.toml").write_text("".join(lines), encoding="utf-8")
        return load_packs([Path(folder)])


def _time(work: Callable[[], object], rounds: int) -> float:
    best = float("inf")
    for _ in range(rounds):
        begin = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - begin)
    return best


def _per_post(work: Callable[[Facts], object], posts: Sequence[Facts], rounds: int = 7) -> float:
    times = max(1, 2000 // len(posts))

    def all_posts() -> None:
        for _ in range(times):
            for facts in posts:
                work(facts)

    return _time(all_posts, rounds) / (times * len(posts)) * 1e6


def _cost(engine: Engine, unit: str, length: int) -> float:
    prefix = "#" if unit == "aB" else ""
    facts = Facts((prefix + unit * length)[:length], "en")
    engine.evaluate(facts)
    return _time(lambda: engine.evaluate(facts), 5) / length * 1e9


if __name__ == "__main__":
    main()
