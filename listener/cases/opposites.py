"""Words that keep two look-alikes apart, in five languages: numbers, negations, opposites; and words that say nothing.

Data for `cases.copies`. A word too many here costs a second alert; one too few can hide a customer behind another.
"""

from __future__ import annotations

from typing import Final


def _words(listed: str) -> frozenset[str]:
    return frozenset(listed.split())


# Contractions lose their apostrophe with the punctuation: "can't" is "can", "t".
NEGATIONS: Final = _words("""
    not no never none nothing nobody neither nor without cannot cant dont doesnt didnt wont isnt wasnt arent werent
    havent hasnt hadnt couldnt wouldnt shouldnt t don doesn didn won isn wasn aren weren haven hasn hadn couldn wouldn
    hardly barely
    ne n pas jamais plus aucun aucune sans ni non rien personne nul nulle guère
    mai senza nessun nessuno nessuna niente nulla né neanche nemmeno
    nunca jamás sin nada nadie ningún ninguno ninguna tampoco
    nicht nie niemals kein keine keinen keiner keinem keines ohne nichts nein weder noch kaum
    """)

NUMBERS: Final = _words("""
    zero one two three four five six seven eight nine ten eleven twelve twenty thirty hundred thousand once twice half double triple
    first second third
    zéro un une deux trois quatre cinq sept huit neuf dix onze douze vingt trente cent mille moitié premier première deuxième troisième
    due tre quattro cinque sei sette otto nove dieci undici dodici venti trenta cento mila metà doppio primo prima secondo seconda terzo
    cero dos tres cuatro cinco seis siete ocho nueve diez once doce veinte treinta cien mil mitad doble primero primera segundo tercero
    null eins zwei drei vier fünf sechs sieben acht neun zehn elf zwölf zwanzig dreissig hundert tausend halb doppelt erste zweite dritte
    """) - {"un", "une"}  # articles, too

_PAIRS: Final = """
    good bad · good terrible · great terrible · great awful · best worst · better worse · love hate · loved hated · happy sad · happy angry
    perfect broken · perfect damaged · fine broken · fast slow · faster slower · quick slow · cheap expensive · cheaper dearer
    more less · up down · on off · in out · before after · early late · with without · open closed · opened closed · always never
    increase decrease · increased decreased · raised lowered · raised cut · won lost · win lose · buy sell · bought sold · bought returned
    accepted rejected · accepted refused · fixed broken · works fails · worked failed · start stop · started stopped · easy hard
    easy difficult · recommend avoid · keep cancel · kept cancelled · right wrong · safe dangerous · full empty · new old · clean dirty
    hot cold · joined left · joining leaving · thanks shame · friendly rude · helpful useless · high low · higher lower · from to
    price storage · price quality · price speed · price size
    bon mauvais · bonne mauvaise · bien mal · meilleur pire · mieux pire · adore déteste · aime déteste · content déçu · contente déçue
    parfait cassé · parfaite cassée · parfait abîmé · rapide lent · rapide lente · moins plus · avant après · tôt tard · avec sans
    ouvert fermé · ouverte fermée · toujours jamais · augmenté diminué · augmenté baissé · hausse baisse · acheté rendu · accepté refusé
    accepté rejeté · facile difficile · recommande déconseille · juste faux · plein vide · neuf vieux · propre sale · chaud froid
    aimable désagréable · utile inutile · cher abordable · gagné perdu · arrivé perdu · prix stockage · prix qualité
    buono cattivo · buona cattiva · bene male · migliore peggiore · meglio peggio · adoro odio · amo odio · felice triste · contento deluso
    contenta delusa · perfetto rotto · perfetta rotta · perfetto danneggiato · veloce lento · veloce lenta · più meno · dopo prima
    presto tardi · con senza · aperto chiuso · aperta chiusa · sempre mai · aumentato diminuito · comprato restituito · accettato rifiutato
    facile difficile · consiglio sconsiglio · giusto sbagliato · pieno vuoto · nuovo vecchio · pulito sporco · caldo freddo
    gentile scortese · utile inutile · caro economico · prezzo memoria · prezzo qualità
    bueno malo · buena mala · bien mal · mejor peor · adoro odio · encanta molesta · feliz triste · contento decepcionado
    contenta decepcionada · perfecto roto · perfecta rota · perfecto dañado · rápido lento · rápida lenta · más menos · antes después
    pronto tarde · con sin · abierto cerrado · abierta cerrada · siempre nunca · subido bajado · subieron bajaron · comprado devuelto
    aceptado rechazado · fácil difícil · recomiendo desaconsejo · correcto equivocado · lleno vacío · nuevo viejo · limpio sucio
    caliente frío · amable grosero · útil inútil · caro barato · precio almacenamiento · precio calidad
    gut schlecht · gute schlechte · guter schlechter · besser schlechter · beste schlechteste · liebe hasse · glücklich traurig
    zufrieden enttäuscht · perfekt kaputt · perfekt beschädigt · heil kaputt · schnell langsam · mehr weniger · vor nach · früh spät
    mit ohne · offen geschlossen · immer nie · erhöht gesenkt · gestiegen gesunken · gekauft zurückgegeben · angenommen abgelehnt
    leicht schwer · einfach schwierig · empfehle warne · richtig falsch · voll leer · neu alt · sauber schmutzig · heiss kalt
    freundlich unverschämt · hilfreich nutzlos · teuer billig · teuer günstig · preis speicher · preis qualität · ja nein
"""
OPPOSITES: Final = frozenset(
    frozenset(pair.split()) for line in _PAIRS.strip().split("\n") for pair in line.split("·") if pair.strip()
)
OPPOSING: Final = (
    "un",
    "in",
    "im",
    "dis",
    "ir",
    "il",
    "mé",
    "mal",
    "s",
    "de",
    "des",
    "miss",
    "unge",
)  # "happy" against "unhappy"

# Greetings, courtesies, emphasis and the like: exchanging one for another says nothing new.
SMALL: Final = _words("""
    the and for you your our are was has had have that this these those its with from just really very totally absolutely
    hey hello hi dear please pls plz thanks thank thx guys team folks everyone everybody all wow omg lol ugh seriously honestly literally again
    people friends share repost rt via btw imo so but then also too now still will would been were they them their his her she who what
    les des une est sont avec pour dans sur que qui vous votre vos nous notre nos mon mes ton tes son ses très vraiment trop tellement
    bonjour bonsoir salut svp merci alors donc mais aussi encore cette ces cet ils elle elles tout tous toute toutes partagez amis
    gli del della dei delle dal dalla nel nella sul sulla per con che chi una uno sono molto davvero proprio tanto così ciao salve
    buongiorno buonasera grazie favore quindi anche ancora questo questa questi queste ragazzi tutti tutto amici condividete
    los las del una unos con por para que quien muy realmente tan tanto hola buenas buenos gracias favor pues entonces también aún
    este esta estos estas todos todo amigos compartid compartan
    der die das den dem des ein eine einen einem einer und für mit auf von zum zur ist sind war sehr wirklich echt total so hallo
    guten moin bitte danke also aber auch noch mal dieser diese dieses alle alles leute freunde teilen euch ihr euer eure unser unsere
    """)
