"""The command line ``assay``: commands are found in :mod:`streams.commands`."""

from __future__ import annotations

import importlib
import pkgutil
import sys

import typer

import streams.commands
from schemas import ENGINE_VERSION
from schemas.errors import AssayError
from streams.output import complain


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"assay {ENGINE_VERSION}")
        raise typer.Exit()


def build() -> typer.Typer:
    """Return the application with every command registered."""
    app = typer.Typer(
        name="assay",
        help="Flag mislabelled controlled metals and odd routing in customs declarations.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode="rich",
        context_settings={"help_option_names": ["-h", "--help"]},
    )

    @app.callback()
    def _root(
        version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Show the version."),
    ) -> None:
        pass

    for found in sorted(pkgutil.iter_modules(streams.commands.__path__), key=lambda module: module.name):
        module = importlib.import_module(f"streams.commands.{found.name}")
        module.register(app)
    return app


def main() -> None:
    """Run the command line; exit 0 done, 1 failed, 2 bad usage."""
    try:
        build()()
    except AssayError as error:
        complain(str(error))
        sys.exit(1)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(0)


if __name__ == "__main__":
    main()
