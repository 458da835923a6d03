"""A tricky week counted by hand: beside each figure stand the people and posts it is made of, and no counting code made them.

Paris, 19 to 25 October 2026: the clocks go back, so the week has 169 hours. `forum` and `news` have answered since August, `social` since the
end of September. Names are people; one name on both sources is two people. Intervals and p-values are scipy's, from the figures counted by hand.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from math import sqrt
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from connectors.base import Gap, Removal
from listener import gathering
from listener.cases.clock import ServiceHours
from listener.cases.deeds import Deed
from listener.digest import form
from listener.digest.figures import DigestSettings
from listener.digest.week import Week
from listener.store import Store
from rules.vocabulary import Stage, Urgency
from tests.fakes.hand_week import Extras, Listening, Row, read

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # what their own imports deprecate is no matter of ours
    from scipy import stats
    from statsmodels.stats.multitest import multipletests

ZONE = "Europe/Paris"
WEEK = Week.parse("2026-W43", ZONE)  # from Sunday 22:00 UTC (summer time) to Sunday 23:00 UTC
END = datetime(2026, 10, 26, 11, 0, tzinfo=UTC)  # Monday noon: when it is counted
COPY = "Forty minutes on hold with Acme and then the line went dead again, what a joke."

# name day time            author source stage/second       mood touchpoints             intents           buyer       lang reactions kind
POSTS = """
p01 Mon 00:00:00.000000    ana  forum  purchase              neg delivery-              complaint          buyer       en  3 brand
p02 Mon 09:00              ana  forum  purchase              neg delivery-              complaint          .           en  2 brand
p03 Mon 10:00              ana  forum  purchase              pos delivery+              praise             .           en  2 brand
p04 Tue 08:00              ben  forum  purchase/use          neg checkout-              complaint          non_buyer   en  2 brand
p05 Tue 09:00              ben  forum  purchase              pos checkout+              praise             .           en  2 brand
p06 Tue 10:00              ana  social purchase              neg payment-               complaint          .           fr  1 brand
p07 Wed 09:00              cleo social purchase              neg delivery-,support-     complaint          buyer       fr 12 brand
p08 Wed 10:00              cleo social use                   neg app-                   complaint          .           fr  1 brand
p09 Thu 09:00              ?    forum  purchase              neu delivery=              question           .           en  2 brand
p10 Thu 10:00              ?    forum  purchase              neg delivery               complaint          .           en  2 brand
p11 Fri 09:00              dan  forum  purchase              pos checkout+,delivery-    praise             buyer       en  2 brand
p12 Fri 10:00              eve  social purchase              neg delivery-,support+     complaint          buyer       fr  5 brand
p13 Sat 09:00              fay  forum  purchase              neu .                      question           non_buyer   en  2 brand
p14 Sun 02:30*             gus  social purchase              neg delivery-              complaint          .           de  1 brand
p15 Mon 11:00              hal  forum  use                   pos product_quality+       praise             buyer       en  4 brand
p16 Mon 12:00              ida  forum  use                   pos product_quality+       praise             .           en  2 brand
p17 Tue 11:00              jon  forum  use                   pos product_quality        praise             buyer       en  2 brand
p18 Tue 12:00              kim  social use                   neu app=                   question           .           fr  1 brand
p19 Wed 11:00              lou  social use                   pos app+                   praise             .           fr  7 brand
p20 Wed 12:00              lou  social use                   neg app-                   complaint          .           fr  1 brand
p21 Thu 11:00              mia  forum  use/satisfaction      neg app-                   complaint          buyer       en  2 brand
p22 Thu 12:00              ned  forum  use                   neu .                      question           .           en  2 brand
p23 Fri 11:00              olga social use                   pos pricing-,product_quality+ praise          .           fr  1 brand
p24 Fri 12:00              pia  forum  use                   pos product_quality+       praise             .           en  2 brand
p25 Sat 10:00              ana  forum  use                   pos product_quality+       praise             .           en  2 brand
p26 Sat 11:00              pia  forum  use                   pos product_quality+       praise             .           en  2 brand
p27 Mon 13:00              quin forum  satisfaction          neg refunds-,support-      complaint          buyer       en 20 brand
p28 Tue 13:00              rob  forum  satisfaction          neg refunds-               complaint          buyer       en  2 brand
p29 Tue 14:00              sue  forum  satisfaction/loyalty  neg returns-               complaint,leaving  buyer       en  2 brand
p30 Wed 13:00              tom  social satisfaction          pos support+               praise             buyer       fr  1 brand
p31 Wed 14:00              uma  social satisfaction          pos support+               praise             .           fr  1 brand
p32 Thu 13:00              vic  forum  satisfaction          neg support-               complaint          .           en  2 brand
p33 Thu 14:00              wes  forum  satisfaction          neg support-               complaint          .           en  2 brand
p34 Fri 13:00              cleo social satisfaction          neg refunds-               complaint          .           fr  1 brand
p35 Sun 23:59:59.999999    xia  forum  satisfaction          neu .                      question           .           en  2 brand
p36 Thu 15:00              yan  forum  loyalty/purchase      neg delivery-,pricing-     complaint,leaving  ex_customer en  9 brand
p37 Fri 14:00              yan  forum  loyalty/purchase      neg delivery-              leaving            .           en  2 brand
p38 Fri 15:00              zoe  social loyalty               pos product_quality+       praise             buyer       fr  1 brand
p39 Sat 12:00              hal  forum  advocacy              pos product_quality+       praise             .           en  6 brand
p40 Mon 14:00              abe  social awareness             neu advertising=           .                  non_buyer   fr  1 brand
p41 Tue 15:00              fay  forum  consideration         pos website+               praise             non_buyer   en  2 brand
p42 Tue 16:00              ?    social consideration/selection neg pricing-             complaint          .           fr  1 brand
p43 Wed 15:00              bob  forum  unclear               neu .                      .                  .           und 2 brand
p44 Thu 16:00              cleo social unclear               neg .                      complaint          .           fr  1 brand
x01 Mon 15:00              ads  forum  advocacy              pos promotion+             .                  .           en  2 promo
x02 Mon 16:00              gil  forum  use                   neg app-                   complaint          buyer       en  2 rival:Polarex
x03 Tue 17:00              kim  social purchase              pos delivery+              praise             buyer       fr  1 rival:Polarex
x04 Tue 18:00              acme forum  awareness             pos content+               .                  .           en  2 own
x05 Wed 16:00              nil  social unclear               neu .                      .                  .           fr  1 none
x06 Wed 17:00              ads  social advocacy              pos promotion+             .                  .           fr  1 rival:Fjeld+promo
"""
NEXT = "n01 Mon 00:00:00 hal forum use neg app- complaint buyer en 50 brand"  # the first instant of the next week
EARLIER = {  # weeks before -> posts; the seventh began with forum and news, the third with social: neither is compared
    7: "e00 Wed 09:00 fa forum purchase neg delivery- complaint . en 1 brand",
    6: """
