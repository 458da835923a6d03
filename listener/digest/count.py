"""`count`: a week's stored posts in, a `Digest` with every number and sentence out.

One pass over the posts, one comparison with the earlier weeks, nothing else: no clock (the moment of counting is an
argument), no store. It counts people before posts, shows no share under ten, and accounts for every stored post.
The order of the posts makes no difference. What else is known (reply times, labels, decisions, words of the past)
comes in `Around`; nothing of it is needed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from listener.digest import labels as books
from listener.digest import loud, shelf, tables, words
from listener.digest.beliefs import Beliefs
from listener.digest.cells import Cells
from listener.digest.change import compare
from listener.digest.coverage import coverage, earlier_exposure, exposure, thin
from listener.digest.decided import decisions
from listener.digest.figures import NO_PHRASES, SCHEMA_VERSION, Accounting, Digest, WeekFigures
from listener.digest.given import Around, DigestSettings, StageWeek
from listener.digest.journey import shown_stages
from listener.digest.pairs import Pairs
from listener.digest.phrases import Sayings
from listener.digest.questions import Questions
from listener.digest.reach import Reach
from listener.digest.replies import response
from listener.digest.rivals import Voices
from listener.digest.tally import Hearing, gather
from listener.digest.text import visible
from listener.digest.trust import confidence
from listener.digest.week import Week
from listener.model import Counted, SourceState

NOTHING_ELSE = Around()


def count(
    week: Week,
    mentions: Iterable[Counted],
    earlier: Sequence[StageWeek] = (),
    sources: Sequence[SourceState] = (),
    *,
    settings: DigestSettings,
    as_of: datetime | None = None,
    around: Around = NOTHING_ELSE,
) -> Digest:
    """Count `week`.

    `mentions` are the posts published in the week, `earlier` the stage counts of up to `settings.earlier_weeks`
    weeks before it (others are left out), `sources` every configured source. `as_of` (aware) is the moment of
    counting; without it the week is taken as over.
    """
    book = books.load(settings.language)
    shown = shown_stages(settings, book)
    keys = {base: stage.key for stage in shown for base in stage.base}
    pairs, questions, cells, reach = Pairs(), Questions(), Cells(), Reach()
    beliefs, voices = Beliefs(settings.hypotheses), Voices(settings)
    own = (settings.brand, *settings.own_words, *settings.rivals)
    sayings = Sayings(own, around.one_in) if around.spoken is not None else None
    hearing: list[Hearing] = [pairs, questions, cells, reach, beliefs, *([sayings] if sayings is not None else [])]
    tally = gather(week, mentions, keys, settings.examples, hearing, [voices])
    kinds = tally.kinds
    covered = coverage(week, sources, tally.seen, kinds.total(), kinds["counted"], as_of, around.budgets, book=book)
    before = earlier_exposure(week, earlier, sources, settings)
    now = exposure(week, sources, as_of)
    compared = compare(shown, tally.voices, earlier, before, now, thin(now, before))
    stages = tuple(tables.stage(stage, tally, compared, settings, book) for stage in shown)
    journey, unclear = stages[:-1], stages[-1]
    labels = {stage.key: stage.label for stage in shown}
    total = tables.people(tally.everybody, tally.buyers)
    accounting = Accounting(
        kinds.total(), kinds["counted"], kinds["promotional"], kinds["rivals"], kinds["own"], kinds["not_relevant"]
    )
    pains = tables.topics(tally.pains, tally, labels, settings, book)
    delights = tables.topics(tally.delights, tally, labels, settings, book)
    exits, leaving = tables.doors(tally, labels, settings, book)
    brand = visible(settings.brand, 60)

    def shown_touchpoint(touchpoint: str) -> str:
        return tables.label(touchpoint, settings, book)

    finished = as_of is None or as_of >= week.until
    compared_weeks = {
        distance for distance in range(1, settings.earlier_weeks + 1) if week.previous(distance) in before
    }
    return Digest(
        schema_version=SCHEMA_VERSION,
        brand=brand,
        week=WeekFigures(week.name, book.period(week), week.since, week.until, week.time_zone, week.hours, finished),
        state=covered.state,
        headline=words.headline(brand, covered.state, total, pains, delights, kinds.total(), book),
        notes=(
            *words.notes(week, covered, finished, total, book),
            *([book.say("note_unreviewed", week=around.unreviewed)] if around.unreviewed else []),
            *loud.notes(week, compared_weeks, around.spikes, shown_touchpoint, book),
        ),
        actions=loud.beside(
            words.actions(covered, total, pains, delights, exits, leaving, journey, tally, unclear, book),
            week,
            around.spikes,
            book,
        ),
        accounting=accounting,
        accounting_sentence=words.accounting(accounting, book),
        total=total,
        change=compared.total,
        stages=journey,
        unclear=unclear,
        pains=pains,
        delights=delights,
        exits=exits,
        exit_authors=leaving,
        rivals=tables.named(tally.rivals, None, settings, book, as_name=True),
        top_posts=reach.figures(),
        urgency=tables.urgency(tally, book),
        emotions=tables.named(tally.emotions, tally.buyers, settings, book),
        languages=tables.named(tally.languages, tally.buyers, settings, book, as_name=True),
        platforms=tables.named(tally.platforms, tally.buyers, settings, book, as_name=True),
        response=shelf.told(
            response(week, tally.cases, tally.praising, around.cases, as_of, book), week, around.shelf, book
        ),
        coverage=covered,
        confidence=confidence(week, total, unclear, tally, around, book),
        report_url=settings.report_url,
        pairs=pairs.figures(tally.buyers, shown_touchpoint, book),
        questions=questions.figures(tally.buyers, shown_touchpoint, book),
        share_of_voice=voices.figures(brand, book),
        phrases=sayings.figures(around.spoken, compared_weeks, tally.buyers, labels, book) if sayings else NO_PHRASES,
        hypotheses=beliefs.figures(book),
        decisions=decisions(week, around.decided),
        loud=loud.figures(week, around.spikes, shown_touchpoint, book),
        sources=tables.named(tally.sources, tally.buyers, settings, book, as_name=True),
        buyer_status=tables.buyer_status(total, tally, book),
        cells=cells.figures(tally.buyers),
        language=book.language,
    )
