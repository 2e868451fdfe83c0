"""Deploys a template to a running emulator, as `sam deploy` does to AWS."""

import json
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from local import LocalStackError, Template
from local import template as templates
from local.carried_models import with_carried_models
from local.http_api import route_http_apis
from local.package import Package

STACK_NAME = "darkroom"
_CODE_BUCKET = "darkroom-code"
_TIMEOUT_SECONDS = 60.0

Outputs = dict[str, str]
Client = Callable[[str], Any]
"""Returns the boto3 client of a service, with an administrator's rights."""


def deploy(  # noqa: PLR0913, PLR0917 - the last two are for tests
    client: Client,
    address: str,
    path: Path,
    parameters: Mapping[str, str],
    replacements: Mapping[str, Path] | None = None,
    edit: Callable[[Template], None] | None = None,
) -> Outputs:
    """Deploy the template at `path` and return its outputs.

    parameters: values of the template's parameters; the others keep their defaults. `Models` is by
        default those of the template's models whose files are on this machine.
    replacements: files to pack in place of a function's own, by their name in the package.
    edit: changes the template before it is deployed, after its container-image functions have been
        turned into ZIP functions.

    Raises LocalStackError, with the reason for each resource that could not be created.
    """
    if not path.is_file():
        raise LocalStackError(f"No template found at {path}.")
    template = templates.load(path)
    templates.run_images_from_their_code(template)
    if edit:
        edit(template)
    defaults = templates.parameter_defaults(template)
    parameters = with_carried_models(defaults, parameters, os.environ)
    values = defaults | parameters
    packages = _packages(template, path.parent, replacements or {})
    url = _upload(client, _prepare(client, template, packages, address, values), address)
    cloudformation = client("cloudformation")
    cloudformation.create_stack(
        StackName=STACK_NAME,
        TemplateURL=url,
        Parameters=[
            {"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()
        ],
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"],
        OnFailure="DO_NOTHING",
    )
    return _outputs(cloudformation)


def _packages(
    template: Template, folder: Path, replacements: Mapping[str, Path]
) -> dict[str, Package]:
    packages = templates.packages(template, folder)
    if not replacements:
        return packages
    packed = {name for package in packages.values() for name in package.names}
    if missing := sorted(replacements.keys() - packed):
        raise LocalStackError(
            f"No function contains {', '.join(missing)}, so it cannot be replaced."
        )
    files = {name: file.read_bytes() for name, file in replacements.items()}
    return {name: package.with_files(files) for name, package in packages.items()}


def _prepare(
    client: Client,
    template: Template,
    packages: dict[str, Package],
    address: str,
    values: dict[str, Any],
) -> Template:
    s3 = client("s3")
    s3.create_bucket(Bucket=_CODE_BUCKET)
    for package in set(packages.values()):
        s3.put_object(Bucket=_CODE_BUCKET, Key=package.key, Body=package.body)
    templates.store_code_in(template, _CODE_BUCKET, packages)
    route_http_apis(template)
    templates.limit_concurrency(template, values)
    templates.name_queue_batches(template)
    templates.name_no_streams(template)
    templates.allow_plain_http(template)
    templates.generate_plain_secrets(template)
    templates.name_secrets_by_arn(template)
    templates.serve_apis_from(template, address)
    return template


def _upload(client: Client, template: Template, address: str) -> str:
    """Upload the template to S3: CloudFormation takes larger templates from there."""
    client("s3").put_object(Bucket=_CODE_BUCKET, Key="template.json", Body=json.dumps(template))
    return f"http://{address}/{_CODE_BUCKET}/template.json"


def _outputs(cloudformation: Any) -> Outputs:
    deadline = time.monotonic() + _TIMEOUT_SECONDS
    while time.monotonic() < deadline:
        (stack,) = cloudformation.describe_stacks(StackName=STACK_NAME)["Stacks"]
        if stack["StackStatus"] == "CREATE_COMPLETE":
            return {item["OutputKey"]: item["OutputValue"] for item in stack.get("Outputs", [])}
        if not stack["StackStatus"].endswith("_IN_PROGRESS"):
            raise LocalStackError(
                "The template could not be deployed:\n" + _reasons(cloudformation)
            )
        time.sleep(0.05)
    raise LocalStackError(f"The template was not deployed within {_TIMEOUT_SECONDS:.0f} seconds.")


def _reasons(cloudformation: Any) -> str:
    events = cloudformation.describe_stack_events(StackName=STACK_NAME)["StackEvents"]
    return "\n".join(
        f"  {event['LogicalResourceId']}: {event.get('ResourceStatusReason', '')}"
        for event in reversed(events)
        if event["ResourceStatus"].endswith("_FAILED")
    )
