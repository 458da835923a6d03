"""The weekly digest: one ISO week, counted once and drawn in several forms.

`count.count` turns stored mentions into a `figures.Digest` that holds every number and every sentence; the
renderers (`slack`, `markdown`, `html`, `console`, `form`) only format it, so the numbers are equal in all of
them. Pure: no clock, no network, no store. The same digest gives the same bytes.
"""