e01 Mon 09:00 fa forum purchase neg delivery- complaint . en 1 brand
e02 Tue 09:00 fa forum purchase neg delivery- complaint . en 1 brand
e03 Wed 09:00 fb forum use pos app+ praise . en 1 brand""",
    5: """
e04 Mon 09:00 fa forum purchase neu . question . en 1 brand
e05 Tue 09:00 fc forum use pos app+ praise . en 1 brand
e06 Wed 09:00 fd forum satisfaction neg refunds- complaint . en 1 brand
e07 Thu 09:00 fe forum purchase neg . complaint . en 1 none
e08 Fri 09:00 ff forum purchase neg . complaint . en 1 rival:Polarex""",
    4: """
e09 Mon 09:00 fb forum use pos app+ praise . en 1 brand
e10 Tue 09:00 fg forum use pos app+ . . en 1 promo""",
    3: """
e11 Thu 09:00 fh forum purchase neg . complaint . en 1 brand
e12 Thu 10:00 fi forum purchase neg . complaint . en 1 brand
e13 Thu 11:00 fj social purchase neg . complaint . fr 1 brand""",
    2: """
e14 Mon 09:00 fk social purchase neg delivery- complaint . fr 1 brand
e15 Tue 09:00 fk social purchase pos delivery+ praise . fr 1 brand
e16 Wed 09:00 fb forum use neg app- complaint . en 1 brand
e17 Thu 09:00 fl forum unclear neu . . . en 1 brand""",
    1: """
