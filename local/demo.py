"""`python -m local.demo`: process real photos on a local stack, and check every result."""

import shutil
import signal
import sys
import time
from pathlib import Path
from types import FrameType
from typing import NoReturn

from rich.console import Console

from darkroom_client.api import Darkroom
from darkroom_client.display import Bars
from darkroom_client.errors import ClientError, Stopped
from darkroom_client.model import LocalFile
from darkroom_client.report import workflow as report
from darkroom_client.workflow import Workflow, scenarios
from local import ROOT, LocalStackError, samples, sheet
from local.stack import running

DEMO = ROOT / "out" / "demo"
WORKERS = 2


def main() -> int:
    """Run the demo on a stack of its own.

    Returns the exit status: 0 if every scenario passed, 1 if one failed, 2 if the stack did not
    start or could not be reached, 130 on Ctrl-C.
    """
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    console = Console(highlight=False)
    begun = time.monotonic()
    try:
        status = play(console)
    except (KeyboardInterrupt, Stopped):
        console.print("Stopped.")
        return 130
    except (LocalStackError, ClientError, OSError) as error:
        console.print(str(error), markup=False, soft_wrap=True)
        return 2
    seconds = time.monotonic() - begun
    console.print(f"\nFinished in {seconds:.0f} seconds. The local stack has been stopped.")
    return status


def play(console: Console) -> int:
    shutil.rmtree(DEMO, ignore_errors=True)
    photos = samples.write()
    files = [LocalFile(path, path.name) for path in photos]
    album = samples.PHOTOS / samples.ALBUM
    console.print("Starting Darkroom on this machine from infra/template.yaml…")
    with running(workers=WORKERS, name="demo") as stack, Darkroom(stack.api_url, stack.key) as api:
        workflow = Workflow(api, DEMO)
        with Bars(console) as bars:
            reports = [
                workflow.run(scenario, bars)
                for scenario in scenarios(files, album, faces=[samples.WITH_A_FACE])
            ]
    status = report(console, reports)
    console.print()
    _show(console, "Photos", samples.PHOTOS)
    _show(console, "Results", DEMO)
    if status == 0:
        _show(console, "Before/after", sheet.draw(DEMO))
    return status


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


def _show(console: Console, what: str, path: Path) -> None:
    console.print(f"{what:<14} {path.relative_to(ROOT)}", markup=False, soft_wrap=True)


if __name__ == "__main__":
    sys.exit(main())
