"""The local stack: an emulator with the template deployed in it."""

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
    """How to reach an emulator with all rights."""

    address: str
    access_key: str
    secret_key: str = field(repr=False)

    def client(self, service: str) -> Any:
        """A boto3 client of the service named, with an administrator's rights."""
        return boto3.session.Session().client(
            service,  # type: ignore[call-overload]  # boto3 lists them one by one
            endpoint_url=f"http://{self.address}",
            region_name=emulator.REGION,
            aws_access_key_id=self.access_key,
            aws_secret_access_key=self.secret_key,
            # No proxy leads to this machine, whatever the environment says.
            config=Config(proxies={}, signature_version="s3v4" if service == "s3" else "v4"),
        )


@dataclass(frozen=True)
class Stack(Access):
    """A running stack. Addresses come without a slash at the end.

    `outputs` are the template's, `key` is what its secret `ApiKeySecret` holds.
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
        """The page, with the key in the part of the address that is never sent to a server."""
        return f"{self.api_url}/#key={urllib.parse.quote(self.key, safe='')}"


@contextlib.contextmanager
def running(  # noqa: PLR0913 - by name only, and each has a default
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
    """A stack of one's own, gone without a trace when the block is left, however it is left.

    `workers` is how many of them process small jobs, and as many large ones; `parameters` are
    other parameters of the template; what is not given is the template's default. `standin_models`
    has photos processed by local/standin_models.py in the place of the real models; `edit` changes
    the template before it is deployed; with `keep` the stack's emulator can be restarted. The
    emulator logs to out/local/NAME.log; what the functions log is saved to
    out/local/NAME-functions.log at the end. Raises LocalStackError if it cannot be had.
    """
    values = dict(parameters or {})
    if workers is not None:
        values |= dict.fromkeys(WORKERS_PARAMETERS, str(workers))
    process = emulator.start(OUT / f"{name}.log", port, keep=keep)
    access = Access(process.address, process.access_key, process.secret_key)
    try:
        try:
            instead = _STANDIN_MODELS if standin_models else {}
            outputs = deploy(access.client, process.address, template, values, instead, edit)
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