e18 Mon 09:00 fa forum purchase neg delivery- complaint . en 1 brand
e19 Tue 09:00 fb forum advocacy pos app+ praise . en 1 brand
e20 Sun 23:59:59.999999 fc forum satisfaction neg refunds- complaint . en 1 brand""",
}  # fmt: skip
EXTRAS = Extras(
    urgency={"p07": Urgency.HIGH, "p27": Urgency.CRITICAL, "p36": Urgency.HIGH, "p35": Urgency.NORMAL},
    text={"p32": COPY, "p33": COPY},
    rules={"p39": "en.advocacy.recommends", "p38": "fr.loyalty.again"},
    leaves_for={"p36": "Polarex", "p37": "Polarex"},
)
ALERTED = {"p01", "p02", "p07", "p12", "p15", "p27", "p28", "p30", "p35", "p36", "e20"}
SETTINGS = DigestSettings(
    brand="Acme", topics=10, rivals=("Polarex", "Fjeld"), equal_sources=frozenset({"social"}), owners={"delivery": "logistics"}
)  # fmt: skip
RULES = ("en.advocacy.recommends", "fr.loyalty.again", "en.purchase.payment-failed")


def local(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 10, day, hour, minute, tzinfo=ZoneInfo(ZONE)).astimezone(UTC)


def rows() -> list[Row]:
    earlier = [row for n, table in EARLIER.items() for row in read(table, WEEK.previous(n).first, ZONE, EXTRAS)]
    following = read(NEXT, WEEK.until.astimezone(ZoneInfo(ZONE)).date(), ZONE)
    return [*read(POSTS, WEEK.first, ZONE, EXTRAS), *earlier, *following]


def counted(store: Store, seed: int = 1) -> dict[str, Any]:
    """The week as it happened, stored in some order, counted on the Monday after; its JSON."""
    week = Listening(store, ALERTED)
    store.register_sources(
        {"forum": "replay", "social": "replay", "news": "rss", "backfill:forum:2026-10-19": "replay"}, WEEK.since
    )
    began = WEEK.previous(7).since + timedelta(days=1)
    for source, at in (("forum", began), ("news", began), ("social", WEEK.previous(3).since + timedelta(days=2))):
        week.poll(source, at)
    stored = rows()
    Random(seed).shuffle(stored)
    for row in stored:
        # As first read: ida and rob stood elsewhere, uma was unhappy. The four forum posts of Friday were seen late.
        first = row.triaged
        if row.name == "p31":
            text = "Acme's support has not called back yet."
            first = replace(first, mention=replace(first.mention, text=text))
            first = replace(first, verdict=replace(first.verdict, sentiment=-0.6, sentiment_label="negative"))
        if row.name in ("p16", "p28"):
            first = replace(first, verdict=replace(first.verdict, stage=Stage.PURCHASE))
        late = row.name in ("p11", "p24", "p37", "p01")
        delay = timedelta(minutes=5 if row.source == "social" else 10 if late else 3)
        if row.name == "p22":
            week.put(replace(row, triaged=first), END - first.mention.published_at, "backfill:forum:2026-10-19")
        else:
            week.put(replace(row, triaged=first), delay)
    by_name = {row.name: row.triaged for row in stored}
    week.change("social", local(23, 8), edited=[by_name["p31"]])
    week.change("forum", local(24, 18), removed=[Removal("forum", external_id="p24")])
    _people(store, week)
    tuesday = WEEK.since + timedelta(days=1, hours=3)
    for source, gaps in (
        ("forum", ()),
        ("news", ()),
        ("social", (Gap(tuesday, tuesday + timedelta(hours=9), "page-cap"),)),
    ):
        week.poll(source, END, gaps)
    known = gathering.Known(ServiceHours(ZoneInfo(ZONE)), lambda: RULES)
    digest = gathering.build(store, WEEK, SETTINGS, END, known)
    told: dict[str, Any] = json.loads(form.as_json(digest))
    return told


def _people(store: Store, week: Listening) -> None:
    """Answers, an audit, decisions."""
    span = WEEK.previous().since, WEEK.until
    posts = {post.url.rpartition("/")[2]: post for post in store.counted(*span)}
    assert "p24" not in posts  # it has no address any more
    case = {name: post.case_ref or "" for name, post in posts.items()}
    for name, at in (
        ("e20", local(19, 1)), ("p01", local(19, 3)), ("p27", local(19, 13, 30)), ("p28", local(20, 14)),
        ("p07", local(21, 11)), ("p15", local(19, 15)),
    ):  # fmt: skip
        week.deed(case[name], Deed.REPLIED, at)
    week.deed(case["p27"], Deed.RESOLVE, local(20, 9))
    week.deed(case["p36"], Deed.CLAIM, local(22, 16))
    week.deed(case["p28"], Deed.CORRECT, local(20, 15), changes={"stage": "satisfaction"})
    audit = store.audit
    assert audit(posts["p16"].ref, "2026-W43", {"stage": "use"}, "ana", local(25, 20)) == ("stage",)
    for name in ("p02", "p15", "p29"):
        assert audit(posts[name].ref, "2026-W43", {}, "ana", local(25, 21)) == ()
    assert audit(posts["p17"].ref, "2026-W43", {}, "ana", local(26, 10)) == ()  # after the week
    assert store.decide("2026-W41", "Call the carrier", "bea", local(5, 9)) == 1
    assert store.decide("2026-W42", "Rewrite the refund mail", "bea", local(13, 9)) == 2
    assert store.decide("2026-W42", "Done before the week", "bea", local(13, 10)) == 3
    assert store.decide("2026-W44", "Decided after the week", "bea", local(26, 9)) == 4
    assert store.mark_done(2, local(22, 9))
    assert store.mark_done(3, local(16, 9))


def wilson(count: int, of: int) -> tuple[float, float]:
    found = stats.binomtest(count, of).proportion_ci(0.95, method="wilson")
    return float(found.low), float(found.high)


def share(count: int, of: int) -> dict[str, Any]:
    low, high = (round(end, 4) for end in wilson(count, of))
    percent = round(100 * count / of) if of >= 10 else None
    return {"count": count, "of": of, "percent": percent, "low": low, "high": high}


def net(positive: int, negative: int, of: int) -> tuple[float, float, float]:
    """The difference of two Wilson shares of the same people: they cannot be both, so the two are correlated (Newcombe 1998, method 10)."""
    up, down = positive / of, negative / of
    (up_low, up_high), (down_low, down_high) = wilson(positive, of), wilson(negative, of)
    both = up * down * (1 - up) * (1 - down)
    phi = -up * down / sqrt(both) if both else 0.0
    low = sqrt((up - up_low) ** 2 - 2 * phi * (up - up_low) * (down_high - down) + (down_high - down) ** 2)
    high = sqrt((up_high - up) ** 2 - 2 * phi * (up_high - up) * (down - down_low) + (down - down_low) ** 2)
    return round(up - down, 4), round(max(-1.0, up - down - low), 4), round(min(1.0, up - down + high), 4)


def n(names: str) -> int:
    """How many names: each figure below is written as the people or posts it is made of."""
    assert len(set(names.split())) == len(names.split())
    return len(names.split())


@pytest.fixture(scope="module")
def known() -> dict[str, dict[str, Any]]:
    return {}


@pytest.fixture
def digest(store: Store, known: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Stored and counted once on each kind of database: the tests only read it."""
    if store.kind not in known:
        known[store.kind] = counted(store)
    return deepcopy(known[store.kind])


def tally(
    negative: str, neutral: str, positive: str, posts: tuple[str, str, str], buyers: str, non_buyers: str
) -> dict[str, Any]:
    """The figures of one row: people by mood, posts by mood (negative, neutral, positive), people who bought or did not."""
    down, even, up = n(negative), n(neutral), n(positive)
    people = down + even + up
    middle, low, high = net(up, down, people) if people else (None, None, None)
    return {
        "mentions": sum(n(some) for some in posts),
        "authors": people,
        "negative_mentions": n(posts[0]),
        "neutral_mentions": n(posts[1]),
        "positive_mentions": n(posts[2]),
        "negative_authors": down,
        "neutral_authors": even,
        "positive_authors": up,
        "buyers": n(buyers),
        "non_buyers": n(non_buyers),
        "unknown_buyers": people - n(buyers) - n(non_buyers),
        "net": middle,
        "net_low": low,
        "net_high": high,
        "negative": share(down, people) if people else {"count": 0, "of": 0, "percent": None, "low": 0.0, "high": 1.0},
    }


