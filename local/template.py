"""The changes that let `infra/template.yaml` run in the emulator, and no others.

Each function takes the template as a dict and makes one change in it; its docstring says why the
change is needed. The result is still a SAM template: the emulator applies the SAM transform itself.
"""

import re
import string
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from samtranslator.yaml_helper import yaml_parse

from local import LocalStackError, Resource, Template
from local.package import Package, build

_FUNCTION = "AWS::Serverless::Function"
_LAYER = "AWS::Serverless::LayerVersion"


class UnsupportedTemplateError(LocalStackError):
    """The template uses something that the local stack does not support."""


def load(path: Path) -> Template:
    template: Template = yaml_parse(path.read_text())
    return template


def resources(template: Template, kind: str) -> Iterator[tuple[str, Resource]]:
    """Yield the resources of one type, with their logical IDs."""
    for name, resource in list(template["Resources"].items()):
        if resource["Type"] == kind:
            yield name, resource


def run_images_from_their_code(template: Template) -> None:
    """Turn each container-image function into a ZIP function, since running images needs Docker.

    Its handler is the image's command, and its code is the folder of the handler. It gets the
    runtime and layers of the other functions, which `IgnoreGlobals` withholds from images.
    Raises UnsupportedTemplateError if the command does not name a handler.
    """
    for name, function in resources(template, _FUNCTION):
        properties = function["Properties"]
        if properties.pop("PackageType", "Zip") != "Image":
            continue
        handler = properties.pop("ImageConfig", {}).get("Command", [""])[0]
        package, _, _ = handler.rpartition(".")[0].rpartition(".")
        if not package:
            raise UnsupportedTemplateError(f"{name}: ImageConfig.Command does not name a handler")
        properties.pop("ImageUri", None)
        properties["Handler"] = handler
        properties["CodeUri"] = "../" + package.replace(".", "/")
        function["Metadata"] = {"BuildProperties": {"ParentPackages": package}}
        function.pop("IgnoreGlobals", None)


def packages(template: Template, folder: Path) -> dict[str, Package]:
    """Build the package of every function and layer, by logical ID.

    folder: the template's, which its paths are relative to. The template is not changed:
    `store_code_in` does that.
    """
    built: dict[tuple[Path, str], Package] = {}

    def pack(uri: str, prefix: str) -> Package:
        source = (folder / uri).resolve()
        if (source, prefix) not in built:
            built[source, prefix] = build(source, prefix)
        return built[source, prefix]

    located: dict[str, Package] = {}
    for name, function in resources(template, _FUNCTION):
        options = function.get("Metadata", {}).get("BuildProperties", {})
        prefix = options.get("ParentPackages", "").replace(".", "/")
        located[name] = pack(function["Properties"]["CodeUri"], prefix)
    for name, layer in resources(template, _LAYER):
        located[name] = pack(layer["Properties"]["ContentUri"], "python")
    return located


def store_code_in(template: Template, bucket: str, located: dict[str, Package]) -> None:
    """Point functions and layers to their packages in S3, as `sam package` does."""
    for name, package in located.items():
        resource = template["Resources"][name]
        code = "CodeUri" if resource["Type"] == _FUNCTION else "ContentUri"
        resource["Properties"][code] = {"Bucket": bucket, "Key": package.key}
        resource.pop("Metadata", None)


def parameter_defaults(template: Template) -> dict[str, Any]:
    """Return the defaults of the template's parameters, of those that have one."""
    return {
        name: parameter["Default"]
        for name, parameter in template.get("Parameters", {}).items()
        if "Default" in parameter
    }


def limit_concurrency(template: Template, values: dict[str, Any]) -> None:
    """Replace `!Ref` by its value where it is the maximum concurrency of an event source.

    The emulator reads a referenced number as a string there, and its queue poller fails. It also
    allows a concurrency of 1, which AWS does not, so the parameter's minimum is removed.
    """
    for _, function in resources(template, _FUNCTION):
        for source in function["Properties"].get("Events", {}).values():
            scaling = source.get("Properties", {}).get("ScalingConfig", {})
            if isinstance(limit := scaling.get("MaximumConcurrency"), dict):
                scaling["MaximumConcurrency"] = int(values[limit["Ref"]])
                template["Parameters"][limit["Ref"]].pop("MinValue", None)


