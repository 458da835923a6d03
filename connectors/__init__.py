"""Connectors: one module a platform, each turning what it finds into `Mention`s, page by page."""