# Someone on `social` who has a namesake on `forum` is written with a colon behind; nobody's posts are people by the post's name.
TOTAL = tally(
    "ana: cleo p10 eve gus mia quin rob sue vic wes yan p42",  # cleo: four of four; rob, quin, … one of one
    "ana ben p09 kim lou ned xia abe bob",  # ana: p01 p02 against p03 p25; ben: p04 against p05; lou: p20 against p19
    "dan fay hal ida jon olga pia tom uma zoe",  # fay: p41, and p13 is neutral; uma: her post was edited
    (
        "p01 p02 p04 p06 p07 p08 p10 p12 p14 p20 p21 p27 p28 p29 p32 p33 p34 p36 p37 p42 p44",
        "p09 p13 p18 p22 p35 p40 p43",
        "p03 p05 p11 p15 p16 p17 p19 p23 p24 p25 p26 p30 p31 p38 p39 p41",
    ),
    "ana cleo dan eve hal jon mia quin rob sue tom zoe yan",  # yan: an ex-customer bought once
    "ben fay abe",
)
STAGES = {  # in the journey's order
    "awareness": tally("", "abe", "", ("", "p40", ""), "", "abe"),
    "consideration": tally("p42", "", "fay", ("p42", "", "p41"), "", "fay"),
    "selection": tally("", "", "", ("", "", ""), "", ""),
    "purchase": tally(  # ten people: the first number of which a percentage is shown
        "ana ana: cleo p10 eve gus",  # ana: p01 p02 against p03
        "ben p09 fay",
        "dan",
        ("p01 p02 p04 p06 p07 p10 p12 p14", "p09 p13", "p03 p05 p11"),
        "ana cleo dan eve",
        "ben fay",
    ),
    "use": tally(  # eleven; pia's post that is gone (p24) and the one that is not (p26) are one person's
        "cleo mia",
        "kim lou ned",
        "hal ida jon olga pia ana",
        ("p08 p20 p21", "p18 p22", "p15 p16 p17 p19 p23 p24 p25 p26"),
        "cleo hal jon mia ana",  # cleo and ana said at another stage that they bought
        "",
    ),
    "satisfaction": tally(  # nine: no percentage; vic and wes sent the same words and are two people
        "quin rob sue vic wes cleo",
        "xia",
        "tom uma",
        ("p27 p28 p29 p32 p33 p34", "p35", "p30 p31"),
        "quin rob sue tom cleo",
        "",
    ),
    "loyalty": tally("yan", "", "zoe", ("p36 p37", "", "p38"), "yan zoe", ""),
    "advocacy": tally("", "", "hal", ("", "", "p39"), "hal", ""),
    "unclear": tally("cleo", "bob", "", ("p44", "p43", ""), "cleo", ""),
}
SECOND = {  # posts and people whose second stage it is
    "selection": ("p42", "p42"),
    "purchase": ("p36 p37", "yan"),
    "use": ("p04", "ben"),
    "satisfaction": ("p21", "mia"),
    "loyalty": ("p29", "sue"),
}


def test_every_post_of_the_week_is_of_one_kind(digest: dict[str, Any]) -> None:
    assert digest["accounting"] == {
        "stored": 50,
        "counted": 44,
        "promotional": n("x01 x06"),  # an advertisement, whoever it is for
        "rivals": n("x02 x03"),
        "own": n("x04"),
        "not_relevant": n("x05"),
    }
    assert (digest["week"]["hours"], digest["week"]["since"], digest["week"]["until"]) == (
        169.0, "2026-10-18T22:00:00+00:00", "2026-10-25T23:00:00+00:00",
    )  # fmt: skip


def test_all_and_each_stage(digest: dict[str, Any]) -> None:
    assert digest["total"] == TOTAL
    found = {row["key"]: row for row in [*digest["stages"], digest["unclear"]]}
    assert list(found) == list(STAGES)
    assert {key: row["tally"] for key, row in found.items()} == STAGES
    assert "p24" not in json.dumps(digest["delights"])  # gone upstream: counted, never shown
    second = {key: (row["secondary_mentions"], row["secondary_authors"]) for key, row in found.items()}
    assert second == {key: tuple(n(names) for names in SECOND.get(key, ("", ""))) for key in STAGES}


TOUCHES: Mapping[str, Mapping[str, tuple[str, str, str, str, str]]] = {  # all people, unhappy, happy, buyers, non-buyers
    "awareness": {"advertising": ("abe", "", "", "", "abe")},
    "consideration": {"pricing": ("p42", "p42", "", "", ""), "website": ("fay", "", "fay", "", "fay")},
    "selection": {},
    "purchase": {
        # ana: unhappy in p01 and p02, happy in p03: unhappy prevails, as it does for a stage
        "delivery": ("ana cleo p09 p10 dan eve gus", "ana cleo p10 dan eve gus", "", "ana cleo dan eve", ""),
        "checkout": ("ben dan", "", "dan", "dan", "ben"),  # ben: p04 against p05
        # eve: kind words inside a complaint are no happiness; with payment (one person) a fourth would be shown
        "support": ("cleo eve", "cleo", "", "cleo eve", ""),
    },
    "use": {
        "product_quality": ("hal ida jon olga pia ana", "", "hal ida jon olga pia ana", "hal jon ana", ""),
        "app": ("cleo kim lou mia", "cleo mia", "", "cleo mia", ""),  # lou: p20 against p19
        "pricing": ("olga", "olga", "", "", ""),
    },
    "satisfaction": {
        "support": ("quin tom uma vic wes", "quin vic wes", "tom uma", "quin tom", ""),
        "refunds": ("quin rob cleo", "quin rob cleo", "", "quin rob cleo", ""),
        "returns": ("sue", "sue", "", "sue", ""),
    },
    "loyalty": {
        "delivery": ("yan", "yan", "", "yan", ""),
        "pricing": ("yan", "yan", "", "yan", ""),
        "product_quality": ("zoe", "", "zoe", "zoe", ""),
    },
    "advocacy": {"product_quality": ("hal", "", "hal", "hal", "")},
    "unclear": {},
}  # fmt: skip


