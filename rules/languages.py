"""Small closed word lists of the engine: negations, contrasts, number words, words too common to look a phrase up by.

All are written folded (lower case, no accents, no apostrophes), the way `rules.words` delivers words. What
belongs to one subject or one brand lives in packs, never here.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

LANGUAGES: tuple[str, ...] = ("en", "fr", "it", "es", "de")


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


# Verbs with a glued negation ("don't" is delivered as "dont", as many people write it anyway).
_NT = (
    "dont doesnt didnt isnt arent wasnt werent cant couldnt wont wouldnt shouldnt hasnt havent hadnt aint mustnt "
    "neednt cannot"
)

NEGATIONS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "en": _set(f"not no never nothing nobody none neither nor without hardly barely {_NT}"),
        "fr": _set("ne n pas jamais aucun aucune aucunement guere non sans ni rien personne"),
        "it": _set("non no mai nessun nessuna nessuno niente nulla senza ne neanche nemmeno neppure"),
        "es": _set("no nunca jamas ningun ninguna ninguno nada nadie sin tampoco ni"),
        "de": _set(
            "nicht nie niemals kein keine keinen keinem keiner keines kaum nichts niemand ohne weder nein ned net"
        ),
    }
)

# A negation before one of these does not negate: "not only", "non seulement", "nicht nur".
ONLY: frozenset[str] = _set("only just seulement solo solamente soltanto nur juste que")

# Languages whose negation may follow the verb: "je recommande pas", "ich empfehle es nicht".
AFTER: Mapping[str, frozenset[str]] = MappingProxyType(
    {"fr": frozenset(("pas", "jamais")), "de": frozenset(("nicht", "nie", "niemals"))}
)
# … unless what follows belongs together: "top, pas cher", "nicht nur".
NOT_AFTER: frozenset[str] = _set("cher chere chers cheres mal grave trop si nur schlecht ubel wahr") | ONLY

# The clause after one of these counts more than the one before.
CONTRASTS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "en": ("but", "however", "although", "yet"),
        "fr": ("mais", "cependant", "toutefois", "pourtant", "par contre", "en revanche"),
        "it": ("ma", "pero", "tuttavia", "invece", "eppure"),
        "es": ("pero", "sin embargo", "no obstante", "aunque"),
        "de": ("aber", "jedoch", "allerdings", "trotzdem", "dennoch"),
    }
)

NUMBERS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "en": _set("one two three four five six seven eight nine ten eleven twelve"),
        "fr": _set("un une deux trois quatre cinq six sept huit neuf dix onze douze"),
        "it": _set("un uno una due tre quattro cinque sei sette otto nove dieci undici dodici"),
        "es": _set("un uno una dos tres cuatro cinco seis siete ocho nueve diez once doce"),
        "de": _set("ein eins eine einen einem einer zwei drei vier funf sechs sieben acht neun zehn elf zwolf"),
    }
)

# Words that mislead where the language is not known: they negate or contrast in one language and are everyday words of another.
_AMBIGUOUS = frozenset(("ma", "mai", "ne", "sin", "no obstante", "yet", "que", "net", "n"))

# Never the reason to look a phrase up, if the phrase has another word.
COMMON: frozenset[str] = _set(
    """
    a about all am an and any are as at be been but by can did do does for from had has have he her his how i if in is it
    its just me more my no not now of on one or our out so some than that the their them then there they this to too up us
    was we were what when where which who why will with would you your im ive dont get got s
    ai as au aux avec avez c ce cette ces ca chez d dans de des du elle en est et etait il ils j je jamais l la le les leur
    m ma mais me mes mon n ne nous on ont ou par pas plus pour qu que qui quoi sa se ses si son sont sur t te tout tres tu
    un une vos votre vous y
    ad al alla alle che ci col come con cosa da dal dalla dei del della delle di dove e gli ha hai hanno ho i il io lo
    lui ma mi mia mio molto nel nella noi non o per piu quando quanto questa questo sei si sono su sul tra ti tutto un una
    uno va voi
    al como con cual cuando de del desde donde el ella ellos en entre era es esta este esto fue ha han hay he la las le les
    lo los mas me mi mis muy no nos os para pero por que quien se ser si sin sobre son su sus te tengo tiene todo tu un una
    uno y ya yo
    aber alle als am an auch auf aus bei bin bis da das dass dem den der des die dir doch du ein eine einen einem einer er
    es euch fur hab habe haben hat ich ihr im in ist ja kann man mein meine meinen mich mir mit nach nicht noch nun nur
    oder schon sehr sein sich sie sind so und uns vom von vor war was wenn wer wie wir wird wo zu zum zur
    """
)  # fmt: skip


def negations(lang: str) -> frozenset[str]:
    """The negating words of a language; for an unknown one, of all, without those that mislead."""
    known = NEGATIONS.get(lang)
    return frozenset().union(*NEGATIONS.values()) - _AMBIGUOUS if known is None else known


def contrasts(lang: str) -> dict[str, str]:
    """Last word of each contrast -> the word that must stand before it, "" where it is a single word."""
    phrases = CONTRASTS.get(lang) or tuple(p for each in CONTRASTS.values() for p in each if p not in _AMBIGUOUS)
    pairs = [phrase.split() for phrase in phrases]
    return {words[-1]: words[0] if len(words) > 1 else "" for words in pairs}


def numbers(lang: str) -> frozenset[str]:
    """The number words 1 to 12 of a language; none for packs of all languages, where digits must do."""
    return NUMBERS.get(lang, frozenset())
