"""The database: migrate, backup, purge."""

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


@db.command(epilog="Example: listener db purge --dry-run")
@click.option("--dry-run", is_flag=True, help="Only say how many mentions it would be.")
@click.pass_context
def purge(ctx: click.Context, dry_run: bool) -> None:
    """Remove text and author of mentions that were kept long enough ([retention] text_days). `run` does it by itself.

    Counts, stages and dates stay. There is no way back but a backup.
    """
    from listener import app

    config = configuration(ctx)
    with app.stored(config) as store:
        at = app.now()
        due = store.purgeable(app.cutoffs(config, store, at), at)
        done = None if dry_run else app.purge(config, store, at)
    number = sum(due.values()) if done is None else done.mentions
    if done is None:
        said = f"{number} {_mentions(number)} would lose text and author."
    else:
        said = (
            f"{number} {_mentions(number)} lost text and author, {done.digests} digests in the outbox what they quoted."
        )
    by_source = "".join(f"\n  {source}: {count}" for source, count in due.items())
    click.echo(said + by_source)


def _mentions(number: int) -> str:
    return "mention" if number == 1 else "mentions"
