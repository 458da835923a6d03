"""Triage: from a mention to a verdict with its evidence. Pure: no clock, no store, no network.

`verdict.Triage.judge` is the way in; `verdict.build_triage` builds one from packs and a brand. The other modules are its
steps: language, sentiment, relevance, signals, intents, stages, aspects, urgency.
"""

import rules  # noqa: F401  # it says where compiled modules lie (`rules.compiled`), before the first of these is imported