def test_touchpoints_of_each_stage(digest: dict[str, Any]) -> None:
    for row in [*digest["stages"], digest["unclear"]]:
        found = {
            one["touchpoint"]: tuple(
                one[name] for name in ("authors", "negative_authors", "positive_authors", "buyers", "non_buyers")
            )
            for one in row["touches"]
        }
        assert found == {key: tuple(map(n, people)) for key, people in TOUCHES[row["key"]].items()}, row["key"]


Topic = tuple[str, str, str, str, str, str]  # touchpoint, people, posts, buyers, non-buyers, stage of most
PAINS: Sequence[Topic] = (
    ("delivery", "ana cleo p10 dan eve gus yan", "p01 p02 p07 p10 p11 p12 p14 p36 p37", "ana cleo dan eve yan", "", "purchase"),
    ("support", "cleo quin vic wes", "p07 p27 p32 p33", "cleo quin", "", "satisfaction"),
    ("app", "cleo lou mia", "p08 p20 p21", "cleo mia", "", "use"),
    ("pricing", "olga yan p42", "p23 p36 p42", "yan", "", "consideration"),  # one at each of three: the earliest
    ("refunds", "quin rob cleo", "p27 p28 p34", "quin rob cleo", "", "satisfaction"),
    ("checkout", "ben", "p04", "", "ben", "purchase"),
    ("payment", "ana:", "p06", "", "", "purchase"),
    ("returns", "sue", "p29", "sue", "", "satisfaction"),
)  # fmt: skip
DELIGHTS: Sequence[Topic] = (  # not eve with support: kind words inside a complaint
    ("product_quality", "hal ida jon olga pia ana zoe", "p15 p16 p17 p23 p24 p25 p26 p38 p39", "hal jon ana zoe", "", "use"),
    ("checkout", "ben dan", "p05 p11", "dan", "ben", "purchase"),
    ("support", "tom uma", "p30 p31", "tom", "", "satisfaction"),
    ("app", "lou", "p19", "", "", "use"),
    ("delivery", "ana", "p03", "ana", "", "purchase"),
    ("website", "fay", "p41", "", "fay", "consideration"),
)  # fmt: skip


@pytest.mark.parametrize(("part", "topics"), [("pains", PAINS), ("delights", DELIGHTS)])
def test_pains_and_delights(digest: dict[str, Any], part: str, topics: Sequence[Topic]) -> None:
    labels = {row["key"]: row["label"] for row in digest["stages"]}
    found = [
        [one[name] for name in ("touchpoint", "authors", "mentions", "buyers", "non_buyers", "stage", "share")]
        for one in digest[part]
    ]
    assert found == [
        [touchpoint, *(n(names) for names in figures), labels[stage], share(n(figures[0]), 32)]
        for touchpoint, *figures, stage in topics
    ]


def test_exits_and_rivals(digest: dict[str, Any]) -> None:
    doors = [
        (door["stage"], door["authors"], door["mentions"], door["buyers"], door["non_buyers"])
        for door in digest["exits"]
    ]
    # yan's first stage is loyalty, so the second one says where it went wrong; sue's own is the place
    assert doors == [("purchase", n("yan"), n("p36 p37"), 1, 0), ("satisfaction", n("sue"), n("p29"), 1, 0)]
    reasons = [[(one["name"], one["mentions"], one["authors"]) for one in door["reasons"]] for door in digest["exits"]]
    assert reasons == [[("delivery", n("p36 p37"), 1), ("pricing", n("p36"), 1)], [("returns", 1, 1)]]
    rivals = [[(one["name"], one["mentions"], one["authors"]) for one in door["rivals"]] for door in digest["exits"]]
    assert rivals == [[("Polarex", n("p36 p37"), 1)], []]
    assert digest["exit_authors"] == n("yan sue")
    spoken = [(one["name"], one["mentions"], one["authors"]) for one in digest["rivals"]]
    assert spoken == [("Polarex", n("x02 x03"), n("gil kim"))]


def test_pairs(digest: dict[str, Any]) -> None:
    names = (
        "one",
        "other",
        "authors",
        "mentions",
        "unhappy_both",
        "happy_both",
        "split",
        "one_outweighs",
        "other_outweighs",
    )
    found = [tuple(one[name] for name in names) for one in digest["pairs"]]
    # eve complained: delivery outweighs the support that she was kind to. Dan's, quin's, olga's and yan's pairs are one person's.
    assert found == [("delivery", "support", n("cleo eve"), n("p07 p12"), n("cleo"), 0, n("eve"), n("eve"), 0)]


