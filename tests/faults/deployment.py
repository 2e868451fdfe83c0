"""Edits of the template for the fault harness: faulty handlers and shorter time-outs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from local import Template
from local.template import resources

STANDIN = Path(__file__).parent / "standin"
VISIBILITY = 12
"""The visibility time-out in seconds; in the template, it is minutes.

A shorter one would redeliver messages still being processed on a machine that is slow to start
workers."""


def faulty(faults: Mapping[str, Mapping[str, str]]) -> Callable[[Template], None]:
    """Return an edit that puts the stand-in with its variables into each function; `*` is all."""

    def edit(template: Template) -> None:
        shorten_visibility(template)
        limit_workers(template)
        stand_in(template, faults)

    return edit


def shorten_visibility(template: Template) -> None:
    for _, queue in resources(template, "AWS::SQS::Queue"):
        queue["Properties"]["VisibilityTimeout"] = VISIBILITY


def limit_workers(template: Template, count: int = 2) -> None:
    """Use few workers for each queue: more than two would compete for two processors."""
    for _, function in resources(template, "AWS::Serverless::Function"):
        for source in function["Properties"].get("Events", {}).values():
            if source["Type"] == "SQS":
                source["Properties"]["ScalingConfig"] = {"MaximumConcurrency": count}


def stand_in(template: Template, faults: Mapping[str, Mapping[str, str]]) -> None:
    """Wrap the handlers that read queues and streams in `standin.faulty`.

    Limits apply to those that answer HTTP requests, too.
    """
    template["Resources"]["FaultyLayer"] = {
        "Type": "AWS::Serverless::LayerVersion",
        "Properties": {"ContentUri": str(STANDIN), "CompatibleRuntimes": ["python3.13"]},
    }
    template["Globals"]["Function"]["Layers"].append({"Ref": "FaultyLayer"})
    for name, function in resources(template, "AWS::Serverless::Function"):
        properties = function["Properties"]
        variables = faults.get(name.removesuffix("Function"), faults.get("*"))
        kinds = {event["Type"] for event in properties.get("Events", {}).values()}
        if variables is not None and kinds & _wrapped(variables):
            environment = properties.setdefault("Environment", {}).setdefault("Variables", {})
            environment |= {"FAULTY_HANDLER": properties["Handler"], **variables}
            properties["Handler"] = "faulty.handler"


def _wrapped(variables: Mapping[str, str]) -> set[str]:
    """The kinds of events whose handlers are wrapped."""
    return {"SQS", "DynamoDB"} | ({"HttpApi"} if "FAULTY_LIMITS" in variables else set())


def limit_worker_memory(template: Template, megabytes: int) -> None:
    """Lower the memory limit of `process`: the harness uses small photos and a small model."""
    template["Resources"]["ProcessFunction"]["Properties"]["MemorySize"] = megabytes
