import io
import zipfile
from pathlib import Path
from typing import Any

import pytest
import yaml

from local import LocalStackError, Template
from local import template as templates


def template(**resources: Any) -> Template:
    return {"Resources": resources}


def function(**properties: Any) -> dict[str, Any]:
    return {"Type": "AWS::Serverless::Function", "Properties": properties}


def test_short_form_tags_are_parsed(tmp_path: Path) -> None:
    path = tmp_path / "template.yaml"
    path.write_text("Resources: {A: {Type: T, Properties: {X: !GetAtt B.Arn, Y: !Sub '${C}'}}}")
    assert templates.load(path)["Resources"]["A"]["Properties"] == {
        "X": {"Fn::GetAtt": ["B", "Arn"]},
        "Y": {"Fn::Sub": "${C}"},
    }


class TestImageFunctions:
    def test_an_image_function_becomes_a_zip_function(self) -> None:
        changed = template(
            Process={
                "Type": "AWS::Serverless::Function",
                "Metadata": {"Dockerfile": "functions/process/Dockerfile", "DockerContext": ".."},
                "IgnoreGlobals": ["Runtime", "Layers"],
                "Properties": {
                    "PackageType": "Image",
                    "ImageConfig": {"Command": ["functions.process.app.handler"]},
                    "MemorySize": 3008,
                    "Timeout": 120,
                    "Policies": ["kept"],
                },
            }
        )
        templates.run_images_from_their_code(changed)
        assert changed["Resources"]["Process"] == {
            "Type": "AWS::Serverless::Function",
            "Metadata": {"BuildProperties": {"ParentPackages": "functions.process"}},
            "Properties": {
                "Handler": "functions.process.app.handler",
                "CodeUri": "../functions/process",
                "MemorySize": 3008,
                "Timeout": 120,
                "Policies": ["kept"],
            },
        }

    def test_zip_functions_are_unchanged(self) -> None:
        changed = template(Upload=function(Handler="functions.upload.app.handler", CodeUri="x"))
        before = yaml.safe_dump(changed)
        templates.run_images_from_their_code(changed)
        assert yaml.safe_dump(changed) == before

    def test_an_image_without_a_handler_is_refused(self) -> None:
        with pytest.raises(LocalStackError, match="Process"):
            templates.run_images_from_their_code(template(Process=function(PackageType="Image")))


class TestPackages:
    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        for name in ("functions/status/app.py", "layer/darkroom/__init__.py", "infra/template"):
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        return tmp_path / "infra"

    def test_packages_have_sams_layout_and_shared_code_is_packed_once(self, folder: Path) -> None:
        status = function(CodeUri="../functions/status/")
        status["Metadata"] = {"BuildProperties": {"ParentPackages": "functions.status"}}
        layer = {
            "Type": "AWS::Serverless::LayerVersion",
            "Metadata": {"BuildMethod": "python3.13"},
            "Properties": {"ContentUri": "../layer/"},
        }
        changed = template(Api=status, Tally=yaml.safe_load(yaml.safe_dump(status)), Shared=layer)
        packages = templates.packages(changed, folder)
        assert packages["Api"] is packages["Tally"]
        assert _names(packages["Api"].body) == ["functions/status/app.py"]
        assert _names(packages["Shared"].body) == ["python/darkroom/__init__.py"]

        templates.store_code_in(changed, "code", packages)
        assert changed["Resources"]["Tally"] == function(
            CodeUri={"Bucket": "code", "Key": packages["Tally"].key}
        )
        assert changed["Resources"]["Shared"]["Properties"] == {
            "ContentUri": {"Bucket": "code", "Key": packages["Shared"].key}
        }

    def test_missing_code_is_reported_by_name(self, folder: Path) -> None:
        with pytest.raises(LocalStackError, match="nowhere cannot be packed"):
            templates.packages(template(Gone=function(CodeUri="../nowhere")), folder)


def _names(body: bytes) -> list[str]:
    return zipfile.ZipFile(io.BytesIO(body)).namelist()


class TestConcurrency:
    def queue(self, limit: Any) -> Template:
        scaling = {"ScalingConfig": {"MaximumConcurrency": limit}}
        resources = template(
            Process=function(Events={"Images": {"Type": "SQS", "Properties": scaling}}),
            Other=function(Events={"Timer": {"Type": "Schedule"}}),
        )
        return resources | {"Parameters": {"MaxWorkers": {"Type": "Number", "MinValue": 2}}}

    def limit(self, changed: Template) -> Any:
        source = changed["Resources"]["Process"]["Properties"]["Events"]["Images"]
        return source["Properties"]["ScalingConfig"]["MaximumConcurrency"]

    def test_a_reference_is_replaced_by_a_number(self) -> None:
        changed = self.queue({"Ref": "MaxWorkers"})
        templates.limit_concurrency(changed, {"MaxWorkers": "10"})
        assert self.limit(changed) == 10

    def test_a_limit_below_the_minimum_of_aws_is_allowed(self) -> None:
        changed = self.queue({"Ref": "MaxWorkers"})
        templates.limit_concurrency(changed, {"MaxWorkers": 1})
        assert self.limit(changed) == 1
        assert changed["Parameters"] == {"MaxWorkers": {"Type": "Number"}}

    def test_a_number_is_unchanged(self) -> None:
        changed = self.queue(5)
        templates.limit_concurrency(changed, {})
        assert self.limit(changed) == 5

    def test_parameters_without_a_default_are_left_out(self) -> None:
        parameters = {"MaxWorkers": {"Type": "Number", "Default": 10}, "Name": {"Type": "String"}}
        assert templates.parameter_defaults({"Parameters": parameters}) == {"MaxWorkers": 10}