def test_the_six_questions(digest: dict[str, Any]) -> None:
    found = {
        one["key"]: (
            one["authors"],
            {
                answer["key"]: tuple(answer[name] for name in ("authors", "mentions", "unhappy", "happy"))
                for answer in one["answers"]
            },
        )
        for one in digest["questions"]
    }
    assert found == {
        "found": (n("abe"), {"advertising": (1, n("p40"), 0, 0)}),
        "decided": (n("fay p42"), {"website": (1, n("p41"), 0, 1), "pricing": (1, n("p42"), 1, 0)}),
        # ben was unhappy with it (p04) and happy (p05): one person, on both sides
        "checkout": (
            n("ben dan ana:"),
            {"checkout": (2, n("p04 p05 p11"), n("ben"), n("ben dan")), "payment": (1, n("p06"), n("ana:"), 0)},
        ),
        "back": (n("zoe"), {"again": (1, n("p38"), 0, 1), "product_quality": (1, n("p38"), 0, 1)}),
        "recommend": (n("hal"), {"recommend": (1, n("p39"), 0, 1)}),
        "improve": (0, {}),
    }


def test_share_of_voice_and_top_posts(digest: dict[str, Any]) -> None:
    voices = digest["share_of_voice"]
    ours = n("ana: cleo eve gus kim lou olga tom uma zoe abe p42")
    # kim wrote of both, and is a voice for both
    assert [(one["name"], one["mentions"], one["authors"], one["share"]) for one in voices["brands"]] == [
        ("Acme", n("p06 p07 p08 p12 p14 p18 p19 p20 p23 p30 p31 p34 p38 p40 p42 p44"), ours, share(ours, ours + 1)),
        ("Polarex", n("x03"), n("kim"), share(1, ours + 1)),
        ("Fjeld", 0, 0, share(0, ours + 1)),
    ]
    assert voices["sources"] == ["social"]
    # medians: 2 reactions on forum (28 posts), 1 on social (16)
    top = [(one["url"].rpartition("/")[2], one["engagement"], one["times_usual"]) for one in digest["top_posts"]]
    every = [("p07", 12, 12.0), ("p27", 20, 10.0), ("p19", 7, 7.0), ("p12", 5, 5.0), ("p36", 9, 4.5), ("p39", 6, 3.0)]
    assert top == every[: len(top)]
    assert len(top) >= 5


def test_counts_by_name(digest: dict[str, Any]) -> None:
    found = {
        part: [(one["name"], one["mentions"], one["authors"]) for one in digest[part]]
        for part in ("urgency", "languages", "platforms", "sources", "buyer_status")
    }
    assert found["urgency"] == [
        ("critical", n("p27"), n("quin")),
        ("high", n("p07 p36"), n("cleo yan")),
        (
            "normal",
            n("p01 p02 p04 p06 p08 p10 p12 p14 p20 p21 p28 p29 p32 p33 p34 p35 p37 p42 p44"),
            n("ana ben ana: cleo p10 eve gus lou mia rob sue vic wes xia yan p42"),
        ),
        (
            "low",
            n("p03 p05 p09 p11 p13 p15 p16 p17 p18 p19 p22 p23 p24 p25 p26 p30 p31 p38 p39 p40 p41 p43"),
            n("ana ben p09 dan fay hal ida jon kim lou ned olga pia tom uma zoe abe bob"),
        ),
    ]
    forum = n("ana ben p09 p10 dan fay hal ida jon mia ned pia quin rob sue vic wes xia yan bob")
    assert found["languages"] == [
        ("en", 27, forum - 1),
        ("fr", 15, 11),
        ("de", n("p14"), n("gus")),
        ("und", 1, n("bob")),
    ]
    assert found["platforms"] == found["sources"] == [("forum", 28, forum), ("social", 16, 12)]


def test_changes_against_the_five_weeks_that_can_be_compared(digest: dict[str, Any]) -> None:
    # hours of forum, news and social together; social missed nine of this week's
    hours, earlier = 169 + 169 + 160, [336.0, 336.0, 336.0, 504.0, 504.0]
    voices = {  # now: people at each mood of the stage; earlier: the same of each week
        "awareness": (n("abe"), [0, 0, 0, 0, 0]),
        "consideration": (n("fay p42"), [0, 0, 0, 0, 0]),
        "selection": (0, [0, 0, 0, 0, 0]),
        # unhappy; neither; happy
        "purchase": (n("ana ben ana: cleo p10 eve gus") + n("p09 fay") + n("ana ben dan"), [1, 1, 0, 2, 1]),
        "use": (n("cleo lou mia") + n("kim ned") + n("hal ida jon lou olga pia ana"), [1, 1, 1, 1, 0]),
        "satisfaction": (9, [0, 1, 0, 0, 1]),
        "loyalty": (n("yan zoe"), [0, 0, 0, 0, 0]),
        "advocacy": (n("hal"), [0, 0, 0, 0, 1]),
        "unclear": (n("cleo bob"), [0, 0, 0, 1, 0]),
    }
    part = hours / (hours + sum(earlier))

    def chance(now: int, before: int) -> float:
        if not now + before:
            return 1.0
        tails = [stats.binomtest(now, now + before, part, alternative=side).pvalue for side in ("greater", "less")]
        return float(min(1.0, 2 * min(tails)))

    square = sum(
        stats.chisquare(counts, [sum(counts) * one / sum(earlier) for one in earlier]).statistic
        for _, counts in voices.values()
        if sum(counts)
    )
    assert stats.chi2.sf(square, 4 * 5) > 0.05  # so nothing is divided by a dispersion
    adjusted = multipletests([chance(now, sum(counts)) for now, counts in voices.values()], method="holm")[1]
    found = {row["key"]: row["change"] for row in [*digest["stages"], digest["unclear"]]}
    for (key, (now, counts)), p in zip(voices.items(), adjusted, strict=True):
        usual = round(sum(counts) * hours / sum(earlier), 1)
        assert (found[key]["now"], found[key]["weeks"]) == (now, 5), key
        assert found[key]["usual"] == pytest.approx(usual, abs=0.05), key
        assert found[key]["word"] == ("clear rise" if key in ("purchase", "use") else "too few"), key
        assert found[key]["p"] == pytest.approx(p, abs=5e-5)
    total = digest["change"]
    assert (total["word"], total["now"], total["weeks"]) == ("clear rise", 41, 5)
    assert total["usual"] == pytest.approx(13 * hours / sum(earlier), abs=0.05)
    unhappy = {row["key"]: row["change_negative"]["now"] for row in [*digest["stages"], digest["unclear"]]}
    assert unhappy == {
        "awareness": 0, "consideration": 1, "selection": 0, "purchase": 7, "use": 3, "satisfaction": 6, "loyalty": 1,
        "advocacy": 0, "unclear": 1,
    }  # fmt: skip


