"""The map as a drawing: well-formed, inside its frame, no words over other words, readable without colours.

Boxes are computed from the same estimated widths that the drawing is made with; `test_browser` measures them in a browser.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from importlib.resources import files
from itertools import combinations
from pathlib import Path
from struct import unpack
from xml.etree import ElementTree

import pytest

from listener.digest import drawing, html, labels, marks, picture, picture_tall, raster, tables
from listener.digest.count import count
from listener.digest.figures import Digest, DigestSettings, Touch
from listener.digest.palette import DARK, LIGHT
from listener.digest.text import opening
from listener.digest.typeset import SERIF, width
from rules.vocabulary import TOUCHPOINTS, Emotion, Stage, Urgency
from tests.fakes.digest_around import FULL, full_week
from tests.fakes.digest_week import HOSTILE, SETTINGS, WEEK, earlier, posts, source

SVG = "{http://www.w3.org/2000/svg}"
LONG = "Donaudampfschifffahrtsgesellschaftskapitän"
ARABIC = "لم يصل طردي بعد ثلاثة أسابيع ولا أحد يجيب"
FORMS = {"wide": picture.wide, "tall": picture_tall.tall}

PROJECTIONS: Mapping[str, DigestSettings] = {
    "as they are": FULL,
    "long": replace(FULL, stage_labels={stage: f"{LONG} {stage}" for stage in Stage}, touchpoint_labels=dict.fromkeys(TOUCHPOINTS, LONG)),
    "right to left": replace(FULL, stage_labels={stage: f"תחנה {place}" for place, stage in enumerate(Stage)}, touchpoint_labels=dict.fromkeys(TOUCHPOINTS, ARABIC)),
    "hostile": replace(FULL, brand=HOSTILE, stage_labels={stage: f"{place}{HOSTILE}" for place, stage in enumerate(Stage)}, touchpoint_labels=dict.fromkeys(TOUCHPOINTS, HOSTILE)),
    "three stages": replace(FULL, stage_labels={stage: ("Before", "Buying", "After")[place // 3] for place, stage in enumerate(Stage)}),
    "one stage": replace(FULL, stage_labels=dict.fromkeys(Stage, "All of it")),
}  # fmt: skip


@dataclass(frozen=True)
class Box:
    text: str
    left: float
    top: float
    right: float
    bottom: float

    def over(self, other: Box) -> bool:
        across = min(self.right, other.right) - max(self.left, other.left)
        down = min(self.bottom, other.bottom) - max(self.top, other.top)
        return across > 0.5 and down > 0.5


def sheet() -> tuple[dict[str, float], set[str]]:
    """Sizes by class, and the classes that are bold, as map.css has them."""
    css = (files("listener.digest") / "templates" / "map.css").read_text(encoding="utf-8")
    sizes: dict[str, float] = {}
    bold: set[str] = set()
    for selector, rules in re.findall(r"^([^{}@]+)\{([^}]*)\}", css, re.M):
        classes = [name for part in selector.split(",") for name in re.findall(r"^\.map \.([a-z-]+)$", part.strip())]
        if found := re.search(r"font-size:([\d.]+)px", rules):
            sizes |= dict.fromkeys(classes, float(found[1]))
        if "font-weight:bold" in rules:
            bold |= set(classes)
    return sizes, bold


SIZES, BOLD = sheet()


def long(text: str, classes: str) -> float:
    names = classes.split()
    size = next((SIZES[name] for name in reversed(names) if name in SIZES), 12.0)
    return width(text, size, bold=bool(BOLD & set(names))) * (SERIF if "quote" in names else 1)


def boxes(svg: str) -> Iterator[Box]:
    for one in ElementTree.fromstring(svg).iter(f"{SVG}text"):
        spans = list(one.iter(f"{SVG}tspan"))
        classes = one.get("class") or ""
        parts = [(span.text or "", span.get("class") or "", float(span.get("dx") or 0)) for span in spans]
        wide = sum(long(text, kind) + dx for text, kind, dx in parts) if spans else long(one.text or "", classes)
        size = next((SIZES[name] for name in reversed(classes.split()) if name in SIZES), 12.0)
        x, y = float(one.get("x") or 0), float(one.get("y") or 0)
        left = x - wide * {"start": 0.0, "middle": 0.5, "end": 1.0}[one.get("text-anchor") or "start"]
        said = "".join(one.itertext())
        if said:
            yield Box(said, left, y - 0.74 * size, left + wide, y + 0.2 * size)


def check(svg: str) -> list[str]:
    root = ElementTree.fromstring(svg)
    _, _, across, down = map(float, (root.get("viewBox") or "").split())
    found = list(boxes(svg))
    outside = [
        box.text for box in found if box.left < -0.5 or box.right > across + 0.5 or box.top < 0 or box.bottom > down
    ]
    return outside + [f"{one.text} × {two.text}" for one, two in combinations(found, 2) if one.over(two)]  # fmt: skip


@pytest.mark.parametrize("language", labels.LANGUAGES)
@pytest.mark.parametrize("amount", [0, 1, 5, 50, 200, 3_000])
def test_words_stay_in_the_frame_and_off_each_other(amount: int, language: str) -> None:
    digest = full_week(amount, replace(FULL, language=language))
    for draw in FORMS.values():
        assert check(draw(digest)) == []


@pytest.mark.parametrize("name", PROJECTIONS)
def test_whatever_the_stages_are_called(name: str) -> None:
    digest = full_week(150, replace(PROJECTIONS[name], language="fr"))
    quoted = tuple(
        replace(stage, quote=replace(stage.quote, text=(ARABIC, LONG * 4)[place % 2])) if stage.quote else stage
        for place, stage in enumerate(digest.stages)
    )
    for draw in FORMS.values():
        assert check(draw(replace(digest, stages=quoted))) == []
    ElementTree.fromstring(drawing.svg(digest))
    ElementTree.fromstring(drawing.still(digest, theme="dark"))


@pytest.mark.parametrize("form", FORMS)
def test_a_screen_reader_hears_a_title_and_the_curve_in_words(form: str) -> None:
    root = ElementTree.fromstring(FORMS[form](full_week(200)))
    title, said = root.find(f"{SVG}title"), root.find(f"{SVG}desc")
    assert title is not None
    assert said is not None
    assert root.get("aria-labelledby") == title.get("id") == f"map-{form}-title"
    assert root.get("aria-describedby") == said.get("id")
    assert title.text == "The journey of Northwind's customers, 16–22 November 2026"
    assert "Purchase −" in (said.text or "")
    names = [one.get("aria-label") for one in root.iter(f"{SVG}a") if (one.get("href") or "").startswith("#stage-")]
    assert len(names) == 8
    assert all(names)


def test_every_point_leads_to_its_stage_and_every_stage_to_its_posts() -> None:
    page = html.render(full_week(200))
    ids = set(re.findall(r' id="([^"]+)"', page))
    assert len(re.findall(r' id="([^"]+)"', page)) == len(ids)
    assert set(re.findall(r'href="#([^"]+)"', page)) <= ids
    assert {f"stage-{stage.value}" for stage in Stage} <= ids
    assert "posts-purchase" in ids


def points(digest: Digest) -> list[str]:
    root = ElementTree.fromstring(picture.wide(digest))
    dots = [one for one in root.iter(f"{SVG}circle") if "dot" in (one.get("class") or "").split()]
    return [(one.get("class") or "").split()[1] for one in dots]


def test_points_under_ten_people_are_hollow_and_have_neither_figure_nor_interval() -> None:
    digest = full_week(20)
    assert set(points(digest)) == {"hollow"}
    drawn = picture.wide(digest)
    assert 'class="net ' not in drawn
    assert "interval" not in drawn


def test_the_picture_says_exits_delights_replies_and_what_was_missed() -> None:
    digest = full_week(200)
    drawn = picture.wide(digest)
    said = [box.text for box in boxes(drawn)]
    assert drawn.count('class="leaf"') == len(digest.exits)
    assert drawn.count('class="spark"') == len(digest.delights)
    assert any(text.startswith("→ Polarex") for text in said)
    reply = digest.response
    assert reply.in_time is not None
    assert f"{reply.in_time.percent} % in time" in " ".join(said)
    assert {"x-main", "rss-main", "hackernews-main", "0 h of 168 h"} <= set(said)
    assert f"{digest.accounting.counted} of {digest.accounting.stored} posts counted" in said


def test_a_silent_week_and_a_deaf_one_do_not_look_alike() -> None:
    silent = count(WEEK, (), earlier(), [source("mastodon-main")], settings=SETTINGS)
    deaf = count(WEEK, (), earlier(), [source("mastodon-main", first_success_at=None, last_success_at=None, failures=9)], settings=SETTINGS)  # fmt: skip
    assert "Nobody was found writing" in picture.wide(silent)
    assert "The source collected the whole week." in picture.wide(silent)
    assert "We do not know: nothing was collected" in picture.wide(deaf)
    assert 'class="unheard"' in picture.wide(deaf)


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, two: str) -> float:
    light, dark = sorted((luminance(one), luminance(two)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def mixed(front: str, back: str, share: float) -> str:
    return "#" + "".join(f"{round(int(front[at:at + 2], 16) * share + int(back[at:at + 2], 16) * (1 - share)):02x}" for at in (1, 3, 5))  # fmt: skip


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
def test_text_is_readable_on_every_ground(colours: Mapping[str, str]) -> None:
    for text in ("ink", "muted", "happy", "unhappy", "accent"):
        for ground in ("paper", "card"):
            assert contrast(colours[text], colours[ground]) >= 4.5, (text, ground)
    for mood in ("happy", "unhappy"):
        assert contrast(colours[mood], colours[f"{mood}-soft"]) >= 4.5
    for mood in ("happy", "unhappy", "neutral"):  # the darkest cell of the heat strip
        assert contrast(colours["ink"], mixed(colours[mood], colours["card"], 0.4)) >= 4.5, mood
    assert contrast(colours["ink"], colours["warn-soft"]) >= 4.5


def test_mood_is_told_without_colour() -> None:
    drawn = picture.wide(full_week(200))
    for kind, sign in (("unhappy", "▼"), ("happy", "▲")):
        cells = [cell for cell in re.findall(r'<g class="cell">.*?</g>', drawn) if f'class="heat {kind} ' in cell]
        assert cells
        assert all(sign in cell for cell in cells)
    assert "repeating-linear-gradient" in html.render(full_week(5))


def forms(phrase: object) -> list[str]:
    return [phrase] if isinstance(phrase, str) else [*phrase.values()] if isinstance(phrase, dict) else []


def test_both_languages_have_the_same_words_for_all_that_is_counted() -> None:
    english, french = (labels.load(language) for language in labels.LANGUAGES)
    for table in ("number", "calendar", "gap", "one", "many", "phrase"):
        assert english.tables[table].keys() == french.tables[table].keys()
        for key, here in english.tables[table].items():
            told = [
                {name for text in forms(phrase) for name in re.findall(r"\{(\w+)\}", text)} - {"n"}
                for phrase in (here, french.tables[table][key])
            ]
            assert told[0] == told[1], key
    assert {stage.value.capitalize() for stage in Stage} == french.tables["stage"].keys()
    assert {touchpoint.replace("_", " ") for touchpoint in TOUCHPOINTS} <= french.tables["touchpoint"].keys()
    assert {one.value for one in Emotion} | {level.word for level in Urgency} <= french.tables["word"].keys()
    with pytest.raises(ValueError, match="'de' is no language of the digest: en or fr"):
        labels.load("de")


def test_every_phrase_that_the_code_says_is_in_the_book_and_every_one_in_the_book_is_said() -> None:
    folder = Path(labels.__file__).parent
    code = "\n".join(path.read_text() for path in sorted([*folder.rglob("*.py"), *folder.rglob("*.j2")]))
    built = r"^(accounts|belief|cover|loud)_\w+$"  # their ends are names of figures
    known = labels.load().tables["phrase"].keys()
    assert {key for key in known if f'"{key}"' not in code and f"'{key}'" not in code and not re.match(built, key)} == {"thanked_share_few", "thanked_share"}  # fmt: skip
    assert set(re.findall(r"say\([\"'](\w+)[\"']", code)) <= known


def test_a_point_is_grey_where_its_interval_reaches_nought_and_no_quote_begins_with_handles() -> None:
    digest = full_week(200)
    for stage in digest.stages:
        if stage.tally.authors >= 10 and stage.tally.net_low is not None and stage.tally.net_high is not None:
            clear = stage.tally.net_low > 0 or stage.tally.net_high < 0
            assert (marks.mood(stage.tally) != "neutral") == clear
    assert {marks.mood(stage.tally) for stage in digest.stages} == {"happy", "neutral", "unhappy"}
    assert opening("@Northwind, @help_desk: where is it?") == "where is it?"
    assert opening("@Northwind") == "@Northwind"
    assert opening("I asked @Northwind") == "I asked @Northwind"
    assert opening("@Northwind see https://t.example/a1?b=c and weep") == "see and weep"
    assert opening("@Northwind https://t.example/a1") == "@Northwind https://t.example/a1"


@pytest.mark.parametrize("theme", ["auto", "light", "dark"])
def test_the_theme_is_the_readers_unless_it_is_set(theme: str) -> None:
    page = html.render(full_week(5), theme=theme)  # type: ignore[arg-type]
    assert ("prefers-color-scheme:dark" in page) == (theme == "auto")
    assert (f"--paper:{DARK['paper']}" in page) == (theme != "light")
    svg = drawing.svg(full_week(5), theme=theme)  # type: ignore[arg-type]
    assert ("prefers-color-scheme:dark" in svg) == (theme == "auto")
    assert "var(" not in drawing.still(full_week(5))
    assert "href" not in svg


drawn = pytest.mark.skipif(not raster.available(), reason="the extra `png` is not installed")


@drawn
def test_a_png_is_as_wide_as_asked() -> None:
    made = raster.png(drawing.still(full_week(60)), width=800)
    assert made.startswith(b"\x89PNG\r\n\x1a\n")
    assert unpack(">I", made[16:20]) == (800,)
    assert raster.png(drawing.still(full_week(60)), width=800) == made


@drawn
def test_a_drawing_that_cannot_be_read_is_said_so() -> None:
    with pytest.raises(raster.NoPicture, match="could not be drawn"):
        raster.png("<svg")


@drawn
def test_words_are_drawn_in_another_font_or_it_is_said_which_to_install() -> None:
    """Left to itself the renderer leaves out words without a word, unless the machine has its own favourite font."""
    nowhere = re.sub(r"font-family:[^;}]+", "font-family:Nowhere-Sans", drawing.still(full_week(5)))
    wordless = re.sub(r">[^<>]+</(text|tspan)>", r"></\1>", nowhere)
    assert wordless != nowhere
    try:
        drawn = raster.png(nowhere, width=800)
    except raster.NoPicture as problem:
        assert "no font" in str(problem)  # noqa: PT017  # which of the two depends on the machine
    else:
        assert drawn != raster.png(wordless, width=800)


def test_without_the_renderer_it_is_said_what_to_install() -> None:
    code = (
        "import sys; sys.modules['resvg_py'] = None\n"
        "from listener.digest import raster\n"
        "try: raster.png('<svg/>')\n"
        "except raster.NoPicture as problem: print(problem)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=True)
    assert "pip install 'listener[png]'" in done.stdout


def test_an_ordinary_week_is_a_small_file() -> None:
    digest = count(WEEK, posts(400), earlier(), settings=SETTINGS)
    assert len(picture.wide(digest)) < 40_000
    assert len(html.render(digest)) < 160_000


@pytest.mark.parametrize("language", labels.LANGUAGES)
def test_the_names_of_all_our_touchpoints_are_whole_on_the_map(language: str) -> None:
    settings = replace(FULL, language=language)
    of_five_thousand = full_week(5000, settings)
    names = [tables.label(touchpoint, settings, labels.load(language)) for touchpoint in TOUCHPOINTS]
    for at in range(0, len(names), 3):
        touches = tuple(Touch(name, name, 999, 600, 300) for name in names[at : at + 3])
        stages = tuple(replace(stage, touches=touches) for stage in of_five_thousand.stages)
        for drawn in (form(replace(of_five_thousand, stages=stages)) for form in FORMS.values()):
            shown = [
                text.text or ""
                for text in ElementTree.fromstring(drawn).iterfind(f".//{SVG}g[@class='cell']/{SVG}text")
            ]
            assert shown
            assert not [text for text in shown if "…" in text]