@pytest.mark.parametrize(
    ("action", "expected"),
    [
        ("sqs:SendMessage", ["sqs:SendMessage", "sqs:SendMessageBatch"]),
        (
            ["sqs:DeleteMessage", "s3:GetObject"],
            ["sqs:DeleteMessage", "s3:GetObject", "sqs:DeleteMessageBatch"],
        ),
        ("s3:GetObject", "s3:GetObject"),
        ("sqs:*", "sqs:*"),
    ],
)
def test_permission_for_an_sqs_action_includes_its_batch_form(action: Any, expected: Any) -> None:
    changed = template(
        F=function(Policies=[{"Statement": [{"Effect": "Allow", "Action": action}]}])
    )
    templates.name_queue_batches(changed)
    (policy,) = changed["Resources"]["F"]["Properties"]["Policies"]
    assert policy["Statement"] == [{"Effect": "Allow", "Action": expected}]


def test_only_statements_that_read_streams_lose_their_resource() -> None:
    reading = {"Effect": "Allow", "Action": ["dynamodb:GetRecords"], "Resource": "the stream"}
    writing = {"Effect": "Allow", "Action": "dynamodb:PutItem", "Resource": "the table"}
    changed = template(F=function(Policies=[{"Statement": [dict(reading), dict(writing)]}]))
    templates.name_no_streams(changed)
    expected = [reading | {"Resource": "*"}, writing]
    assert changed == template(F=function(Policies=[{"Statement": expected}]))


def test_only_tls_statements_are_removed_from_a_bucket_policy() -> None:
    tls = {"Effect": "Deny", "Condition": {"Bool": {"aws:SecureTransport": "false"}}}
    other = {"Effect": "Deny", "Condition": {"StringNotEquals": {"s3:x-amz-acl": "private"}}}

    def policy(*statements: dict[str, Any]) -> dict[str, Any]:
        document = {"Statement": list(statements)}
        return {"Type": "AWS::S3::BucketPolicy", "Properties": {"PolicyDocument": document}}

    changed = template(Both=policy(tls, other), TlsOnly=policy(tls))
    templates.allow_plain_http(changed)
    assert changed == template(Both=policy(other))


def test_references_to_secrets_become_arns_and_others_are_unchanged() -> None:
    secret = {"Type": "AWS::SecretsManager::Secret", "Properties": {}}
    changed = template(Key=secret, F=function(Environment=[{"Ref": "Key"}, {"Ref": "Table"}]))
    templates.name_secrets_by_arn(changed)
    assert changed == template(
        Key=secret, F=function(Environment=[{"Fn::GetAtt": ["Key", "Id"]}, {"Ref": "Table"}])
    )


def test_excluded_punctuation_becomes_excluded_characters() -> None:
    generated: dict[str, Any] = {"PasswordLength": 40, "ExcludePunctuation": True}
    changed = template(
        Key={
            "Type": "AWS::SecretsManager::Secret",
            "Properties": {"GenerateSecretString": generated},
        }
    )
    templates.generate_plain_secrets(changed)
    assert generated.keys() == {"PasswordLength", "ExcludeCharacters"}
    assert not any(character.isalnum() for character in generated["ExcludeCharacters"])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "https://${HttpApi}.execute-api.${AWS::Region}.${AWS::URLSuffix}",
            "http://127.0.0.1:4566/_aws/execute-api/${HttpApi}",
        ),
        (
            "wss://${Socket}.execute-api.${AWS::Region}.amazonaws.com/${Stage}",
            "ws://127.0.0.1:4566/_aws/execute-api/${Socket}/${Stage}",
        ),
        (
            "arn:aws:execute-api:${AWS::Region}:${AWS::AccountId}:${Socket}/*",
            "arn:aws:execute-api:${AWS::Region}:${AWS::AccountId}:${Socket}/*",
        ),
    ],
)
def test_api_urls_point_to_the_emulator(text: str, expected: str) -> None:
    changed = {
        "Resources": {"F": function(Environment={"Variables": {"URL": {"Fn::Sub": text}}})},
        "Outputs": {"Url": {"Value": {"Fn::Sub": [text, {"Stage": "live"}]}}},
    }
    templates.serve_apis_from(changed, "127.0.0.1:4566")
    assert changed["Outputs"]["Url"]["Value"]["Fn::Sub"][0] == expected
    assert changed["Resources"]["F"] == function(
        Environment={"Variables": {"URL": {"Fn::Sub": expected}}}
    )
