"""``assay console``: alerts where analysts work; ``assay console user``: who may."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from schemas.errors import SettingsError
from streams import output

if TYPE_CHECKING:
    from streams.console.access import Role
    from streams.console.store import Store

_EPILOG = (
    "Examples:  [bold]assay console user add ada --role analyst[/], then [bold]assay console --open[/]  ·  "
    "[bold]assay console --host 0.0.0.0 --port 8791[/] behind a proxy with TLS, ASSAY_CONSOLE_URL=https://..."
)
_USER_EPILOG = "Example:  [bold]assay console user add ada --role supervisor --display 'Ada Okafor'[/]"
_EXPORT_EPILOG = (
    "Example:  [bold]assay console suppressions export --output draft.yaml[/], then look at each; "
    "[bold]assay replay day.ndjson --suppressions draft.yaml --alerts alerts.jsonl[/] shows what they silence"
)
_COLUMNS = ("name", "display", "role", "active", "way", "created_at", "last_login")
_ROLES = "viewer, analyst, supervisor or admin"

Name = Annotated[str, typer.Argument(help="Log-in name: small letters, digits, '.', '_', '@', '-'.")]
Database = Annotated[
    str | None,
    typer.Option(help="Address of the database. [default: ASSAY_CONSOLE_DATABASE, else SQLite in the state folder]"),
]
Stdin = Annotated[bool, typer.Option("--password-stdin", help="Read the password from standard input.")]


def register(app: typer.Typer) -> None:
    """Add the command, and the group ``user`` below it."""
    group = typer.Typer(invoke_without_command=True, help="Alerts where analysts work: a web console.")
    users = typer.Typer(no_args_is_help=True, help="Who may log in to the console.")
    group.callback(epilog=_EPILOG)(console)
    users.command("add", epilog=_USER_EPILOG)(add)
    users.command("list", epilog="Example:  [bold]assay console user list --json[/]")(list_)
    users.command("role", epilog="Example:  [bold]assay console user role ada admin[/]")(role)
    users.command("disable", epilog="Example:  [bold]assay console user disable ada[/]")(disable)
    users.command("enable", epilog="Example:  [bold]assay console user enable ada[/]")(enable)
    users.command("passwd", epilog="Example:  [bold]assay console user passwd ada[/]")(passwd)
    users.command("link", epilog="Example:  [bold]assay console user link ada --minutes 10[/]")(link)
    group.add_typer(users, name="user")
    kept = typer.Typer(no_args_is_help=True, help="What analysts keep out of the queue for a time.")
    kept.command("export", epilog=_EXPORT_EPILOG)(export)
    group.add_typer(kept, name="suppressions")
    app.add_typer(group, name="console")


def console(
    context: typer.Context,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65_535, help="Port; 0: a free one, told when it is ready.")] = 8791,
    database: Database = None,
    open_: Annotated[bool, typer.Option("--open", help="Open it in the browser.")] = False,
    log: Annotated[str, typer.Option(help="debug, info, warning, error.")] = "warning",
) -> None:
    """Serve the analysts' console: queue, evidence, decisions, overview.

    Reads the topic alerts into a database of its own, and rebuilds itself from the topic when that is empty. Decisions go to
    the topic dispositions, and wait in the database while Kafka is away. Nothing listens beyond loopback unless --host
    says so. Exit 0: stopped by SIGTERM or Ctrl-C; 1: the port is taken, or the database cannot be used.
    """
    if context.invoked_subcommand is not None:
        return
    if log not in ("debug", "info", "warning", "error"):
        raise typer.BadParameter("one of debug, info, warning, error", param_hint="--log")
    from streams.console.app import Console
    from streams.console.serving import Serving, serve
    from streams.settings import settings
    from streams.worker import logs

    logs.configure(log)  # type: ignore[arg-type]
    made = Console(settings(), _own(database))
    nobody = not made.oidc and not made.store.people.any()

    def ready(address: str) -> None:
        output.console.print(f"console: {address}", soft_wrap=True, markup=False)
        if nobody:
            output.errors.print("Nobody may log in yet. Make the first user, in another terminal:", soft_wrap=True)
            output.errors.print("  assay console user add NAME --role admin", soft_wrap=True, markup=False)
        if open_:
            import webbrowser

            webbrowser.open(address)

    serve(made, Serving(host, port), ready)


def add(
    name: Name,
    role: Annotated[str, typer.Option(help=f"{_ROLES}.")] = "analyst",
    display: Annotated[str | None, typer.Option(help="How the console calls them.")] = None,
    password_stdin: Stdin = False,
    link: Annotated[bool, typer.Option("--link", help="No password: print a link that logs them in once.")] = False,
    database: Database = None,
) -> None:
    """Make a user. The password is asked for; only a hash of it is kept."""
    from streams.console.access import passwords
    from streams.console.store.people import OPERATOR

    wanted = _role(role)
    hash_ = None if link else _said(lambda: passwords.hashed(_password(password_stdin)), "PASSWORD")
    store = _store(database)
    _said(lambda: store.people.add(name, wanted, OPERATOR, hash_, display), "NAME")
    output.console.print(f"user {name} is {role}", markup=False)
    if link:
        _print_link(store, name, 60)


def list_(
    json_wanted: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False, database: Database = None
) -> None:
    """List the users."""
    rows = [
        {column: getattr(user, column) for column in _COLUMNS} | {"role": user.role.name}
        for user in _store(database).people.all()
    ]
    output.show(rows, _COLUMNS, json_wanted)


def role(name: Name, role: Annotated[str, typer.Argument(help=f"{_ROLES}.")], database: Database = None) -> None:
    """Give a user another role; they log in anew."""
    _change(database, name, role=_role(role).name)
    output.console.print(f"user {name} is {role}", markup=False)


def disable(name: Name, database: Database = None) -> None:
    """Let a user in no more, and end their sessions. What they did stays theirs."""
    _change(database, name, active=False)
    output.console.print(f"user {name} may not log in", markup=False)


def enable(name: Name, database: Database = None) -> None:
    """Let a disabled user in again."""
    _change(database, name, active=True)
    output.console.print(f"user {name} may log in", markup=False)


def passwd(name: Name, password_stdin: Stdin = False, database: Database = None) -> None:
    """Give a user another password, and end their sessions."""
    from streams.console.access import passwords

    hash_ = _said(lambda: passwords.hashed(_password(password_stdin)), "PASSWORD")
    _change(database, name, hash=hash_)
    output.console.print(f"user {name} has a new password", markup=False)


def link(
    name: Name,
    minutes: Annotated[int, typer.Option(min=1, max=1440, help="How long it works.")] = 60,
    database: Database = None,
) -> None:
    """Print a link that logs a user in once."""
    store = _store(database)
    user = store.people.find(name)
    if user is None or not user.active:
        raise SettingsError(f"there is no user {name} who may log in")
    _print_link(store, name, minutes)


def export(
    output_: Annotated[
        Path | None, typer.Option("--output", help="File to write; it must not exist yet. [default: standard output]")
    ] = None,
    database: Database = None,
) -> None:
    """Write the suppressions in force as a file for the pipeline (ASSAY_SUPPRESSIONS, assay replay --suppressions).

    The console's hide alerts from its people; the pipeline's keep grounds from becoming alerts at all. The file is a draft
    to look through; those that the pipeline cannot say as narrowly are left out and told in it. It names parties.
    """
    from streams.console.store import silencing

    text, kept, left = silencing.as_yaml(_store(database))
    if output_ is None:
        typer.echo(text, nl=False)
    else:
        try:
            with output_.open("x", encoding="utf-8") as file:
                file.write(text)
        except OSError as error:
            raise SettingsError(f"{output_}: {error.strerror}") from None
    output.errors.print(f"{kept} suppressions; {left} left out, with the reason in the file", markup=False)


def _print_link(store: Store, name: str, minutes: int) -> None:
    token = store.links.make(name, minutes)
    base = _own(None).url or "http://127.0.0.1:8791"
    typer.echo(f"{base}/setup/{token}")
    output.errors.print(f"logs in {name} once, within {minutes} minutes", markup=False)


def _own(database: str | None) -> Any:
    from streams.console.settings import load_console

    return load_console(**({"database": database} if database else {}))


def _store(database: str | None) -> Store:
    from streams.console.store import Store
    from streams.settings import settings

    return Store(_own(database).database_url(settings()))


def _change(database: str | None, name: str, **values: Any) -> None:
    from streams.console.store.people import OPERATOR

    if not _store(database).people.change(name, OPERATOR, **values):
        raise SettingsError(f"there is no user {name}; `assay console user list` shows them")


def _role(name: str) -> Role:
    from streams.console.access.person import Role

    if name not in Role.__members__:
        raise typer.BadParameter(f"roles are {_ROLES}", param_hint="ROLE")
    return Role[name]


def _password(from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    asked: str = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    return asked


def _said(act: Any, hint: str) -> Any:
    try:
        return act()
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint=hint) from None
