"""`python -m local up | down | logs`: the stack on this machine, for people."""

import dataclasses
import signal
import sys
from types import FrameType
from typing import Annotated, NoReturn

import typer
from botocore.exceptions import BotoCoreError, ClientError

from local import OUT, LocalStackError, logs, state
from local.stack import Access, running

app = typer.Typer(
    help="Run Darkroom on this machine.", add_completion=False, pretty_exceptions_enable=False
)


@app.command()
def up(
    port: Annotated[
        int, typer.Option(envvar="PORT", min=0, max=65535, help="0 takes any free port.")
    ] = 0,
    workers: Annotated[
        int, typer.Option(min=1, max=8, help="Of small jobs, and as many of large ones.")
    ] = 2,
) -> None:
    """Run the stack until Ctrl-C."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    me = state.myself()
    if other := state.claim(me):
        raise LocalStackError(
            f"The stack is running already: {other.page_url or 'it is just starting'}\n"
            "Stop it with: make down"
        )
    try:
        typer.echo("Starting…")
        with running(workers=workers, port=port, name="up") as stack:
            state.publish(
                dataclasses.replace(
                    me,
                    page_url=stack.page_url,
                    address=stack.address,
                    access_key=stack.access_key,
                    secret_key=stack.secret_key,
                )
            )
            typer.echo(
                f"Page       {stack.page_url}\n"
                f"API        {stack.api_url}\n"
                f"WebSocket  {stack.websocket_url}\n"
                f"Key        {stack.key}\n"
                f"Logs       python -m local logs [FUNCTION]; emulator: {stack.emulator.log}\n"
                "Stop with Ctrl-C."
            )
            stack.emulator.wait()
            raise LocalStackError(
                f"The emulator has stopped by itself. The end of {stack.emulator.log}:\n"
                f"{stack.emulator.last_words()}"
            )
    except KeyboardInterrupt:
        typer.echo("\nStopped.")
    finally:
        state.release()


@app.command()
def down() -> None:
    """Stop the stack that runs from this checkout."""
    found = state.current()
    if found is None:
        typer.echo("No stack is running from this checkout.")
    elif state.stop(found):
        state.current()  # forgets it, if it could not do so itself
        typer.echo("Stopped.")
    else:
        raise LocalStackError(f"Process {found.pid} did not end.")


@app.command(name="logs")
def show_logs(
    function: Annotated[str, typer.Argument(help="Part of a function's name.")] = "",
) -> None:
    """Show what the functions have logged."""
    found = state.current()
    if found is None or not found.address:
        raise LocalStackError(
            f"No stack is running; the logs of earlier ones are {OUT}/*-functions.log"
        )
    access = Access(found.address, found.access_key, found.secret_key)
    try:
        for line in logs.read(access.client("logs"), function):
            typer.echo(line)
    except (BotoCoreError, ClientError) as error:
        raise LocalStackError(f"The stack does not answer: {error}") from error


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


def main() -> None:
    try:
        app()
    except LocalStackError as error:
        typer.echo(error, err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