def test_answers(digest: dict[str, Any]) -> None:
    found = digest["response"]
    # Cases with a post of the week: ana (p01 p02), cleo, eve, hal, quin, rob, tom, xia, yan.
    assert (found["cases"], found["unclaimed"], found["resolved"]) == (9, n("eve tom xia"), n("quin"))
    assert found["open"] == 9 - n("quin")
    # Due in the week: e20 (opened in the last instant before it), p01, p07, p12, p27, p28, p36; p35 is due on Monday.
    assert found["in_time"] == share(n("e20 p01 p27 p28"), 7)
    assert (found["late"], found["unanswered"]) == (n("p07"), n("p12 p36"))
    assert found["median_hours"] == 2.0  # 0.5 (p27), 1 (e20), 1 (p28), 2 (p07), 3 (p01), never, never
    assert found["p90_hours"] is None
    assert found["thanked"] == share(n("p15"), n("p15 p30"))
    levels = [
        tuple(one[name] for name in ("urgency", "due", "in_time", "late", "unanswered")) for one in found["levels"]
    ]
    assert levels == [("critical", 1, 1, 0, 0), ("high", 2, 0, 1, 1), ("normal", 4, 3, 0, 1)]


def test_what_was_collected(digest: dict[str, Any]) -> None:
    names = ("name", "status", "hours", "of_hours", "mentions", "delay_minutes", "delay_p90_minutes")
    found = [tuple(one[name] for name in names) for one in digest["coverage"]["sources"]]
    # forum: 27 counted posts, x01, x02, x04 as they came, and p22, which was read back; four of thirty after ten minutes
    assert sorted(found) == [
        ("forum", "complete", 169.0, 169.0, 31, 3.0, 10.0),
        ("news", "quiet", 169.0, 169.0, 0, None, None),
        ("social", "partial", 160.0, 169.0, 19, 5.0, None),
    ]
    gaps = [gap["hours"] for one in digest["coverage"]["sources"] for gap in one["gaps"]]
    assert (gaps, digest["coverage"]["state"], digest["state"]) == ([9.0], "partial", "partial")


def test_how_far_to_trust_it(digest: dict[str, Any]) -> None:
    found = digest["confidence"]
    assert found["unclear"] == share(n("p43 p44"), 44)
    assert found["unknown_language"] == share(n("p43"), 44)
    assert found["without_buyer_status"] == share(
        n("ana: p09 p10 gus ida kim lou ned olga pia uma vic wes xia p42 bob"), 32
    )
    assert found["agreement"] == share(n("p02 p15 p29"), n("p02 p15 p16 p29"))  # p17 was looked at after the week
    assert (found["rules"], found["rules_matched"], found["silent_rules"]) == (3, 2, ["en.purchase.payment-failed"])


def test_a_later_audit_changes_nothing_in_an_old_week(store: Store) -> None:
    week = Listening(store, {"p28"})
    store.register_sources({"forum": "replay"}, WEEK.since)
    (row,) = (row for row in rows() if row.name == "p28")
    week.put(row, timedelta(minutes=3))
    (post,) = store.counted(WEEK.since, WEEK.until)
    week.deed(post.case_ref or "", Deed.CORRECT, local(20, 15), changes={"stage": "purchase"})
    before = gathering.build(store, WEEK, SETTINGS, WEEK.until)
    assert (before.confidence.corrected, before.confidence.agreement) == (1, None)
    assert store.audit(post.ref, "2026-W43", {}, "ana", END) == ()
    assert gathering.build(store, WEEK, SETTINGS, END).confidence == before.confidence


def test_an_audit_in_which_nothing_stood_says_so(store: Store) -> None:
    week = Listening(store)
    store.register_sources({"forum": "replay"}, WEEK.since)
    (row,) = (row for row in rows() if row.name == "p28")
    week.put(row, timedelta(minutes=3))
    (post,) = store.counted(WEEK.since, WEEK.until)
    assert store.audit(post.ref, "2026-W43", {"stage": "purchase"}, "ana", local(25, 20)) == ("stage",)
    found = gathering.build(store, WEEK, SETTINGS, END).confidence
    assert found.agreement is not None
    assert (found.agreement.count, found.agreement.of, found.corrected) == (0, 1, 1)


def test_decisions(digest: dict[str, Any]) -> None:
    found = [(one["number"], one["weeks_open"], one["done_at"] is not None) for one in digest["decisions"]]
    assert found == [(1, 2, False), (2, 1, True)]


