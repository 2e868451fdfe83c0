from typing import Any

import pytest

from local import LocalStackError
from local.http_api import route_http_apis


def template(**properties: Any) -> dict[str, Any]:
    event = {"ApiId": {"Ref": "Api"}, "Path": "/jobs/{id}", "Method": "get"} | properties
    return {
        "Resources": {
            "Api": {
                "Type": "AWS::Serverless::HttpApi",
                "Properties": {"CorsConfiguration": {"AllowOrigins": ["*"], "MaxAge": 600}},
            },
            "Status": {
                "Type": "AWS::Serverless::Function",
                "Properties": {
                    "Events": {
                        "Job": {"Type": "HttpApi", "Properties": event},
                        "Stream": {"Type": "DynamoDB", "Properties": {}},
                    }
                },
            },
        }
    }


def test_an_event_becomes_a_route_to_the_function() -> None:
    changed = template()
    route_http_apis(changed)
    resources = changed["Resources"]
    assert resources["Status"]["Properties"]["Events"].keys() == {"Stream"}
    assert resources["StatusJobRoute"]["Properties"] == {
        "ApiId": {"Ref": "Api"},
        "RouteKey": "GET /jobs/{id}",
        "Target": {"Fn::Sub": "integrations/${StatusJobIntegration}"},
    }
    integration = resources["StatusJobIntegration"]["Properties"]
    assert integration["IntegrationUri"] == {"Fn::GetAtt": ["Status", "Arn"]}
    assert resources["StatusJobPermission"]["Properties"]["FunctionName"] == {"Ref": "Status"}


def test_the_api_keeps_its_name_and_gets_sams_default_stage() -> None:
    changed = template()
    route_http_apis(changed)
    assert changed["Resources"]["Api"] == {
        "Type": "AWS::ApiGatewayV2::Api",
        "Properties": {
            "Name": "Api",
            "ProtocolType": "HTTP",
            "CorsConfiguration": {"allowOrigins": ["*"], "maxAge": 600},
        },
    }
    stage = changed["Resources"]["ApiApiGatewayDefaultStage"]["Properties"]
    assert stage["StageName"] == "$default"


@pytest.mark.parametrize("properties", [{"Auth": {"Authorizer": "Jwt"}}, {"ApiId": {}}])
def test_an_unsupported_event_is_refused_by_name(properties: dict[str, Any]) -> None:
    with pytest.raises(LocalStackError, match=r"Status\.Job"):
        route_http_apis(template(**properties))


def test_an_unsupported_api_property_is_refused_by_name() -> None:
    changed = template()
    changed["Resources"]["Api"]["Properties"]["DefinitionBody"] = {}
    with pytest.raises(
        LocalStackError, match="Api: the local stack does not support DefinitionBody"
    ):
        route_http_apis(changed)
