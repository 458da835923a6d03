"""The console receiver: prints what Slack would show, with a bar in the colour of the urgency.

For the demo, for a first look without any account, and as the place that hears of trouble with the others. It keeps
no history, so a sending that died half-way is repeated and marked as one.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime

from rich.console import Console, Group
from rich.padding import Padding
from rich.text import Text

from listener.model import CannotLookUp, Delivery, NotificationKind, PassingFailure, Receipt
from listener.receivers.terminal import Edged, renderables
from listener.slack.entries import message_for
from listener.slack.look import Look, utc_now
from listener.slack.outside import clean
from listener.slack.parts import CLOSED
from rules.vocabulary import Urgency

COLOURS = {Urgency.CRITICAL: "red", Urgency.HIGH: "dark_orange", Urgency.NORMAL: "blue", Urgency.LOW: "green"}
CLOSED_COLOUR = "bright_black"
WIDEST = 110  # columns; longer lines are hard to read


_ENTRIES = frozenset(
    {
        NotificationKind.CASE_THREAD,
        NotificationKind.CASE_NOTE,
        NotificationKind.REMINDER,
        NotificationKind.ENTRY_UPDATE,
    }
)


class ConsoleReceiver:
    """Prints to `console`, a terminal or a file. Safe to call from several threads: messages do not interleave."""

    def __init__(self, console: Console, look: Look, *, clock: Callable[[], datetime] = utc_now) -> None:
        self._console = console
        self._look = look
        self._clock = clock
        self._lock = threading.Lock()
        self._printed = 0

    def send(self, delivery: Delivery) -> Receipt:
        """Print `delivery`; the receipt holds how many this receiver has printed. Raises `PassingFailure`."""
        drawn = self._drawn(delivery)
        with self._lock:
            try:
                self._console.print(drawn, markup=False, highlight=False, emoji=False)
                self._console.file.flush()
            except (OSError, ValueError) as error:  # a closed pipe, a full disk, a closed file
                raise PassingFailure(f"console: {type(error).__name__}; is the output still open?") from None
            self._printed += 1
            return Receipt({"console": self._printed})

    def find(self, delivery: Delivery) -> Receipt | None:
        """Raises `CannotLookUp`: what was printed cannot be read back."""
        raise CannotLookUp("the console keeps no history")

    def _drawn(self, delivery: Delivery) -> Padding:
        said = message_for(delivery, self._look, self._clock(), repeated=delivery.doubtful)
        closed = delivery.case is not None and delivery.case.case.state in CLOSED
        urgency = delivery.mention.verdict.urgency if delivery.mention else delivery.urgency
        if delivery.case is not None and delivery.mention is None:
            urgency = delivery.case.case.urgency
        if delivery.summary is not None:
            urgency = max(delivery.summary.levels, default=urgency)
        if delivery.spike is not None:
            urgency = delivery.spike.spike.urgency
            closed = delivery.spike.spike.ended_at is not None
        colour = CLOSED_COLOUR if closed else COLOURS[urgency]
        indent = 4 if delivery.kind in _ENTRIES or delivery.folded_in else 0  # an entry belongs below its message
        width = min(self._console.width, WIDEST) - indent
        shown = renderables(said.blocks, colour, width - 2)
        if page := delivery.payload.get("page"):
            shown.append(Text(clean(str(page)), style="dim underline", overflow="fold"))
        return Padding(Edged(Group(*shown), "▌ ", colour, width), (0, 0, 1, indent))
