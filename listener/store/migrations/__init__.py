"""Alembic's environment and one file per change of the tables. Shipped with the package, run by `Store.migrate`."""
