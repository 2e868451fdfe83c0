"""The `darkroom` command.

Exit status: 0 success, 1 some photos failed, 2 the command failed, 130 Ctrl-C.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from darkroom_client import flags, report
from darkroom_client.api import Darkroom
from darkroom_client.display import Bars
from darkroom_client.errors import ClientError, Stopped, Unusable
from darkroom_client.follow import PollingPolicy, follow
from darkroom_client.job import Job
from darkroom_client.process import Batch, Runner
from darkroom_client.saving import find_files
from darkroom_client.workflow import Workflow, make_album, scenarios

app = typer.Typer(
    help="Remove backgrounds and crop photos with a Darkroom deployment.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

Url = Annotated[str, typer.Option(envvar="DARKROOM_URL", help="The URL of the API.")]
Key = Annotated[str, typer.Option(envvar="DARKROOM_KEY", help="The API key of the deployment.")]
Paths = Annotated[list[Path], typer.Argument(help="Photos, ZIPs, and folders of photos.")]
Timeout = Annotated[
    float, typer.Option(min=1, help="Give up after this many seconds without progress.")
]


@app.command()
def process(  # noqa: PLR0913, PLR0917 - one argument for each option
    paths: Paths,
    out: Annotated[Path, typer.Option(help="The folder to save results in.")] = Path("results"),
    remove_bg: Annotated[bool | None, typer.Option(help="Remove the background.")] = None,
    crop_face: Annotated[bool | None, typer.Option(help="Crop to the face.")] = None,
    model: Annotated[
        str, typer.Option(help="The model to use; list them with `darkroom models`.")
    ] = "",
    preset: Annotated[
        str, typer.Option(help="Options for a purpose; list them with `darkroom presets`.")
    ] = "",
    background: Annotated[
        str, typer.Option(help="none, white, #RRGGBB, blur:PERCENT or image:NAME.")
    ] = "",
    canvas: Annotated[
        str, typer.Option(metavar="WIDTHxHEIGHT", help="Put the subject on a canvas; or an aspect.")
    ] = "",
    option: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KEY=VALUE",
            help="Set any option; repeatable. For face options: face.KEY=VALUE.",
        ),
    ] = None,
    options: Annotated[
        str, typer.Option(metavar="JSON", help="Set options as a JSON object.")
    ] = "{}",
    as_zip: Annotated[bool, typer.Option("--zip", help="Save the archive of each job.")] = False,
    timeout: Timeout = 120,
    url: Url = "",
    key: Key = "",
) -> None:
    """Process photos and save each result under the name of its photo."""
    given = {
        "preset": preset or None,
        "remove_bg": remove_bg,
        "crop_face": crop_face,
        "model": model or None,
    }
    with _service(url, key) as (darkroom, console):
        chosen = merge_options(options, option or [], given)
        if canvas:
            chosen["canvas"] = flags.canvas(canvas)
        if background:
            chosen["background"] = flags.background(background)
        batch = Batch(Runner(darkroom, chosen, as_zip, PollingPolicy(give_up=timeout)), out)
        jobs: list[Job] = []
        try:
            with Bars(console) as bars:
                outcomes = batch.run(find_files(paths), bars, jobs.append)
        except (KeyboardInterrupt, Stopped):
            for job in jobs:
                typer.echo(
                    f"The job keeps running. Check it with: darkroom status {job.job_id}", err=True
                )
            raise
    raise typer.Exit(report.outcomes(console, outcomes, out))


@app.command()
def status(  # noqa: PLR0913, PLR0917
    job: Annotated[str, typer.Argument(help="The job's ID, or its token (which needs no --key).")],
    watch: Annotated[
        bool, typer.Option("--watch", help="Show progress until the job ends.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the progress document as JSON.")
    ] = False,
    timeout: Timeout = 120,
    url: Url = "",
    key: Key = "",
) -> None:
    """Show the progress of a job."""
    with _service(url, key) as (darkroom, console):
        target = darkroom.job(job)
        if watch:
            with Bars(console) as bars:
                bar = bars.add(target.job_id)
                for update in follow(target, polling=PollingPolicy(give_up=timeout)):
                    bar.show(update)
        progress = target.progress()
        if as_json:
            typer.echo(json.dumps(progress.document, indent=2, ensure_ascii=False))
            return
        report.progress(console, progress)


@app.command()
def models(url: Url = "", key: Key = "") -> None:
    """List the models of the deployment."""
    with _service(url, key) as (darkroom, _):
        available = darkroom.models()
    for name in available.names:
        typer.echo(f"{name} (default)" if name == available.default else name)


@app.command()
def presets(url: Url = "", key: Key = "") -> None:
    """List the presets of the deployment."""
    with _service(url, key) as (darkroom, _):
        listed = darkroom.presets()
    for preset in listed:
        typer.echo(f"{preset.name}: {preset.description}")


@app.command()
def health(url: Url = "", key: Key = "") -> None:
    """Check that the deployment is up."""
    with _service(url, key) as (darkroom, _):
        answer = dict(darkroom.health())
    typer.echo(", ".join(f"{name}: {value}" for name, value in answer.items()))
    if answer.get("status") != "ok":
        raise typer.Exit(2)


@app.command()
def workflow(
    paths: Paths,
    out: Annotated[Path, typer.Option(help="The folder to save results in.")] = Path(
        "out/workflow"
    ),
    timeout: Timeout = 120,
    url: Url = "",
    key: Key = "",
) -> None:
    """Test a deployment: process one photo, several, and a ZIP, and check every result."""
    with _service(url, key) as (darkroom, console):
        files = find_files(paths)
        zips = [file.path for file in files if file.path.suffix.lower() == ".zip"]
        photos = [file for file in files if file.path not in zips]
        album = zips[0] if zips else make_album(photos, out / "album.zip")
        runner = Workflow(darkroom, out, PollingPolicy(give_up=timeout))
        with Bars(console) as bars:
            reports = [runner.run(scenario, bars) for scenario in scenarios(photos, album)]
    raise typer.Exit(report.workflow(console, reports))


def merge_options(text: str, pairs: list[str], flags: dict[str, Any]) -> dict[str, Any]:
    """Merge options: JSON first, then KEY=VALUE pairs, then flags. Raises Unusable."""
    try:
        options = json.loads(text)
    except ValueError as error:
        raise Unusable(f"--options is not valid JSON: {error}") from error
    if not isinstance(options, dict):
        raise Unusable('--options takes a JSON object, such as {"format": "webp"}')
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not name or not equals:
            raise Unusable(f"--option takes KEY=VALUE, not {pair!r}")
        _put(options, name.split("."), _value(value))
    return options | {name: value for name, value in flags.items() if value is not None}


def _put(options: dict[str, Any], path: list[str], value: Any) -> None:
    for part in path[:-1]:
        inner = options.setdefault(part, {})
        if not isinstance(inner, dict):
            raise Unusable(f"The option {part} is given both as a value and as an object.")
        options = inner
    options[path[-1]] = value


def _value(text: str) -> Any:
    """Parse a value as JSON (`true`, `80`, `null`); anything else is text (`webp`, `#FFFFFF`)."""
    try:
        return json.loads(text)
    except ValueError:
        return text


@contextlib.contextmanager
def _service(url: str, key: str) -> Iterator[tuple[Darkroom, Console]]:
    """Connect to the deployment; report an error in one line and set the exit status."""
    try:
        if not url:
            raise Unusable("No URL given. Set --url, or DARKROOM_URL in the environment.")
        with Darkroom(url, key) as darkroom:
            yield darkroom, Console(highlight=False)
    except (KeyboardInterrupt, Stopped):
        typer.echo("Stopped.", err=True)
        raise typer.Exit(130) from None
    except ClientError as error:
        typer.echo(f"Error: {error}", err=True)
        raise typer.Exit(2) from None
    except OSError as error:
        name = f"{error.filename}: " if error.filename else ""
        typer.echo(f"Error: {name}{error.strerror or error}", err=True)
        raise typer.Exit(2) from None


if __name__ == "__main__":
    app()
