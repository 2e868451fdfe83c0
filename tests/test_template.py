"""Checks the template with SAM's linter and against the guarantees of the design."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from samtranslator.yaml_helper import yaml_parse

from darkroom.aws import block_items, items
from darkroom.limits import Limits
from darkroom.settings import Settings
from darkroom.states import FileStatus
from tests.making import a_file

INFRA = Path(__file__).parents[1] / "infra"
TEMPLATE: dict[str, Any] = yaml_parse((INFRA / "template.yaml").read_text(encoding="utf-8"))
RESOURCES: dict[str, Any] = TEMPLATE["Resources"]


def of_type(kind: str) -> dict[str, Any]:
    return {name: item for name, item in RESOURCES.items() if item["Type"] == kind}


FUNCTIONS = of_type("AWS::Serverless::Function")
QUEUES = of_type("AWS::SQS::Queue")


def seconds(value: Any) -> int:
    """Return a literal value, or the default of the parameter that it refers to."""
    return int(
        TEMPLATE["Parameters"][value["Ref"]]["Default"] if isinstance(value, dict) else value
    )


def statements(function: str) -> list[dict[str, Any]]:
    policies = FUNCTIONS[function]["Properties"]["Policies"]
    return [statement for policy in policies for statement in policy["Statement"]]


def actions(statement: dict[str, Any]) -> list[str]:
    action = statement["Action"]
    return [action] if isinstance(action, str) else action


def test_sam_validates_the_template(tmp_path: Path) -> None:
    sam = Path(sys.executable).with_name("sam")
    done = subprocess.run(
        [sam, "validate", "--lint", "--template-file", INFRA / "template.yaml"],
        env={"SAM_CLI_TELEMETRY": "0", "AWS_DEFAULT_REGION": "eu-west-1", "HOME": str(tmp_path)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", QUEUES)
def test_every_queue_has_a_dead_letter_queue_and_a_long_enough_visibility_time_out(
    name: str,
) -> None:
    if not name.endswith(("DeadLetters", "RedeliveryQueue")):
        redrive = QUEUES[name]["Properties"]["RedrivePolicy"]
        assert redrive["maxReceiveCount"] >= 5, "AWS counts receives that it throttled"
    visible = seconds(QUEUES[name]["Properties"]["VisibilityTimeout"])
    consumers = [
        function
        for function in FUNCTIONS.values()
        for event in function["Properties"].get("Events", {}).values()
        if event["Type"] == "SQS" and event["Properties"]["Queue"]["Fn::GetAtt"][0] == name
    ]
    assert len(consumers) == 1
    assert visible >= 6 * seconds(consumers[0]["Properties"]["Timeout"])


def test_small_and_large_jobs_have_separate_workers() -> None:
    sources = FUNCTIONS["ProcessFunction"]["Properties"]["Events"]
    for source, queue in [("Photos", "ProcessQueue"), ("BulkPhotos", "ProcessBulkQueue")]:
        properties = sources[source]["Properties"]
        assert properties["Queue"] == {"Fn::GetAtt": [queue, "Arn"]}
        workers = properties["ScalingConfig"]["MaximumConcurrency"]["Ref"]
        assert workers == {"Photos": "MaxWorkers", "BulkPhotos": "MaxBulkWorkers"}[source]
        assert TEMPLATE["Parameters"][workers]["MinValue"] >= 2
        redrive = QUEUES[queue]["Properties"]["RedrivePolicy"]
        assert redrive["deadLetterTargetArn"] == {"Fn::GetAtt": ["ProcessAloneQueue", "Arn"]}


def test_a_photo_is_processed_alone_even_if_receives_are_counted_across_queues() -> None:
    alone = QUEUES["ProcessAloneQueue"]["Properties"]["RedrivePolicy"]["maxReceiveCount"]
    for name in ("ProcessQueue", "ProcessBulkQueue"):
        redrive = QUEUES[name]["Properties"]["RedrivePolicy"]
        assert redrive["deadLetterTargetArn"]["Fn::GetAtt"][0] == "ProcessAloneQueue"
        assert alone >= redrive["maxReceiveCount"] + 2


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function_has_a_least_privilege_policy_and_its_own_log(name: str) -> None:
    properties = FUNCTIONS[name]["Properties"]
    logs = properties["LoggingConfig"]["LogGroup"]["Ref"]
    assert RESOURCES[logs]["Properties"]["RetentionInDays"] == {"Ref": "LogDays"}
    for statement in statements(name):
        assert not [action for action in actions(statement) if "*" in action]
        assert statement["Resource"] != "*"
        resources = statement["Resource"]
        for resource in resources if isinstance(resources, list) else [resources]:
            if actions(statement) == ["s3:ListBucket"]:
                assert statement["Condition"]["StringLike"]["s3:prefix"]
            elif actions(statement) == ["s3:ListBucketMultipartUploads"]:
                assert resource == {"Fn::GetAtt": ["Bucket", "Arn"]}  # IAM allows nothing narrower
            elif any(action.startswith("s3:") for action in actions(statement)):
                assert resource["Fn::Sub"].startswith("${Bucket.Arn}/")


def test_only_the_process_image_writes_results() -> None:
    writers = [
        name
        for name in FUNCTIONS
        for statement in statements(name)
        if "s3:PutObject" in actions(statement) and "results" in str(statement["Resource"])
    ]
    assert writers == ["ProcessFunction"]


def test_the_bucket_is_private_encrypted_and_tls_only() -> None:
    bucket = RESOURCES["Bucket"]["Properties"]
    assert all(bucket["PublicAccessBlockConfiguration"].values())
    assert bucket["BucketEncryption"]
    policy = RESOURCES["BucketPolicy"]["Properties"]["PolicyDocument"]["Statement"][0]
    assert (policy["Effect"], policy["Action"]) == ("Deny", "s3:*")
    assert policy["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_backgrounds_are_kept_and_only_read_by_the_process_image() -> None:
    rules = RESOURCES["Bucket"]["Properties"]["LifecycleConfiguration"]["Rules"]
    deleted = [rule.get("Prefix") for rule in rules if "ExpirationInDays" in rule]
    assert sorted(deleted, key=str) == ["archives/", "inbox/", "results/", "uploads/"]
    users = {
        (name, action)
        for name in FUNCTIONS
        for statement in statements(name)
        for action in actions(statement)
        if "backgrounds" in str(statement["Resource"])
    }
    assert users == {("ProcessFunction", "s3:GetObject")}


def test_the_functions_that_resolve_or_list_presets_get_them() -> None:
    given = {
        name
        for name, function in FUNCTIONS.items()
        if "PRESETS" in function["Properties"].get("Environment", {}).get("Variables", {})
    }
    assert given == {"UploadFunction", "IngestFunction", "StatusFunction"}


def test_process_is_a_container_image() -> None:
    process = FUNCTIONS["ProcessFunction"]
    assert process["Properties"]["PackageType"] == "Image"
    dockerfile = INFRA / process["Metadata"]["DockerContext"] / process["Metadata"]["Dockerfile"]
    assert dockerfile.is_file()


@pytest.mark.parametrize("name", TEMPLATE["Parameters"])
def test_every_parameter_has_a_description_and_a_default(name: str) -> None:
    parameter = TEMPLATE["Parameters"][name]
    assert parameter["Description"].endswith((".", ")."))
    assert "Default" in parameter


def test_every_environment_variable_is_a_known_setting() -> None:
    elsewhere = {"POWERTOOLS_LOG_LEVEL", "MALLOC_MMAP_THRESHOLD_"}  # read by Powertools and glibc
    known = {field.upper() for field in Settings.model_fields} | elsewhere
    given = set(TEMPLATE["Globals"]["Function"]["Environment"]["Variables"])
    for function in FUNCTIONS.values():
        given |= set(function["Properties"].get("Environment", {}).get("Variables", {}))
    assert given <= known


def test_the_tally_receives_every_file_and_the_blocks_in_which_some_have_ended() -> None:
    source = FUNCTIONS["ProgressTallyFunction"]["Properties"]["Events"]["Files"]["Properties"]
    filters = source["FilterCriteria"]["Filters"]
    patterns = [json.loads(each["Pattern"])["dynamodb"] for each in filters]
    assert [pattern["Keys"]["sk"]["S"] for pattern in patterns] == [
        [{"prefix": items.FILE}],
        [items.BLOCK],
    ]
    waiting = block_items.block_item([a_file(0)], 1.0)
    ended = block_items.block_item([a_file(0, status=FileStatus.SKIPPED)], 1.0)
    assert patterns[1]["NewImage"]["ended"]["S"] == [ended["ended"]] != [waiting["ended"]]


@pytest.mark.parametrize(
    ("parameter", "limit"),
    [
        ("MaxPhotoBytes", "photo_bytes"),
        ("MaxPhotoPixels", "photo_pixels"),
        ("MaxZipBytes", "zip_bytes"),
        ("MaxZipEntries", "zip_entries"),
    ],
)
def test_every_limit_has_the_same_default_in_code_and_template(parameter: str, limit: str) -> None:
    assert TEMPLATE["Parameters"][parameter]["Default"] == getattr(Limits(), limit)