# stage, touchpoint, mood, language, source, buyer status -> posts / people
CELLS = """
awareness     .           neu fr  social non_buyer p40 / abe
consideration .           neg fr  social unknown   p42 / p42
consideration .           pos en  forum  non_buyer p41 / fay
purchase      .           neg en  forum  buyer     p01 p02 / ana
purchase      .           pos en  forum  buyer     p03 p11 / ana dan
purchase      .           neg en  forum  non_buyer p04 / ben
purchase      .           pos en  forum  non_buyer p05 / ben
purchase      .           neu en  forum  non_buyer p13 / fay
purchase      .           neg en  forum  unknown   p10 / p10
purchase      .           neu en  forum  unknown   p09 / p09
purchase      .           neg fr  social unknown   p06 / ana:
purchase      .           neg de  social unknown   p14 / gus
purchase      .           neg fr  social buyer     p07 p12 / cleo eve
use           .           neg fr  social buyer     p08 / cleo
use           .           neg fr  social unknown   p20 / lou
use           .           pos fr  social unknown   p19 p23 / lou olga
use           .           neu fr  social unknown   p18 / kim
use           .           pos en  forum  buyer     p15 p17 p25 / hal jon ana
use           .           neg en  forum  buyer     p21 / mia
use           .           pos en  forum  unknown   p16 p24 p26 / ida pia
use           .           neu en  forum  unknown   p22 / ned
satisfaction  .           neg en  forum  buyer     p27 p28 p29 / quin rob sue
satisfaction  .           neg en  forum  unknown   p32 p33 / vic wes
satisfaction  .           neu en  forum  unknown   p35 / xia
satisfaction  .           neg fr  social buyer     p34 / cleo
satisfaction  .           pos fr  social buyer     p30 / tom
satisfaction  .           pos fr  social unknown   p31 / uma
loyalty       .           neg en  forum  buyer     p36 p37 / yan
loyalty       .           pos fr  social buyer     p38 / zoe
advocacy      .           pos en  forum  buyer     p39 / hal
unclear       .           neu und forum  unknown   p43 / bob
unclear       .           neg fr  social buyer     p44 / cleo
awareness     advertising neu fr  social non_buyer p40 / abe
consideration pricing     neg fr  social unknown   p42 / p42
consideration website     pos en  forum  non_buyer p41 / fay
purchase      delivery    neg en  forum  buyer     p01 p02 p11 / ana dan
purchase      delivery    pos en  forum  buyer     p03 / ana
purchase      delivery    neu en  forum  unknown   p09 / p09
purchase      delivery    neg en  forum  unknown   p10 / p10
purchase      delivery    neg fr  social buyer     p07 p12 / cleo eve
purchase      delivery    neg de  social unknown   p14 / gus
purchase      support     neg fr  social buyer     p07 / cleo
purchase      support     neu fr  social buyer     p12 / eve
purchase      checkout    neg en  forum  non_buyer p04 / ben
purchase      checkout    pos en  forum  non_buyer p05 / ben
purchase      checkout    pos en  forum  buyer     p11 / dan
purchase      payment     neg fr  social unknown   p06 / ana:
use           app         neg fr  social buyer     p08 / cleo
use           app         neu fr  social unknown   p18 / kim
use           app         pos fr  social unknown   p19 / lou
use           app         neg fr  social unknown   p20 / lou
use           app         neg en  forum  buyer     p21 / mia
use           product_quality pos en forum buyer   p15 p17 p25 / hal jon ana
use           product_quality pos en forum unknown p16 p24 p26 / ida pia
use           product_quality pos fr social unknown p23 / olga
use           pricing     neg fr  social unknown   p23 / olga
satisfaction  refunds     neg en  forum  buyer     p27 p28 / quin rob
satisfaction  refunds     neg fr  social buyer     p34 / cleo
satisfaction  support     neg en  forum  buyer     p27 / quin
satisfaction  support     neg en  forum  unknown   p32 p33 / vic wes
satisfaction  support     pos fr  social buyer     p30 / tom
satisfaction  support     pos fr  social unknown   p31 / uma
satisfaction  returns     neg en  forum  buyer     p29 / sue
loyalty       delivery    neg en  forum  buyer     p36 p37 / yan
loyalty       pricing     neg en  forum  buyer     p36 / yan
loyalty       product_quality pos fr social buyer  p38 / zoe
advocacy      product_quality pos en forum buyer   p39 / hal
"""


def test_cells(digest: dict[str, Any]) -> None:
    expected = set()
    for line in CELLS.strip().splitlines():
        left, people = line.split(" / ")
        stage, touchpoint, mood, lang, source, buyer, *posts = left.split()
        long = {"neg": "negative", "neu": "neutral", "pos": "positive"}[mood]
        expected.add((stage, touchpoint.strip("."), long, lang, source, buyer, len(posts), n(people)))
    names = ("stage", "touchpoint", "sentiment", "language", "source", "buyer_status", "mentions", "authors")
    found = [tuple(one[name] for name in names) for one in digest["cells"]]
    assert len(found) == len(set(found)) == len(CELLS.strip().splitlines())
    assert set(found) == expected


def test_the_order_in_which_posts_are_stored_changes_no_byte(
    store: Store, digest: dict[str, Any], tmp_path: Any
) -> None:
    with Store.open(f"sqlite:///{tmp_path / 'again.db'}") as again:
        again.migrate()
        other = counted(again, seed=2)
    assert json.dumps(other) == json.dumps(digest)
