"""Being watched: a small door for Prometheus and probes, a dead man's ping, a word to systemd.

Whatever fails here is logged once; polling and alerts go on.
"""
