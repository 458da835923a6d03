"""Measurements: each module prints its figures and says how to read them; none of them gates a test."""