_BATCHED = ("sqs:SendMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility")


def name_queue_batches(template: Template) -> None:
    """Add the batch form of each SQS action to the statements that allow it.

    AWS authorizes both by the action's plain name; the emulator checks them separately.
    """

    for statement in _statements(template):
        batches = [f"{action}Batch" for action in _actions(statement) if action in _BATCHED]
        if batches:
            statement["Action"] = _actions(statement) + batches


def name_no_streams(template: Template) -> None:
    """Replace the resource of statements that allow reading a table's stream by `*`.

    The emulator checks these reads against no other resource.
    """
    for statement in _statements(template):
        if "dynamodb:GetRecords" in _actions(statement):
            statement["Resource"] = "*"


def _statements(node: Any) -> Iterator[dict[str, Any]]:
    """Yield the policy statements in a part of the template."""
    if isinstance(node, dict) and "Effect" in node and "Action" in node:
        yield node
    for value in node.values() if isinstance(node, dict) else node:
        if isinstance(value, dict | list):
            yield from _statements(value)


def _actions(statement: dict[str, Any]) -> list[str]:
    actions = statement["Action"]
    return list(actions) if isinstance(actions, list) else [actions]


def allow_plain_http(template: Template) -> None:
    """Remove the statements of bucket policies that deny requests without TLS.

    The emulator enforces them, but serves plain HTTP.
    """
    for name, policy in resources(template, "AWS::S3::BucketPolicy"):
        document = policy["Properties"]["PolicyDocument"]
        document["Statement"] = [
            statement
            for statement in document["Statement"]
            if "aws:SecureTransport" not in statement.get("Condition", {}).get("Bool", {})
        ]
        if not document["Statement"]:
            del template["Resources"][name]


def name_secrets_by_arn(template: Template) -> None:
    """Replace `!Ref` of a secret by its ARN.

    In AWS, `!Ref` returns a secret's ARN; in the emulator, its name.
    """
    secrets = {name for name, _ in resources(template, "AWS::SecretsManager::Secret")}

    def rename(node: Any) -> Any:
        if isinstance(node, dict):
            if node.get("Ref") in secrets:
                return {"Fn::GetAtt": [node["Ref"], "Id"]}
            return {key: rename(value) for key, value in node.items()}
        return [rename(item) for item in node] if isinstance(node, list) else node

    template.update(rename(template))


def generate_plain_secrets(template: Template) -> None:
    """Replace `ExcludePunctuation`, which the emulator does not support, by `ExcludeCharacters`."""
    for _, secret in resources(template, "AWS::SecretsManager::Secret"):
        generated = secret["Properties"].get("GenerateSecretString", {})
        if generated.pop("ExcludePunctuation", False):
            generated["ExcludeCharacters"] = string.punctuation


_API_URL = re.compile(
    r"(?P<scheme>https|wss)://\$\{(?P<api>\w+)\}\.execute-api\.\$\{AWS::Region\}"
    r"\.(?:amazonaws\.com|\$\{AWS::URLSuffix\})"
)


def serve_apis_from(template: Template, address: str) -> None:
    """Point `https://${Api}.execute-api.…` and `wss://…` to the emulator at `address` (host:port).

    The API is named in the path rather than the host name, since not every resolver knows names
    below `localhost`.
    """
    scheme = {"https": "http", "wss": "ws"}

    def local_url(match: re.Match[str]) -> str:
        return f"{scheme[match['scheme']]}://{address}/_aws/execute-api/${{{match['api']}}}"

    _replace_strings(template, lambda text: _API_URL.sub(local_url, text))


def _replace_strings(node: Any, change: Callable[[str], str]) -> None:
    items = node.items() if isinstance(node, dict) else enumerate(node)
    for key, value in list(items):
        if isinstance(value, str):
            node[key] = change(value)
        elif isinstance(value, dict | list):
            _replace_strings(value, change)
