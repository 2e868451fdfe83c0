"""The command line of the local stack: `python -m local up | down | logs`."""

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
        int,
        typer.Option(
            envvar="PORT", min=0, max=65535, help="Port to listen on; 0 picks a free one."
        ),
    ] = 0,
    workers: Annotated[
        int,
        typer.Option(min=1, max=8, help="Workers for small jobs; large jobs get as many again."),
    ] = 2,
) -> None:
    """Run Darkroom until Ctrl-C."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    me = state.myself()
    if other := state.claim(me):
        status = f"running: {other.page_url}" if other.page_url else "starting."
        raise LocalStackError(f"Darkroom is already {status}\nStop it with: make down")
    try:
        typer.echo("Starting Darkroom on this machine…")
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
                "Darkroom is running.\n\n"
                f"Page       {stack.page_url}\n"
                f"API        {stack.api_url}\n"
                f"WebSocket  {stack.websocket_url}\n"
                f"Key        {stack.key}\n"
                "Logs       .venv/bin/python -m local logs [FUNCTION]\n"
                f"Emulator   logs to {stack.emulator.log}\n\n"
                "Open the page to process photos. Press Ctrl-C to stop."
            )
            stack.emulator.wait()
            raise LocalStackError(
                f"The emulator stopped unexpectedly. The last lines of {stack.emulator.log}:\n"
                f"{stack.emulator.last_words()}"
            )
    except KeyboardInterrupt:
        typer.echo("\nStopped.")
    finally:
        state.release()


@app.command()
def down() -> None:
    """Stop the stack that runs from this checkout."""
    stack = state.current()
    if stack is None:
        typer.echo("Nothing to stop: Darkroom is not running from this checkout.")
    elif state.stop(stack):
        state.current()  # deletes the state file if the process was killed before it could
        typer.echo("Stopped.")
    else:
        raise LocalStackError(
            f"Darkroom did not stop: process {stack.pid} is still running.\n"
            f"End it with: kill -9 {stack.pid}"
        )


@app.command(name="logs")
def show_logs(
    function: Annotated[str, typer.Argument(help="Part of a function's name.")] = "",
) -> None:
    """Show the logs of the functions."""
    stack = state.current()
    if stack is None or not stack.address:
        raise LocalStackError(
            "Darkroom is not running. Start it with: make up\n"
            f"The logs of earlier runs are in {OUT}/*-functions.log"
        )
    access = Access(stack.address, stack.access_key, stack.secret_key)
    try:
        for line in logs.read(access.client("logs"), function):
            typer.echo(line)
    except (BotoCoreError, ClientError) as error:
        raise LocalStackError(
            f"The logs could not be read from the running stack: {error}"
        ) from error


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
