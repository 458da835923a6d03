"""A polite question to copy: may we show what you wrote? It names the use, and that a no is fine, in the post's language."""

from __future__ import annotations

_QUESTIONS = {
    "en": (
        (
            "Thank you for your kind words about {brand}! May we quote this post, with your name, {where}? "
            "A yes in reply is enough, a no is fine too, and you can take it back at any time."
        ),
        "on our website",
    ),
    "fr": (
        (
            "Merci pour vos mots si aimables sur {brand} ! Pouvons-nous citer cette publication, avec votre nom, {where} ? "
            "Un oui en réponse suffit, un non nous convient aussi, et vous pourrez changer d'avis à tout moment."
        ),
        "sur notre site web",
    ),
    "it": (
        (
            "Grazie per le belle parole su {brand}! Possiamo citare questo post, con il suo nome, {where}? "
            "Basta un sì in risposta, va bene anche un no, e può cambiare idea in qualsiasi momento."
        ),
        "sul nostro sito web",
    ),
    "es": (
        (
            "¡Gracias por sus amables palabras sobre {brand}! ¿Podemos citar esta publicación, con su nombre, {where}? "
            "Basta un sí como respuesta, un no también está bien, y puede retirarlo en cualquier momento."
        ),
        "en nuestro sitio web",
    ),
    "de": (
        (
            "Danke für die freundlichen Worte über {brand}! Dürfen wir diesen Beitrag mit Ihrem Namen zitieren, und zwar {where}? "
            "Ein Ja als Antwort genügt, ein Nein ist auch in Ordnung, und Sie können es jederzeit zurücknehmen."
        ),
        "auf unserer Website",
    ),
}
LANGUAGES = frozenset(_QUESTIONS)


def question(lang: str, brand: str, where: str = "") -> str:
    """The question in this language, in English where there is none in it. `where`: the use; on the website unless said."""
    words, usual = _QUESTIONS.get(lang, _QUESTIONS["en"])
    return words.format(brand=brand, where=where or usual)
