"""`previewcloud`, or `kubectl preview`: asks the API, and shows what it says."""

from __future__ import annotations

import typer

app = typer.Typer(help=__doc__, no_args_is_help=True, pretty_exceptions_enable=False)


def main() -> None:
    """Run a command."""
    app()


if __name__ == "__main__":
    main()
