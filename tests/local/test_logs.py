from collections.abc import Iterator
from typing import Any

from local import logs


class Logs:
    """A fake CloudWatch Logs client, whose paginators have one page each."""

    def __init__(self, groups: dict[str, list[tuple[int, str]]]) -> None:
        self.groups = groups

    def get_paginator(self, operation: str) -> Any:
        return self if operation == "describe_log_groups" else _Events(self.groups)

    def paginate(self) -> Iterator[dict[str, Any]]:
        yield {"logGroups": [{"logGroupName": name} for name in self.groups]}


class _Events(Logs):
    def paginate(self, logGroupName: str = "") -> Iterator[dict[str, Any]]:  # noqa: N803
        yield {
            "events": [
                {"timestamp": time, "message": text} for time, text in self.groups[logGroupName]
            ]
        }


GROUPS = {
    "/aws/lambda/darkroom-Upload": [
        (1000, "START RequestId: 1"),
        (2000, "Traceback"),
        (2000, "  File"),
        (2000, "Error"),
        (2001, "END RequestId: 1"),
    ],
    "/aws/cloudformation/darkroom/StatusLogs": [(1500, "asked\n")],
}


def test_the_lines_of_all_functions_are_sorted_by_time() -> None:
    assert list(logs.read(Logs(GROUPS))) == [
        "00:00:01.500 StatusLogs asked",
        "00:00:02.000 darkroom-Upload Traceback",
        "00:00:02.000 darkroom-Upload   File",
        "00:00:02.000 darkroom-Upload Error",
    ]


def test_a_function_is_selected_by_part_of_its_name() -> None:
    assert list(logs.read(Logs(GROUPS), "status")) == ["00:00:01.500 StatusLogs asked"]
