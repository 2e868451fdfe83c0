"""The emulator and the local stack, with a small template of their own."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from local import ROOT, LocalStackError, emulator, state
from local.stack import Stack, running

pytestmark = pytest.mark.journey

TEMPLATE = """
AWSTemplateFormatVersion: "2010-09-09"
Transform: AWS::Serverless-2016-10-31
Globals:
  Function:
    Runtime: python3.13
    Timeout: 10
    Layers: [!Ref Shared]
Resources:
  Shared:
    Type: AWS::Serverless::LayerVersion
    Metadata: {BuildMethod: python3.13}
    Properties: {ContentUri: ../layer/}
  Bucket:
    Type: AWS::S3::Bucket
  TlsOnly:
    Type: AWS::S3::BucketPolicy
    Properties:
      Bucket: !Ref Bucket
      PolicyDocument:
        Statement:
          - Effect: Deny
            Principal: "*"
            Action: s3:*
            Resource: !Sub ${Bucket.Arn}/*
            Condition: {Bool: {aws:SecureTransport: "false"}}
  Key:
    Type: AWS::SecretsManager::Secret
    Properties:
      GenerateSecretString: {PasswordLength: 40, ExcludePunctuation: true}
  Api:
    Type: AWS::Serverless::HttpApi
    Properties: {CorsConfiguration: {AllowOrigins: ["*"], AllowHeaders: ["*"]}}
  Allowed: &function
    Type: AWS::Serverless::Function
    Metadata:
      BuildProperties: {ParentPackageMode: explicit, ParentPackages: functions.toy}
    Properties: &properties
      CodeUri: ../functions/toy/
      Handler: functions.toy.app.handler
      Environment: {Variables: {BUCKET: !Ref Bucket, KEY: !Ref Key}}
      Policies:
        - Statement:
            - {Effect: Allow, Action: s3:PutObject, Resource: !Sub "${Bucket.Arn}/in/*"}
            - {Effect: Allow, Action: secretsmanager:GetSecretValue, Resource: !Ref Key}
      Events:
        Put: {Type: HttpApi, Properties: {ApiId: !Ref Api, Path: "/put/{folder}", Method: POST}}
  Forbidden:
    <<: *function
    Properties: {<<: *properties, Policies: [], Events: {}}
  Image:
    Type: AWS::Serverless::Function
    IgnoreGlobals: [Runtime, Layers]
    Metadata: {Dockerfile: functions/toy/Dockerfile, DockerContext: .., DockerTag: toy}
    Properties:
      PackageType: Image
      ImageConfig: {Command: [functions.toy.image.handler]}
Outputs:
  ApiUrl: {Value: !Sub "https://${Api}.execute-api.${AWS::Region}.${AWS::URLSuffix}"}
  ApiKeySecret: {Value: !Ref Key}
  Allowed: {Value: !Ref Allowed}
  Forbidden: {Value: !Ref Forbidden}
  Image: {Value: !Ref Image}
"""

CODE = """
import json
import os

import boto3
from botocore.exceptions import ClientError
from shared import GREETING


def attempt(call, **arguments):
    try:
        call(**arguments)
        return "done"
    except ClientError as error:
        return error.response["Error"]["Code"]


def handler(event, context):
    folder = event.get("pathParameters", {}).get("folder", "in")
    put = boto3.client("s3").put_object
    secret = boto3.client("secretsmanager").get_secret_value
    answer = {
        "greeting": GREETING,
        "pid": os.getpid(),
        "put": attempt(put, Bucket=os.environ["BUCKET"], Key=folder + "/x", Body=b""),
        "secret": attempt(secret, SecretId=os.environ["KEY"]),
    }
    print("put into", folder)
    return {"statusCode": 200, "body": json.dumps(answer)}
"""

IMAGE = """
from shared import GREETING


def handler(event, context):
    return GREETING
"""


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    files = {
        "infra/template.yaml": TEMPLATE,
        "functions/toy/app.py": CODE,
        "functions/toy/image.py": IMAGE,
        "layer/shared/__init__.py": "GREETING = 'hello'\n",
    }
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder / "infra" / "template.yaml"


@pytest.fixture(scope="module")
def stack(template: Path) -> Iterator[Stack]:
    with running(template=template, name="test-local") as stack:
        yield stack


def invoke(stack: Stack, function: str) -> Any:
    answer = stack.client("lambda").invoke(FunctionName=stack.outputs[function])
    return json.load(answer["Payload"])


def test_a_function_may_do_only_what_its_policy_allows(stack: Stack) -> None:
    answer = httpx.post(f"{stack.api_url}/put/in").json()
    assert (answer["put"], answer["secret"]) == ("done", "done")
    answer = httpx.post(f"{stack.api_url}/put/elsewhere").json()
    assert answer["put"] == "AccessDenied"


def test_a_function_without_a_policy_may_do_nothing(stack: Stack) -> None:
    answer = json.loads(invoke(stack, "Forbidden")["body"])
    assert (answer["put"], answer["secret"]) == ("AccessDenied", "AccessDeniedException")


def test_a_container_image_function_runs_from_its_code_with_the_layer(stack: Stack) -> None:
    assert invoke(stack, "Image") == "hello"


def test_a_browser_may_call_the_api(stack: Stack) -> None:
    preflight = {"Origin": "https://example.org", "Access-Control-Request-Method": "POST"}
    answer = httpx.options(f"{stack.api_url}/put/in", headers=preflight)
    assert answer.status_code == 204
    assert answer.headers["access-control-allow-origin"] == "*"


def test_the_key_is_the_secrets_value_and_needs_no_quoting_in_a_url(stack: Stack) -> None:
    assert len(stack.key) == 40
    assert stack.key.isalnum()
    assert stack.page_url == f"{stack.api_url}/#key={stack.key}"


def test_it_listens_on_loopback_only(stack: Stack) -> None:
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        if Path(table).exists():
            port = f":{stack.emulator.port:04X}"
            rows = [line.split() for line in Path(table).read_text().splitlines()[1:]]
            listening = [row[1] for row in rows if row[3] == "0A" and row[1].endswith(port)]
            assert all(address.startswith("0100007F") for address in listening)


def test_everything_but_the_logs_is_removed_at_the_end(template: Path) -> None:
    with running(template=template, name="test-local-gone") as stack:
        function = httpx.post(f"{stack.api_url}/put/in").json()["pid"]
        pids = [function, stack.emulator.pid, stack.emulator.guard.pid]
        assert all(state.start_time(pid) for pid in pids)
    assert_gone(pids, stack.emulator.directory, stack.emulator.port)
    logged = (ROOT / "out" / "local" / "test-local-gone-functions.log").read_text()
    assert "put into in" in logged


def test_a_restarted_stack_keeps_its_data(template: Path) -> None:
    with running(template=template, name="test-local-restart", keep=True) as stack:
        function = httpx.post(f"{stack.api_url}/put/in").json()["pid"]
        s3, [bucket] = stack.client("s3"), [*buckets(stack)]
        upload = s3.create_multipart_upload(Bucket=bucket, Key="large")["UploadId"]
        part = {"Bucket": bucket, "Key": "large", "UploadId": upload, "PartNumber": 1}
        tag = s3.upload_part(**part, Body=b"part")["ETag"]
        pids = [function, stack.emulator.pid, stack.emulator.guard.pid]
        stack.emulator.restart()
        assert not [pid for pid in pids if state.start_time(pid)]
        parts = s3.list_parts(Bucket=bucket, Key="large", UploadId=upload)["Parts"]
        assert [(part["PartNumber"], part["ETag"]) for part in parts] == [(1, tag)]
        assert s3.head_object(Bucket=bucket, Key="in/x")["ContentLength"] == 0
        answer = httpx.post(f"{stack.api_url}/put/elsewhere").json()
        assert (answer["put"], answer["secret"]) == ("AccessDenied", "done")
        pids = [answer["pid"], stack.emulator.pid, stack.emulator.guard.pid]
    assert_gone(pids, stack.emulator.directory, stack.emulator.port)


def buckets(stack: Stack) -> list[str]:
    """The buckets that the template creates."""
    listed = stack.client("s3").list_buckets()["Buckets"]
    return [bucket["Name"] for bucket in listed if bucket["Name"] != "darkroom-code"]


def test_nothing_is_left_when_the_parent_process_is_killed(template: Path) -> None:
    script = f"""
import pathlib, time
from local.stack import running
with running(template=pathlib.Path({str(template)!r}), name="test-local-killed") as stack:
    process = stack.emulator
    print(process.pid, process.guard.pid, process.port, process.directory, flush=True)
    time.sleep(60)
"""
    with subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, cwd=ROOT
    ) as parent:
        assert parent.stdout
        pid, guard, port, directory = parent.stdout.readline().split()
        parent.kill()
    assert_gone([int(pid), int(guard)], Path(directory), int(port))


def test_nothing_is_left_when_the_emulator_is_killed(template: Path) -> None:
    with running(template=template, name="test-local-crash") as stack:
        function = httpx.post(f"{stack.api_url}/put/in").json()["pid"]
        os.kill(stack.emulator.pid, signal.SIGKILL)
        stack.emulator.wait()
        assert_gone([function, stack.emulator.pid], stack.emulator.directory, stack.emulator.port)


def test_a_failed_deployment_names_the_resource_and_the_reason(tmp_path: Path) -> None:
    template = tmp_path / "template.yaml"
    template.write_text("Resources: {Odd: {Type: AWS::No::SuchThing}}")
    with (
        pytest.raises(LocalStackError, match="AWS::No::SuchThing"),
        running(template=template, name="test-local-fails"),
    ):
        pass


def assert_gone(pids: list[int], directory: Path, port: int) -> None:
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        alive = [pid for pid in pids if state.start_time(pid)]
        if not alive and not directory.exists():
            break
        time.sleep(0.02)
    assert not alive
    assert not directory.exists()
    with socket.socket() as probe:
        assert probe.connect_ex((emulator.HOST, port)) != 0
