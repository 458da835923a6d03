"""The borderline cases that every engine gets wrong (CUES §3), in five languages, judged with the packs that ship.

Each case is written as people write it in that language, about the brand Acme, its product "Acme One" and the rival Polarex. What
a case does not decide is not asked of it. Where our answer differs from CUES, docs/decisions/0006 says why.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from connectors.base import Author, Kind, Mention
from listener.model import Sentiment, Verdict
from listener.triage.brand import BrandFacts
from listener.triage.verdict import Triage, build_triage
from rules.load import builtin_packs
from rules.vocabulary import BuyerStatus, Intent, Stage, Urgency

LANGUAGES = ("en", "fr", "it", "es", "de")
BRAND = BrandFacts("Acme", ("@acme",), ("Acme One",), rivals={"Polarex": ()}, own_accounts=frozenset({"x:acme"}))

AWARENESS, CONSIDERATION, SELECTION, PURCHASE, USE, SATISFACTION, LOYALTY, ADVOCACY, _ = Stage
LOW, NORMAL, HIGH, CRITICAL = Urgency
COMPLAINT, QUESTION, PRAISE, BUYING, LEAVING, _SUGGESTION = Intent


@dataclass(frozen=True, slots=True)
class Case:
    """What a post must come out as; `None` and empty ask nothing."""

    stage: Stage
    levels: tuple[Urgency, ...]
    second: Stage | None = None
    wants: frozenset[Intent] = frozenset()
    not_wants: frozenset[Intent] = frozenset()
    touchpoints: frozenset[str] = frozenset()
    mood: Sentiment | None = None
    not_mood: Sentiment | None = None
    buyer: BuyerStatus | None = None
    posts: dict[str, tuple[str, ...]] = field(default_factory=dict)


def asks(*intents: Intent) -> frozenset[Intent]:
    return frozenset(intents)


CASES: dict[str, Case] = {
    "1 ordered, nothing came, support silent": Case(
        PURCHASE, (HIGH,), second=SATISFACTION, wants=asks(COMPLAINT), touchpoints=frozenset({"delivery", "support"}),
        posts={
            "en": ("Ordered 3 weeks ago, nothing, support silent",),
            "fr": ("Commandé il y a 3 semaines, toujours rien, le SAV ne répond pas",),
            "it": ("Ordinato 3 settimane fa, ancora niente, l'assistenza non risponde",),
            "es": ("Pedido hace 3 semanas, no ha llegado nada y atención al cliente no contesta",),
            "de": ("Vor 3 Wochen bestellt, nichts da, der Kundenservice antwortet nicht",),
        },
    ),
    "2 arrived broken, money back": Case(
        SATISFACTION, (NORMAL, HIGH), second=PURCHASE, wants=asks(COMPLAINT), touchpoints=frozenset({"refunds"}), mood="negative",
        posts={
            "en": ("Arrived broken, want my money back",),
            "fr": ("Arrivé cassé, je veux être remboursé",),
            "it": ("Arrivato rotto, rivoglio i miei soldi",),
            "es": ("Ha llegado roto, quiero que me devuelvan el dinero",),
            "de": ("Kaputt angekommen, will mein Geld zurück",),
        },
    ),
    "3 app crashes at checkout": Case(
        PURCHASE, (NORMAL, HIGH), wants=asks(COMPLAINT), touchpoints=frozenset({"app", "checkout"}),
        posts={
            "en": ("App crashes at checkout",),
            "fr": ("L'appli plante au moment de payer",),
            "it": ("L'app si blocca al momento del pagamento",),
            "es": ("La app se cierra al pagar",),
            "de": ("Die App stürzt an der Kasse ab",),
        },
    ),
    "4 app crashes in use": Case(
        USE, (NORMAL,), wants=asks(COMPLAINT), touchpoints=frozenset({"app"}),
        posts={
            "en": ("App crashes when I open my workouts",),
            "fr": ("L'appli plante quand j'ouvre mes entraînements",),
            "it": ("L'app crasha quando apro i miei allenamenti",),
            "es": ("La app se cierra cuando abro mis entrenamientos",),
            "de": ("Die App stürzt ab, wenn ich meine Trainings öffne",),
        },
    ),
    "5 recommander: ordered again": Case(
        LOYALTY, (LOW,), not_wants=asks(COMPLAINT, LEAVING),
        posts={
            "en": ("Ordered again from Acme",),
            "fr": ("j'ai recommandé chez Acme", "J'ai recommandé chez @acme hier soir, comme d'habitude"),
            "it": ("Ho riordinato da Acme",),
            "es": ("He vuelto a pedir en Acme",),
            "de": ("Wieder bei Acme bestellt",),
        },
    ),
    "5 recommander: recommend": Case(
        ADVOCACY, (LOW,), wants=asks(PRAISE), not_wants=asks(COMPLAINT),
        posts={
            "en": ("I recommend Acme to all my friends",),
            "fr": ("je recommande Acme à toutes mes copines", "J'ai recommandé Acme à ma sœur"),
            "it": ("Consiglio Acme a tutti i miei amici",),
            "es": ("Recomiendo Acme a todos mis amigos",),
            "de": ("Ich empfehle Acme allen meinen Freunden",),
        },
    ),
    "6 would you recommend": Case(
        CONSIDERATION, (LOW, NORMAL), wants=asks(QUESTION), not_wants=asks(PRAISE, COMPLAINT),
        posts={
            "en": ("Would you recommend Acme?",),
            "fr": ("Vous recommandez Acme ?", "Est-ce que vous recommanderiez Acme ?"),
            "it": ("Mi consigliate Acme?", "Consigliereste Acme?"),
            "es": ("¿Recomendáis Acme?", "¿Me recomendáis Acme?"),
            "de": ("Könnt ihr Acme empfehlen?", "Würdet ihr Acme empfehlen?"),
        },
    ),
    "7 never the rival again, back to us": Case(
        LOYALTY, (LOW,), not_wants=asks(LEAVING, COMPLAINT), not_mood="negative",
        posts={
            "en": ("Never buying from Polarex again, back to Acme",),
            "fr": ("Plus jamais Polarex, je reviens chez Acme",),
            "it": ("Mai più Polarex, torno da Acme",),
            "es": ("Nunca más Polarex, vuelvo a Acme",),
            "de": ("Nie wieder Polarex, zurück zu Acme",),
        },
    ),
    "8 may have to leave the best": Case(
        LOYALTY, (NORMAL, HIGH), wants=asks(LEAVING),
        posts={
            "en": ("Hate that I may have to leave Acme, they are the best",),
            "fr": ("Ça m'embête de devoir peut-être quitter Acme, ce sont les meilleurs",),
            "it": ("Odio dover forse lasciare Acme, sono i migliori",),
            "es": ("Odio tener que dejar Acme, son los mejores",),
            "de": ("Schade, dass ich Acme vielleicht verlassen muss, ihr seid die Besten",),
        },
    ),
    "9 a rival's offer to our customers": Case(
        AWARENESS, (LOW,), not_wants=asks(LEAVING, COMPLAINT),
        posts={
            "en": ("Polarex gives Acme customers 100 euro to switch",),
            "fr": ("Polarex offre 100 euros aux clients Acme pour changer",),
            "it": ("Polarex regala 100 euro ai clienti Acme che passano a loro",),
            "es": ("Polarex da 100 euros a los clientes de Acme que se cambien",),
            "de": ("Polarex schenkt Acme-Kunden 100 Euro für den Wechsel",),
        },
    ),
    "10 sarcasm": Case(
        SATISFACTION, (NORMAL, HIGH), wants=asks(COMPLAINT), not_wants=asks(PRAISE), mood="negative",
        posts={
            "en": ("Great, another three hours on hold. Love it.",),
            "fr": ("Super, encore trois heures d'attente au téléphone. J'adore.",),
            "it": ("Fantastico, altre tre ore in attesa al telefono. Adoro.",),
            "es": ("Genial, otras tres horas en espera al teléfono. Me encanta.",),
            "de": ("Toll, schon wieder drei Stunden in der Warteschleife. Liebe es.",),
        },
    ),
    "11 is it down": Case(
        USE, (LOW, NORMAL), wants=asks(QUESTION), not_wants=asks(COMPLAINT, LEAVING),
        posts={
            "en": ("Is Acme down?",),
            "fr": ("Acme est en panne ?",),
            "it": ("Acme è down?",),
            "es": ("¿Se ha caído Acme?",),
            "de": ("Ist Acme down?",),
        },
    ),
    "12 just got it": Case(
        PURCHASE, (LOW,), not_wants=asks(COMPLAINT, LEAVING),
        posts={
            "en": ("Just got the Acme One, unboxing tonight",),
            "fr": ("Je viens de recevoir mon Acme One, déballage ce soir",),
            "it": ("Mi è appena arrivato l'Acme One, unboxing stasera",),
            "es": ("Me acaba de llegar el Acme One, esta noche lo abro",),
            "de": ("Acme One ist gerade angekommen, heute Abend wird ausgepackt",),
        },
    ),
    "13 my sister loves it": Case(
        CONSIDERATION, (LOW, NORMAL), wants=asks(BUYING), not_wants=asks(COMPLAINT, LEAVING),
        posts={
            "en": ("My sister loves Acme, thinking of getting one",),
            "fr": ("Ma sœur adore Acme, je pense m'en prendre un",),
            "it": ("Mia sorella adora Acme, sto pensando di prenderne uno",),
            "es": ("A mi hermana le encanta Acme, estoy pensando en comprarme uno",),
            "de": ("Meine Schwester liebt Acme, überlege mir auch eins zu holen",),
        },
    ),
    "14 why does nobody talk about it": Case(
        ADVOCACY, (LOW,), wants=asks(PRAISE), not_wants=asks(COMPLAINT, QUESTION), not_mood="negative",
        posts={
            "en": ("Why does nobody talk about how good Acme is",),
            "fr": ("Pourquoi personne ne parle de la qualité d'Acme, c'est tellement bien",),
            "it": ("Perché nessuno parla di quanto è buono Acme",),
            "es": ("Por qué nadie habla de lo bueno que es Acme",),
            "de": ("Warum redet keiner darüber, wie gut Acme ist",),
        },
    ),
    "15 too expensive, left": Case(
        SELECTION, (LOW, NORMAL), wants=asks(LEAVING), touchpoints=frozenset({"pricing"}), buyer=BuyerStatus.NON_BUYER,
        posts={
            "en": ("Too expensive, I left",),
            "fr": ("Trop cher, j'ai laissé tomber",),
            "it": ("Troppo caro, ho lasciato perdere",),
            "es": ("Demasiado caro, lo dejé",),
            "de": ("Zu teuer, hab's gelassen",),
        },
    ),
    "16 price up again, out": Case(
        LOYALTY, (HIGH,), wants=asks(LEAVING, COMPLAINT), touchpoints=frozenset({"pricing"}), mood="negative",
        posts={
            "en": ("Price went up again, third year in a row, I'm out",),
            "fr": ("Le prix augmente encore, troisième année de suite, je résilie",),
            "it": ("Il prezzo è aumentato di nuovo, terzo anno di fila, disdico",),
            "es": ("Otra subida de precio, tercer año seguido, me doy de baja",),
            "de": ("Schon wieder Preiserhöhung, das dritte Jahr in Folge, ich kündige",),
        },
    ),
    "17 avoid, never refunded": Case(
        ADVOCACY, (NORMAL, HIGH), second=SATISFACTION, wants=asks(COMPLAINT), touchpoints=frozenset({"refunds"}), mood="negative",
        posts={
            "en": ("Avoid Acme, they never refunded me",),
            "fr": ("Évitez Acme, ils ne m'ont jamais remboursé",),
            "it": ("Evitate Acme, non mi hanno mai rimborsato",),
            "es": ("Evitad Acme, nunca me devolvieron el dinero",),
            "de": ("Finger weg von Acme, die haben mir nie mein Geld erstattet",),
        },
    ),
    "18 fine product, bad courier": Case(
        SATISFACTION, (NORMAL,), wants=asks(COMPLAINT), touchpoints=frozenset({"delivery", "product_quality"}),
        posts={
            "en": ("1 star. Fine product, courier threw it over the fence",),
            "fr": ("1 étoile. Bon produit, mais le livreur l'a jeté par-dessus la clôture",),
            "it": ("1 stella. Buon prodotto, ma il corriere l'ha lanciato oltre il cancello",),
            "es": ("1 estrella. Buen producto, pero el repartidor lo tiró por encima de la valla",),
            "de": ("1 Stern. Gutes Produkt, aber der Paketbote hat es über den Zaun geworfen",),
        },
    ),
    "19 boycott": Case(
        ADVOCACY, (LOW, NORMAL), not_wants=asks(PRAISE), touchpoints=frozenset({"values"}), not_mood="positive", buyer=BuyerStatus.UNKNOWN,
        posts={
            "en": ("Boycott Acme",),
            "fr": ("Boycottez Acme",),
            "it": ("Boicottate Acme",),
            "es": ("Boicot a Acme",),
            "de": ("Boykottiert Acme",),
        },
    ),
    "20 six months with it": Case(
        USE, (LOW,), not_wants=asks(COMPLAINT, LEAVING),
        posts={
            "en": ("Review: six months with Acme One https://blog.example/acme-one",),
            "fr": ("Test : six mois avec l'Acme One https://blog.example/acme-one",),
            "it": ("Recensione: sei mesi con Acme One https://blog.example/acme-one",),
            "es": ("Análisis: seis meses con el Acme One https://blog.example/acme-one",),
            "de": ("Test: sechs Monate mit dem Acme One https://blog.example/acme-one",),
        },
    ),
    "22 thanks, but where is my refund": Case(
        SATISFACTION, (NORMAL, HIGH), wants=asks(COMPLAINT, QUESTION), not_wants=asks(PRAISE), touchpoints=frozenset({"refunds"}), mood="negative",
        posts={
            "en": ("Thanks Acme for the quick reply but where is my refund?",),
            "fr": ("Merci Acme pour la réponse rapide mais où est mon remboursement ?",),
            "it": ("Grazie Acme per la risposta veloce ma dov'è il mio rimborso?",),
            "es": ("Gracias Acme por responder tan rápido pero ¿dónde está mi reembolso?",),
            "de": ("Danke Acme für die schnelle Antwort, aber wo bleibt meine Erstattung?",),
        },
    ),
    "24 a headline with a link": Case(
        AWARENESS, (LOW,), not_wants=asks(COMPLAINT, LEAVING, QUESTION, BUYING), not_mood="negative",
        posts={
            "en": ("Acme opens its first store in Lyon https://news.example/1", "Acme to acquire two rivals, report says https://news.example/2"),
            "fr": ("Acme ouvre sa première boutique à Lyon https://news.example/1",),
            "it": ("Acme apre il suo primo negozio a Lione https://news.example/1",),
            "es": ("Acme abre su primera tienda en Lyon https://news.example/1",),
            "de": ("Acme eröffnet ersten Laden in Lyon https://news.example/1",),
        },
    ),
    "25 which of you answers first": Case(
        SELECTION, (NORMAL,), wants=asks(QUESTION),
        posts={
            "en": ("@acme @polarex which of you answers first",),
            "fr": ("@acme @polarex lequel de vous deux répond en premier ?",),
            "it": ("@acme @polarex chi di voi due risponde per primo?",),
            "es": ("@acme @polarex ¿quién de los dos responde primero?",),
            "de": ("@acme @polarex wer von euch beiden antwortet zuerst?",),
        },
    ),
    "27 a joke": Case(
        AWARENESS, (LOW,), not_wants=asks(COMPLAINT, LEAVING, QUESTION, BUYING),
        posts={
            "en": ("An Acme toaster walks into a bar 😂😂",),
            "fr": ("Un grille-pain Acme entre dans un bar 😂😂",),
            "it": ("Un tostapane Acme entra in un bar 😂😂",),
            "es": ("Entra una tostadora Acme en un bar 😂😂",),
            "de": ("Kommt ein Acme-Toaster in eine Bar 😂😂",),
        },
    ),
    "28 my face burns": Case(
        USE, (CRITICAL,), wants=asks(COMPLAINT),
        posts={
            "en": ("My face burns since the new cream",),
            "fr": ("Mon visage brûle depuis la nouvelle crème",),
            "it": ("Mi brucia la faccia da quando uso la nuova crema",),
            "es": ("Me arde la cara desde que uso la crema nueva",),
            "de": ("Mein Gesicht brennt seit der neuen Creme",),
        },
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def triage() -> Triage:
    return build_triage(builtin_packs(), BRAND, LANGUAGES)


def post(
    text: str,
    *,
    handle: str = "ana",
    kind: Kind = "post",
    number: int = 1,
    reply: bool | None = None,
    lang: str | None = None,
) -> Mention:
    if reply is None:  # cases that name nobody stand in a thread with the brand
        reply = "acme" not in text.casefold()
    at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=number)
    return Mention("x", str(number), text, at, Author(handle, handle), kind=kind, lang=lang, in_reply_to_brand=reply)


def differences(case: Case, verdict: Verdict) -> Sequence[str]:
    """What came out otherwise than the case says, in words."""
    found = verdict.intents
    checks = {
        f"stage {verdict.stage}": verdict.stage is case.stage,
        f"second {verdict.secondary_stage}": case.second in (None, verdict.secondary_stage),
        f"urgency {verdict.urgency.word}, {verdict.points} points": verdict.urgency in case.levels,
        f"intents {sorted(found)} without {sorted(case.wants - found)}": case.wants <= found,
        f"intents {sorted(case.not_wants & found)}": not case.not_wants & found,
        f"touchpoints {sorted(verdict.touchpoints)}": case.touchpoints <= set(verdict.touchpoints),
        f"mood {verdict.sentiment_label}": case.mood in (None, verdict.sentiment_label)
        and case.not_mood != verdict.sentiment_label,
        f"buyer {verdict.buyer_status}": case.buyer in (None, verdict.buyer_status),
        f"subject {verdict.subject}": verdict.subject == "brand",
    }
    return [what for what, fine in checks.items() if not fine]


@pytest.mark.parametrize(
    ("name", "lang", "text"),
    [
        pytest.param(name, lang, text, id=f"{lang}-{name.split(maxsplit=1)[0]}-{number}")
        for name, case in CASES.items()
        for lang, texts in case.posts.items()
        for number, text in enumerate(texts)
    ],
)
def test_a_borderline_case_comes_out_as_written(triage: Triage, name: str, lang: str, text: str) -> None:
    verdict = triage.judge(post(text, lang=lang))  # X says the language of a post
    told = "\n".join(f"{line.points:+4} {line.label}: {line.evidence} {line.rule}" for line in verdict.lines)
    assert not differences(CASES[name], verdict), f"{name} ({lang}, read as {verdict.lang})\n{text}\n{told}"


@pytest.mark.parametrize("name", [name for name in CASES if name.startswith("10 ")])
def test_sarcasm_is_capped_and_flagged(triage: Triage, name: str) -> None:
    for text in (text for texts in CASES[name].posts.values() for text in texts):
        verdict = triage.judge(post(text))
        assert verdict.stage_confidence <= 0.6
        assert any(line.label == "sarcasm?" for line in verdict.lines), text


def test_case_15_and_16_tell_non_buyers_from_customers(triage: Triage) -> None:
    """The same two words of price, once before and once after buying."""
    assert triage.judge(post("Too expensive, I left")).buyer_status is BuyerStatus.NON_BUYER
    assert triage.judge(post("Price went up again, third year in a row, I'm out")).buyer_status is not (
        BuyerStatus.NON_BUYER
    )


@pytest.mark.parametrize("text", CASES["18 fine product, bad courier"].posts.values())
def test_case_18_each_touchpoint_has_its_own_mood(triage: Triage, text: tuple[str]) -> None:
    moods = triage.judge(post(text[0])).touchpoints
    delivery, product = moods["delivery"], moods["product_quality"]
    assert delivery is not None
    assert product is not None
    assert delivery < 0 < product


@pytest.mark.parametrize(
    "text",
    [
        "Use my code SAVE10 on Acme",
        "Utilisez mon code SAVE10 sur Acme",
        "Usate il mio codice SAVE10 su Acme",
        "Usad mi código SAVE10 en Acme",
        "Nutzt meinen Code SAVE10 bei Acme",
    ],
)
def test_case_21_a_code_is_promotion_and_low(triage: Triage, text: str) -> None:
    verdict = triage.judge(post(text))
    assert (verdict.stage, verdict.promotional, verdict.urgency) == (Stage.ADVOCACY, True, Urgency.LOW)


def test_case_23_a_brand_that_is_a_common_word_needs_its_context() -> None:
    gap = build_triage(builtin_packs(), BrandFacts("Gap", ("@gap",), context=("jeans", "store", "order")), LANGUAGES)
    assert not gap.judge(post("mind the gap between the train and the platform", reply=False)).relevant
    assert gap.judge(post("these Gap jeans fell apart after two washes", reply=False)).relevant
    assert gap.judge(post("@gap where are you?", reply=False)).relevant


def test_case_26_own_accounts_are_excluded(triage: Triage) -> None:
    verdict = triage.judge(post("We at Acme are sorry that it never arrived", handle="acme"))
    assert (verdict.relevant, verdict.subject, verdict.urgency) == (False, "own", Urgency.LOW)


@pytest.mark.parametrize(
    ("text", "stage"),
    [
        ("Love my Acme One, works great. Ma il mio secondo pacco non è mai arrivato, sono tre settimane!", Stage.PURCHASE),
        ("Acme, j'ai résilié mon abonnement ce matin. Goodbye and thanks for nothing", Stage.LOYALTY),
        ("@acme hola, buenos días. My parcel never arrived and nobody answers", Stage.PURCHASE),
        ("Sorry for my english! Ich warte immer noch auf mein Paket von Acme, seit drei Wochen nichts", Stage.PURCHASE),
    ],
)  # fmt: skip
def test_case_29_cues_of_every_language_of_a_mixed_post_count(triage: Triage, text: str, stage: Stage) -> None:
    assert triage.judge(post(text)).stage is stage


def test_case_30_each_post_of_a_thread_has_its_own_stage(triage: Triage) -> None:
    """The case shows the latest: tests/triage/test_sarah.py."""
    first = triage.judge(post("Just ordered the Acme One, can't wait"))
    second = triage.judge(post("Arrived broken, want my money back", number=2))
    assert (first.stage, second.stage) == (Stage.PURCHASE, Stage.SATISFACTION)
