"""``assay topics apply|show``: the declared topics, and the cluster's beside them."""

from __future__ import annotations

from dataclasses import asdict

import typer

from streams.output import console, show


def register(app: typer.Typer) -> None:
    """Add the command group ``topics``."""
    group = typer.Typer(no_args_is_help=True, help="Create, alter and show the topics of Assay.")
    app.add_typer(group, name="topics")

    @group.command(epilog="Example: assay topics apply --dry-run")
    def apply(
        dry_run: bool = typer.Option(False, "--dry-run", help="Say what would change, and change nothing."),
        json: bool = typer.Option(False, "--json", help="Print JSON."),
    ) -> None:
        """Create missing topics, add partitions, and alter settings that differ from the declared ones."""
        from streams import clients, topics
        from streams.settings import settings

        chosen = settings()
        with clients.admin(chosen) as admin:
            if dry_run:
                steps = topics.changes(chosen, topics.actual(admin, list(topics.named(chosen).values())))
            elif json:
                steps = topics.apply(admin, chosen)
            else:
                steps = topics.apply(admin, chosen, lambda step: console.print(f"{step.action} {step.topic}"))
        refused = any(step.action == "refused" for step in steps)
        if steps or json:
            columns = ["topic", "action", "reason"]
            title = "would change" if dry_run else "changed"
            show([asdict(step) for step in steps], columns, json, title)
        else:
            typer.echo("all topics are as declared")
        raise typer.Exit(1 if refused else 0)

    @group.command("show", epilog="Example: assay topics show --json")
    def show_(json: bool = typer.Option(False, "--json", help="Print JSON.")) -> None:
        """Show every declared topic, and what the cluster has; exit 1 where they differ."""
        from streams import clients, topics
        from streams.settings import settings

        chosen = settings()
        with clients.admin(chosen) as admin:
            found = topics.actual(admin, list(topics.named(chosen).values()))
        differ = topics.changes(chosen, found)
        rows = topics.beside(chosen, found)
        columns = ["topic", "value", "partitions", "kept", "max_record", "cluster"]
        show(rows, columns, json, f"topics (replication {chosen.replication})")
        raise typer.Exit(1 if differ else 0)
