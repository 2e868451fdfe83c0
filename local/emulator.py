"""Starts, restarts and stops an emulator process."""

import contextlib
import http.client
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from local import ROOT, LocalStackError, carried_models

HOST = "127.0.0.1"
REGION = "us-east-1"
_START_SECONDS = 30.0
_STOP_SECONDS = 10.0
_GUARD = Path(__file__).with_name("guard.py")
_DURABLE = Path(__file__).with_name("durable.py")


@dataclass(eq=False)
class Emulator:
    """A running emulator.

    log: the file it logs to. directory: holds its data. guard: the process that ends it with us.
    access_key, secret_key: the administrator's. keep: whether it can be restarted with its data.
    """

    port: int
    log: Path
    directory: Path
    pid: int
    guard: "subprocess.Popen[str]"
    access_key: str = "LOCALADMINISTRATOR"
    secret_key: str = field(default="", repr=False)
    keep: bool = False

    @property
    def address(self) -> str:
        return f"{HOST}:{self.port}"

    def alive(self) -> bool:
        return self.guard.poll() is None

    def wait(self) -> None:
        """Wait until the emulator has ended, for any reason."""
        self.guard.wait()

    def last_words(self) -> str:
        """Return the last five lines of the log."""
        lines = self.log.read_text(errors="replace").strip().splitlines()
        return "\n".join(lines[-5:])

    def restart(self) -> None:
        """Stop the emulator at once, and start it on the same port with its data.

        Running invocations are cut off; the data that AWS would keep is kept (see `durable`).
        Raises LocalStackError if it does not stop or does not start again.
        """
        os.kill(self.pid, signal.SIGUSR1)
        try:
            self.guard.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired as error:
            raise LocalStackError(f"The emulator did not stop. See {self.log}.") from error
        _close_pipes(self.guard)
        self.pid, self.guard = _launch(
            self.log, self.directory, self.port, self.secret_key, keep=self.keep
        )
        _wait_until_ready(self)

    def stop(self) -> None:
        """End the emulator and its worker processes, and delete its data."""
        _close_pipes(self.guard)
        try:
            self.guard.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.guard.kill()
            self.guard.wait()
        # The guard does both, unless it was killed itself.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        shutil.rmtree(self.directory, ignore_errors=True)


def start(log: Path, port: int = 0, *, keep: bool = False) -> Emulator:
    """Start an emulator and wait until it answers.

    port: 0 picks a free one. keep: whether it can be restarted. Its functions inherit its
    environment. Raises LocalStackError if the port is not available or it does not start.
    """
    port = _free_port(port)
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_text("")
    directory = Path(tempfile.mkdtemp(prefix="darkroom-local-"))
    secret_key = secrets.token_hex(20)
    pid, guard = _launch(log, directory, port, secret_key, keep=keep)
    emulator = Emulator(port, log, directory, pid, guard, secret_key=secret_key, keep=keep)
    try:
        _wait_until_ready(emulator)
    except BaseException:
        emulator.stop()
        raise
    return emulator


def _launch(
    log: Path, directory: Path, port: int, secret_key: str, *, keep: bool
) -> "tuple[int, subprocess.Popen[str]]":
    """Start a guard, which starts the emulator. Returns the emulator's process ID and the guard."""
    variables = environment(os.environ, port, directory) | {
        "AWS_ACCESS_KEY_ID": Emulator.access_key,
        "AWS_SECRET_ACCESS_KEY": secret_key,
    }
    command = ["-m", "ministack"]
    if keep:
        variables |= {"PERSIST_STATE": "1", "S3_PERSIST": "1"}
        command = ["-P", str(_DURABLE)]  # -P: do not import from local/
    with log.open("a") as output:
        guard = subprocess.Popen(  # noqa: S603 - the command is our own
            [
                *(sys.executable, str(_GUARD), "keep" if keep else "delete", str(directory)),
                *(sys.executable, *command),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=output,
            text=True,
            env=variables,
            cwd=directory,
            start_new_session=True,  # Ctrl-C in the terminal must reach only the parent
        )
    assert guard.stdout  # noqa: S101 - a pipe, see above
    return int(guard.stdout.readline()), guard


def _close_pipes(guard: "subprocess.Popen[str]") -> None:
    assert guard.stdin and guard.stdout  # noqa: S101 - see _launch()
    with contextlib.suppress(BrokenPipeError):
        guard.stdin.close()
    guard.stdout.close()


def environment(inherited: Mapping[str, str], port: int, directory: Path) -> dict[str, str]:
    """Return the environment variables of the emulator and its functions.

    It is built from scratch, so that no AWS profile or proxy of the developer leaks in. The last
    four variables are those that the Dockerfile of `process` sets.
    """
    cache = ROOT / ".cache"
    kept = {name: inherited[name] for name in ("PATH", "LANG", "LC_ALL", "TZ") if name in inherited}
    return kept | {
        "BIND_HOST": HOST,
        "GATEWAY_PORT": str(port),
        "AUTH": "true",
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "MINISTACK_REGION": REGION,
        # With a Docker engine, it would remove the containers of other emulators.
        "DOCKER_HOST": f"unix://{directory}/none.sock",
        "HOME": str(directory),
        "TMPDIR": str(directory),
        "S3_DATA_DIR": str(directory / "s3"),
        "STATE_DIR": str(directory / "state"),
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "REMBG_HOME": str(carried_models.home(inherited)),
        "NUMBA_CACHE_DIR": inherited.get("NUMBA_CACHE_DIR", str(cache / "numba")),
        "NUMBA_CPU_NAME": "generic",
        "NUMBA_CPU_FEATURES": "",
    }


def _free_port(wanted: int) -> int:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, wanted))
        except (OSError, OverflowError) as error:
            raise LocalStackError(
                f"Port {wanted} is not available. "
                "Choose another with PORT=…, or omit PORT to use a free one."
            ) from error
        port: int = probe.getsockname()[1]
        return port


def _wait_until_ready(emulator: Emulator) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while emulator.alive() and time.monotonic() < deadline:
        if _answers(emulator.port):
            return
        time.sleep(0.03)
    raise LocalStackError(
        f"The emulator did not start. The last lines of {emulator.log}:\n{emulator.last_words()}"
    )


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection(HOST, port, timeout=2)
    try:
        connection.request("GET", "/_ministack/ready")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
