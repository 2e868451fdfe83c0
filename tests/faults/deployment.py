"""The template as the fault harness deploys it: with stand-ins, and with less patience."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from local import Template
from local.template import resources

STANDIN = Path(__file__).parent / "standin"
VISIBILITY = 12
"""Seconds until the work of a worker that died is delivered again; in the template, minutes. Less
would deliver again what a worker is still at, wherever a machine is slow to start one."""


def faulty(faults: Mapping[str, Mapping[str, str]]) -> Callable[[Template], None]:
    """An edit: each function named gets the stand-in with these variables, `*` is all of them."""

    def edit(template: Template) -> None:
        deliver_again_soon(template)
        run_few_at_once(template)
        stand_in(template, faults)

    return edit


def deliver_again_soon(template: Template) -> None:
    for _, queue in resources(template, "AWS::SQS::Queue"):
        queue["Properties"]["VisibilityTimeout"] = VISIBILITY


def run_few_at_once(template: Template) -> None:
    """Two workers for each queue: more would only wait for each other on two processors."""
    for _, function in resources(template, "AWS::Serverless::Function"):
        for source in function["Properties"].get("Events", {}).values():
            if source["Type"] == "SQS":
                source["Properties"]["ScalingConfig"] = {"MaximumConcurrency": 2}


def stand_in(template: Template, faults: Mapping[str, Mapping[str, str]]) -> None:
    """Put `standin.faulty` between Lambda and the handlers that read queues and streams."""
    template["Resources"]["FaultyLayer"] = {
        "Type": "AWS::Serverless::LayerVersion",
        "Properties": {"ContentUri": str(STANDIN), "CompatibleRuntimes": ["python3.13"]},
    }
    template["Globals"]["Function"]["Layers"].append({"Ref": "FaultyLayer"})
    for name, function in resources(template, "AWS::Serverless::Function"):
        properties = function["Properties"]
        variables = faults.get(name.removesuffix("Function"), faults.get("*"))
        kinds = {event["Type"] for event in properties.get("Events", {}).values()}
        if variables is not None and kinds & {"SQS", "DynamoDB"}:
            environment = properties.setdefault("Environment", {}).setdefault("Variables", {})
            environment |= {"FAULTY_HANDLER": properties["Handler"], **variables}
            properties["Handler"] = "faulty.handler"


def limit_worker_memory(template: Template, megabytes: int) -> None:
    """Less than the template allows: models and photos of the harness are small."""
    template["Resources"]["ProcessFunction"]["Properties"]["MemorySize"] = megabytes
