"""The database: migrate, backup."""

from __future__ import annotations

from pathlib import Path

import click

from listener.cli.common import configuration


@click.group()
def db() -> None:
    """Look after the database."""


@db.command(epilog="Example: listener db migrate")
@click.pass_context
def migrate(ctx: click.Context) -> None:
    """Bring the tables to what this version needs; does nothing when they are."""
    from listener.store import Store

    store = Store.open(configuration(ctx).database_url().get_secret_value())
    try:
        before = store.schema()
        if before.is_current:
            click.echo(f"The database is at revision {before.current}, as needed.")
            return
        store.migrate()
        click.echo(f"Migrated from {before.current or 'an empty database'} to revision {store.schema().current}.")
    finally:
        store.close()


@db.command(epilog="Example: listener db backup listener-2026-11-22.db")
@click.argument("target", type=click.Path(path_type=Path, dir_okay=False))
@click.pass_context
def backup(ctx: click.Context, target: Path) -> None:
    """Copy an SQLite database while the daemon runs. For PostgreSQL it names the tool to use."""
    from listener import app

    if target.exists():
        raise click.ClickException(f"{target} exists. Name a new file, so that no backup is overwritten.")
    with app.stored(configuration(ctx)) as store:
        store.backup(target)
    click.echo(f"Backed up to {target} ({target.stat().st_size / 1024:.0f} KB).")
