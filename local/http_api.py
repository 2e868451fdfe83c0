"""Rewrites HTTP APIs as explicit routes and integrations.

SAM describes them in an OpenAPI document, which the emulator does not read.
"""

from typing import Any

from local import LocalStackError, Resource, Template


class UnsupportedHttpApiError(LocalStackError):
    """The template uses a property of HTTP APIs that the local stack does not support."""


def route_http_apis(template: Template) -> None:
    """Replace each `AWS::Serverless::HttpApi` and each `HttpApi` event by API Gateway resources.

    Stages get the logical IDs that SAM would give them, so that other resources can refer to them.
    Raises UnsupportedHttpApiError for authorizers, custom domains and OpenAPI definitions.
    """
    for name, resource in list(template["Resources"].items()):
        properties = resource.get("Properties", {})
        if resource["Type"] == "AWS::Serverless::HttpApi":
            template["Resources"] |= _api(name, properties)
        elif resource["Type"] == "AWS::Serverless::Function":
            for event, source in list(properties.get("Events", {}).items()):
                if source["Type"] == "HttpApi":
                    template["Resources"] |= _route(name, event, source["Properties"])
                    del properties["Events"][event]


def _api(name: str, properties: dict[str, Any]) -> dict[str, Resource]:
    if unsupported := properties.keys() & {"Auth", "DefinitionBody", "DefinitionUri", "Domain"}:
        raise UnsupportedHttpApiError(
            f"{name}: the local stack does not support {', '.join(sorted(unsupported))}"
        )
    # The emulator stores these keys unchanged, and reads them in the API's camelCase.
    cors = {
        key[0].lower() + key[1:]: value
        for key, value in properties.get("CorsConfiguration", {}).items()
    }
    return {
        name: {
            "Type": "AWS::ApiGatewayV2::Api",
            "Properties": {"Name": name, "ProtocolType": "HTTP", "CorsConfiguration": cors},
        },
        f"{name}ApiGatewayDefaultStage": {
            "Type": "AWS::ApiGatewayV2::Stage",
            "Properties": {"ApiId": {"Ref": name}, "StageName": "$default", "AutoDeploy": True},
        },
    }


def _route(function: str, event: str, properties: dict[str, Any]) -> dict[str, Resource]:
    api = properties.get("ApiId", {}).get("Ref")
    if not api or "Auth" in properties:
        raise UnsupportedHttpApiError(
            f"{function}.{event}: the local stack needs `ApiId: !Ref …` and does not support Auth"
        )
    # SAM's own rule: an event without a path is the API's default route.
    route = "$default"
    if "Path" in properties:
        route = f"{properties.get('Method', 'ANY').upper()} {properties['Path']}"
    integration = f"{function}{event}Integration"
    return {
        integration: {
            "Type": "AWS::ApiGatewayV2::Integration",
            "Properties": {
                "ApiId": {"Ref": api},
                "IntegrationType": "AWS_PROXY",
                "IntegrationUri": {"Fn::GetAtt": [function, "Arn"]},
                "PayloadFormatVersion": properties.get("PayloadFormatVersion", "2.0"),
            },
        },
        f"{function}{event}Route": {
            "Type": "AWS::ApiGatewayV2::Route",
            "Properties": {
                "ApiId": {"Ref": api},
                "RouteKey": route,
                "Target": {"Fn::Sub": f"integrations/${{{integration}}}"},
            },
        },
        f"{function}{event}Permission": {
            "Type": "AWS::Lambda::Permission",
            "Properties": {
                "Action": "lambda:InvokeFunction",
                "FunctionName": {"Ref": function},
                "Principal": "apigateway.amazonaws.com",
            },
        },
    }
