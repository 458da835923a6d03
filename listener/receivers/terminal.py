"""Slack's blocks as something a terminal shows: the same words, in the same order, for `rich`.

Every text passes `clean` once more and stands in `rich.text.Text` values, so no markup of rich, no escape sequence
and no bidirectional override in a post can act on the terminal. A block type that is not known here is named, not
dropped. Pure: returns renderables, prints nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich import box
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.padding import Padding
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from listener.slack.outside import clean, unescape, web_address

Block = Mapping[str, Any]

_MRKDWN = re.compile(r"\*([^*\n]+)\*|`([^`\n]+)`|<([^<>]*)>")
_NARROW = 60  # columns below which facts stand one under the other


@dataclass(frozen=True, slots=True)
class Edged:
    """`inside` with a bar along its left side, as high as it is, `width` columns in all (fewer where fewer are there)."""

    inside: RenderableType
    bar: str
    style: str
    width: int

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Rich's hook for things that draw themselves."""
        room = max(1, min(self.width, options.max_width) - len(self.bar))
        edge = Segment(self.bar, console.get_style(self.style))
        for line in console.render_lines(self.inside, options.update(width=room, height=None), pad=False):
            yield edge
            yield from line
            yield Segment.line()


def renderables(blocks: Sequence[Block], colour: str, width: int) -> list[RenderableType]:
    """`blocks` as renderables, with an empty line between two."""
    shown: list[RenderableType] = []
    for block in blocks:
        kind = str(block.get("type"))
        if shown:
            shown.append(Text())
        draw = _DRAW.get(kind)
        shown.extend(draw(block, colour, width) if draw else [Text(f"({kind})", style="dim")])
    return shown


def _header(block: Block, colour: str, width: int) -> Iterator[RenderableType]:
    yield Text(_plain(block.get("text")), style=f"bold {colour}".strip(), overflow="fold")


def _section(block: Block, colour: str, width: int) -> Iterator[RenderableType]:
    if "text" in block:
        yield _text(block["text"])
    fields = [_labelled(one) for one in block.get("fields", ())]
    if not fields:
        return
    columns = 2 if width >= _NARROW else 1
    table = Table.grid(padding=(0, 3, 0, 0), expand=True)
    for _ in range(columns):
        table.add_column(ratio=1, overflow="fold")
    for start in range(0, len(fields), columns):
        table.add_row(*fields[start : start + columns])
    yield table


def _labelled(field: Block) -> Text:
    """A fact: its first line is what it is, the rest what it says."""
    label, _, said = _text(field).plain.partition("\n")
    return Text.assemble((label, "dim"), "\n", said) if said else Text(label)


def _context(block: Block, colour: str, width: int) -> Iterator[RenderableType]:
    for one in block.get("elements", ()):
        if one.get("type") != "image":
            line = _text(one)
            line.stylize("dim")
            yield line


def _actions(block: Block, colour: str, width: int) -> Iterator[RenderableType]:
    chips, links = Text(overflow="fold"), []
    for one in block.get("elements", ()):
        if one.get("type") == "overflow":
            chips.append(" ⋯ ", "reverse dim")
            continue
        url = web_address(str(one.get("url") or ""))
        style = "reverse bold" if one.get("style") == "primary" else "reverse"
        chips.append(f" {_plain(one.get('text'))} ", f"{style} link {url}" if url else style)
        chips.append("  ")
        if url:
            links.append(Text(url, style="dim underline", overflow="fold"))
    yield chips
    yield from links


def _rich_text(block: Block, colour: str, width: int) -> Iterator[RenderableType]:
    for element in block.get("elements", ()):
        kind = element.get("type")
        if kind == "rich_text_quote":
            yield Edged(_inline(element.get("elements", ())), "│ ", colour or "dim", width)
        elif kind == "rich_text_list":
            for number, entry in enumerate(element.get("elements", ()), 1):
                sign = f"{number}. " if element.get("style") == "ordered" else "• "
                yield Padding(Text.assemble(sign, _inline(entry.get("elements", ()))), (0, 0, 0, 2))
        else:
            yield _inline(element.get("elements", ()))


def _inline(elements: Sequence[Block]) -> Text:
    """Text elements with their styles; a link shows its words and leads where it says."""
    line = Text(overflow="fold")
    for one in elements:
        style = one.get("style") or {}
        styles = [name for name in ("bold", "italic", "strike") if isinstance(style, Mapping) and style.get(name)]
        said = clean(str(one.get("text") or one.get("url") or one.get("fallback") or ""))
        if one.get("type") == "link" and (url := web_address(str(one.get("url") or ""))):
            styles += ["underline", f"link {url}"]
        line.append(said, " ".join(styles))
    return line


def _table(block: Block, colour: str, width: int) -> Iterator[RenderableType]:
    rows = [[_cell(cell) for cell in row] for row in block.get("rows", ())]
    if not rows:
        return
    settings = [one or {} for one in block.get("column_settings", ())]
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
    for number, title in enumerate(rows[0]):
        setting = settings[number] if number < len(settings) else {}
        table.add_column(title, justify="right" if setting.get("align") == "right" else "left", overflow="fold")
    for row in rows[1:]:
        table.add_row(*row)
    yield table


def _cell(cell: Block) -> Text:
    if cell.get("type") == "rich_text":
        return Text("\n").join(_inline(part.get("elements", ())) for part in cell.get("elements", ()))
    return Text(clean(str(cell.get("text", cell.get("value", "")))))


def _chart(block: Block, colour: str, width: int) -> Iterator[RenderableType]:
    """The figures behind a chart, one line a label; the picture itself is in the report."""
    yield Text(clean(str(block.get("title", ""))), style="bold")
    chart = block.get("chart") or {}
    for series in chart.get("series", ()):
        points = ", ".join(f"{point.get('label')} {point.get('value')}" for point in series.get("data", ()))
        yield Text(clean(f"{series.get('name', '')}: {points}"), style="dim")


def _rule(block: Block, colour: str, width: int) -> Iterator[RenderableType]:
    yield Text("─" * max(1, min(width, 40)), style="dim")


def _image(block: Block, colour: str, width: int) -> Iterator[RenderableType]:
    yield Text(f"[{clean(str(block.get('alt_text') or 'picture'))}]", style="dim")


def _plain(thing: Any) -> str:
    return clean(str(thing.get("text", ""))) if isinstance(thing, Mapping) else ""


def _text(thing: Block) -> Text:
    """A text object. Of mrkdwn: bold, code, and Slack's tokens by what they show where no Slack reads them."""
    said = _plain(thing)
    if thing.get("type") != "mrkdwn":
        return Text(said, overflow="fold")
    line, done = Text(overflow="fold"), 0
    for match in _MRKDWN.finditer(said):
        line.append(unescape(said[done : match.start()]))
        bold, code, token = match.groups()
        line.append(unescape(bold or code or _token(token)), "bold" if bold else "")
        done = match.end()
    line.append(unescape(said[done:]))
    return line


def _token(token: str) -> str:
    """`!date^…|22 Nov 14:20` shows its fallback, `@U123` the id, an address its words."""
    return token.rpartition("|")[2]


_DRAW: Mapping[str, Callable[[Block, str, int], Iterator[RenderableType]]] = {
    "header": _header,
    "section": _section,
    "context": _context,
    "actions": _actions,
    "rich_text": _rich_text,
    "table": _table,
    "data_visualization": _chart,
    "divider": _rule,
    "image": _image,
}
