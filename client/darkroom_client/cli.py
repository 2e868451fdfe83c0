"""The `darkroom` command.

Exit status: 0 all is well, 1 some photos failed, 2 it could not be done, 130 Ctrl-C.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from darkroom_client import report
from darkroom_client.api import Darkroom
from darkroom_client.display import Bars
from darkroom_client.errors import ClientError, Stopped, Unusable
from darkroom_client.follow import PollingPolicy, follow
from darkroom_client.job import Job
from darkroom_client.process import Order, Runner
from darkroom_client.saving import gather
from darkroom_client.workflow import Workflow, make_album, scenarios

app = typer.Typer(
    help="Cut out and crop photos with a Darkroom deployment.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

Url = Annotated[str, typer.Option(envvar="DARKROOM_URL", help="The API's address.")]
Key = Annotated[str, typer.Option(envvar="DARKROOM_KEY", help="The deployment's key.")]
Paths = Annotated[list[Path], typer.Argument(help="Photos, ZIPs and folders of photos.")]
Timeout = Annotated[float, typer.Option(min=1, help="Seconds without progress to wait for.")]


@app.command()
def process(  # noqa: PLR0913, PLR0917 - one for each option
    paths: Paths,
    out: Annotated[Path, typer.Option(help="Where results are saved.")] = Path("results"),
    remove_bg: Annotated[bool | None, typer.Option(help="Cut the subject out.")] = None,
    crop_face: Annotated[bool | None, typer.Option(help="Crop to the face.")] = None,
    model: Annotated[str, typer.Option(help="See `darkroom models`.")] = "",
    option: Annotated[
        list[str] | None, typer.Option(metavar="KEY=VALUE", help="Any option, or face.OPTION.")
    ] = None,
    options: Annotated[str, typer.Option(metavar="JSON", help="Options as an object.")] = "{}",
    as_zip: Annotated[bool, typer.Option("--zip", help="Save one ZIP of each job.")] = False,
    timeout: Timeout = 120,
    url: Url = "",
    key: Key = "",
) -> None:
    """Process photos and save the results under their names."""
    flags = {"remove_bg": remove_bg, "crop_face": crop_face, "model": model or None}
    with _service(url, key) as (darkroom, console):
        wanted = chosen(options, option or [], flags)
        order = Order(Runner(darkroom, wanted, as_zip, PollingPolicy(give_up=timeout)), out)
        jobs: list[Job] = []
        try:
            with Bars(console) as bars:
                saved = order.fill(gather(paths), bars, jobs.append)
        except (KeyboardInterrupt, Stopped):
            for job in jobs:
                typer.echo(f"Goes on by itself: darkroom status {job.job_id}", err=True)
            raise
    raise typer.Exit(report.saved(console, saved, out))


@app.command()
def status(  # noqa: PLR0913, PLR0917
    job: Annotated[str, typer.Argument(help="The job's id; or its token, then without --key.")],
    watch: Annotated[bool, typer.Option("--watch", help="Until the job ends.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The whole document.")] = False,
    timeout: Timeout = 120,
    url: Url = "",
    key: Key = "",
) -> None:
    """Show how far a job is."""
    with _service(url, key) as (darkroom, console):
        found = darkroom.job(job)
        if watch:
            with Bars(console) as bars:
                bar = bars.add(found.job_id)
                for update in follow(found, pace=PollingPolicy(give_up=timeout)):
                    bar.hear(update)
        progress = found.progress()
        if as_json:
            typer.echo(json.dumps(progress.document, indent=2, ensure_ascii=False))
            return
        report.progress(console, progress)


@app.command()
def models(url: Url = "", key: Key = "") -> None:
    """List the models of the deployment."""
    with _service(url, key) as (darkroom, _):
        found = darkroom.models()
    for name in found.names:
        typer.echo(f"{name} (default)" if name == found.default else name)


@app.command()
def health(url: Url = "", key: Key = "") -> None:
    """Ask whether the deployment is well."""
    with _service(url, key) as (darkroom, _):
        told = dict(darkroom.health())
    typer.echo(", ".join(f"{name}: {value}" for name, value in told.items()))
    if told.get("status") != "ok":
        raise typer.Exit(2)


@app.command()
def workflow(
    paths: Paths,
    out: Annotated[Path, typer.Option(help="Where results are saved.")] = Path("out/workflow"),
    timeout: Timeout = 120,
    url: Url = "",
    key: Key = "",
) -> None:
    """Play one photo, several and a ZIP against a deployment, and check all that comes back."""
    with _service(url, key) as (darkroom, console):
        found = gather(paths)
        zips = [file.path for file in found if file.path.suffix.lower() == ".zip"]
        photos = [file for file in found if file.path not in zips]
        album = zips[0] if zips else make_album(photos, out / "album.zip")
        player = Workflow(darkroom, out, PollingPolicy(give_up=timeout))
        with Bars(console) as bars:
            reports = [player.play(scenario, bars) for scenario in scenarios(photos, album)]
    raise typer.Exit(report.workflow(console, reports))


def chosen(text: str, pairs: list[str], flags: dict[str, Any]) -> dict[str, Any]:
    """Options from JSON, then KEY=VALUE, then the flags that were given. Raises Unusable."""
    try:
        options = json.loads(text)
    except ValueError as error:
        raise Unusable(f"--options is not valid JSON: {error}") from error
    if not isinstance(options, dict):
        raise Unusable('--options takes an object, such as {"format": "webp"}')
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not name or not equals:
            raise Unusable(f"--option takes KEY=VALUE, and {pair!r} is not that")
        _put(options, name.split("."), _value(value))
    return options | {name: value for name, value in flags.items() if value is not None}


def _put(options: dict[str, Any], path: list[str], value: Any) -> None:
    for part in path[:-1]:
        inner = options.setdefault(part, {})
        if not isinstance(inner, dict):
            raise Unusable(f"The option {part} is given twice, in two ways.")
        options = inner
    options[path[-1]] = value


def _value(text: str) -> Any:
    """JSON where it is that, else the text itself: `true`, `80`, `null`, `webp`, `#FFFFFF`."""
    try:
        return json.loads(text)
    except ValueError:
        return text


@contextlib.contextmanager
def _service(url: str, key: str) -> Iterator[tuple[Darkroom, Console]]:
    """The deployment and the terminal; what goes wrong is told in one line."""
    try:
        if not url:
            raise Unusable("Say where the service is: --url, or DARKROOM_URL in the environment.")
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
