"""The local stack: an emulator with the template deployed to it."""

import contextlib
import urllib.parse
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from local import OUT, TEMPLATE, LocalStackError, Template, emulator, logs
from local.deploy import deploy

WORKERS_PARAMETERS = ("MaxWorkers", "MaxBulkWorkers")
_STANDIN_MODELS = {"functions/process/models.py": Path(__file__).with_name("standin_models.py")}


@dataclass(frozen=True)
class Access:
    """An emulator's address and its administrator's credentials."""

    address: str
    access_key: str
    secret_key: str = field(repr=False)

    def client(self, service: str) -> Any:
        """Return a boto3 client of `service` with the administrator's rights."""
        return boto3.session.Session().client(
            service,  # type: ignore[call-overload]  # boto3 lists them one by one
            endpoint_url=f"http://{self.address}",
            region_name=emulator.REGION,
            aws_access_key_id=self.access_key,
            aws_secret_access_key=self.secret_key,
            # The emulator is on this machine: ignore proxies set in the environment.
            config=Config(proxies={}, signature_version="s3v4" if service == "s3" else "v4"),
        )


@dataclass(frozen=True)
class Stack(Access):
    """A running stack. URLs have no trailing slash.

    outputs: the template's. key: the value of the secret that the output `ApiKeySecret` names.
    """

    outputs: dict[str, str]
    key: str = field(repr=False)
    emulator: emulator.Emulator

    @property
    def api_url(self) -> str:
        return self.outputs.get("ApiUrl", "")

    @property
    def websocket_url(self) -> str:
        return self.outputs.get("WebSocketUrl", "")

    @property
    def page_url(self) -> str:
        """The page's URL, with the key in the fragment, which browsers never send to a server."""
        return f"{self.api_url}/#key={urllib.parse.quote(self.key, safe='')}"


@contextlib.contextmanager
def running(  # noqa: PLR0913 - keyword-only, with defaults
    *,
    workers: int | None = None,
    parameters: Mapping[str, str] | None = None,
    port: int = 0,
    template: Path = TEMPLATE,
    name: str = "stack",
    standin_models: bool = False,
    edit: Callable[[Template], None] | None = None,
    keep: bool = False,
) -> Iterator[Stack]:
    """Run a stack for the length of the block, and remove it at the end, even on an error.

    workers: workers for small jobs, and as many again for large ones; default: the template's.
    parameters: other parameters of the template; default: the template's.
    port: the emulator's; 0 picks a free one.
    name: of the logs. The emulator logs to out/local/NAME.log; the functions' logs are saved to
        out/local/NAME-functions.log at the end.
    standin_models: process photos with local/standin_models.py instead of the real models.
    edit: changes the template before it is deployed.
    keep: the stack's emulator can be restarted.

    Raises LocalStackError if the stack does not start.
    """
    values = dict(parameters or {})
    if workers is not None:
        values |= dict.fromkeys(WORKERS_PARAMETERS, str(workers))
    process = emulator.start(OUT / f"{name}.log", port, keep=keep)
    access = Access(process.address, process.access_key, process.secret_key)
    try:
        try:
            replacements = _STANDIN_MODELS if standin_models else {}
            outputs = deploy(access.client, process.address, template, values, replacements, edit)
            key = _key(access, outputs)
        except (BotoCoreError, ClientError, ValueError) as error:
            raise LocalStackError(f"The template could not be deployed: {error}") from error
        yield Stack(process.address, process.access_key, process.secret_key, outputs, key, process)
    finally:
        try:
            if process.alive():
                logs.save(access.client("logs"), OUT / f"{name}-functions.log")
        finally:
            process.stop()


def _key(access: Access, outputs: dict[str, str]) -> str:
    if "ApiKeySecret" not in outputs:
        return ""
    secret = access.client("secretsmanager").get_secret_value(SecretId=outputs["ApiKeySecret"])
    key: str = secret["SecretString"]
    return key
