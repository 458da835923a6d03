"""Rules: what counts as a mention (queries) and what a mention's words mean (rules and packs)."""

from rules.compiled import use

use()
