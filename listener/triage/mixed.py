"""Posts in two languages: which other languages' cues should be tried as well.

People open in one language and complain in another, or quote. The verdict names one language, but the cues of every language that
clearly stands in the text count. "Clearly" is three different function words that no other of the five languages has.
"""

from __future__ import annotations

from collections.abc import Sequence

from rules.words import Words

_READ = 200  # words; a second language that begins later changes nothing
_ENOUGH = 3  # different function words

_MARKS: dict[str, str] = {
    "en": "the and you your this that with not my is are have has they never nobody what been from when how still",
    "fr": "je vous avec mais nous mes chez toujours jamais une dans pas cette est ce ils rien aucune suis ai leur depuis",
    "it": "che sono della mio mia ancora dopo questo ho anche perche molto gli nessuno mai stato hanno dove piu sono e",
    "es": "el las y por para pero estoy muy desde hace nunca esta nadie cuando porque todavia tengo sigo mis sin",
    "de": "der das und ich ist nicht ein eine auf seit noch aber mein mit kein keine warte immer habe wurde",
}
_LANG_OF = {
    word: lang
    for lang, words in _MARKS.items()
    for word in words.split()
    if sum(word in others.split() for others in _MARKS.values()) == 1
}


def other_languages(words: Words, lang: str, languages: Sequence[str]) -> tuple[str, ...]:
    """Configured languages beside `lang` that clearly stand in the text."""
    known = _LANG_OF.keys() & words.folded[:_READ]
    if len(known) < _ENOUGH:
        return ()
    votes: dict[str, int] = {}
    for word in known:
        found = _LANG_OF[word]
        votes[found] = votes.get(found, 0) + 1
    return tuple(found for found, count in votes.items() if count >= _ENOUGH and found != lang and found in languages)
