# ruff: noqa: N803 - the parameters are DynamoDB's
"""A stand-in for DynamoDB's table, in memory: for thousands of runs, where moto is too slow.

It knows the operations and expressions that `aws.table` uses, and no others. Every write appends a
record to `records`, as the table's stream would.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

from botocore.exceptions import ClientError

Item = dict[str, Any]


class StandInTable:
    """before: called before every operation, so that others may act in between."""

    name = "stand-in"

    def __init__(self, before: Callable[[], None]) -> None:
        self.items: dict[tuple[str, str], Item] = {}
        self.records: list[tuple[Item | None, Item | None]] = []
        self._before = before
        self.meta = SimpleNamespace(
            client=SimpleNamespace(
                transact_write_items=self._transact, batch_write_item=self._delete_batch
            )
        )

    def get_item(self, *, Key: Item, **_: Any) -> dict[str, Item]:
        self._before()
        item = self.items.get(_key(Key))
        return {"Item": dict(item)} if item else {}

    def query(self, *, KeyConditionExpression: Any, **_: Any) -> dict[str, Any]:
        self._before()
        found = [item for item in self.items.values() if _holds(KeyConditionExpression, item)]
        return {"Items": sorted(map(dict, found), key=lambda item: item["sk"])}

    def put_item(self, *, Item: Item, ConditionExpression: Any = None) -> None:
        self._before()
        if ConditionExpression is not None:
            _require(_holds(ConditionExpression, self.items.get(_key(Item), {})))
        self._write(_key(Item), dict(Item))

    def update_item(
        self,
        *,
        Key: Item,
        UpdateExpression: str,
        ConditionExpression: str,
        ExpressionAttributeNames: Mapping[str, str],
        ExpressionAttributeValues: Mapping[str, Any],
    ) -> None:
        self._before()
        item = self.items.get(_key(Key), {})
        names, values = ExpressionAttributeNames, ExpressionAttributeValues
        _require(_text_holds(ConditionExpression, item, names, values))
        new = {**Key, **item}
        sets, _, removes = UpdateExpression.removeprefix("SET ").partition(" REMOVE ")
        for part in sets.split(", "):
            name, value = part.split(" = ")
            new[names[name]] = values[value]
        for name in removes.split(", ") if removes else ():
            new.pop(names[name], None)
        self._write(_key(Key), new)

    def delete_item(self, *, Key: Item) -> None:
        self._before()
        self._write(_key(Key), None)

    def _delete_batch(self, *, RequestItems: dict[str, Any]) -> dict[str, Any]:
        for request in RequestItems[self.name]:
            self.delete_item(Key=request["DeleteRequest"]["Key"])
        return {"UnprocessedItems": {}}

    def _transact(self, *, TransactItems: list[dict[str, Any]]) -> None:
        self._before()
        held = []
        for operation in TransactItems:
            ((kind, of),) = operation.items()
            item = self.items.get(_key(of["Key" if kind == "ConditionCheck" else "Item"]), {})
            held.append(
                _text_holds(
                    of["ConditionExpression"],
                    item,
                    of.get("ExpressionAttributeNames", {}),
                    of.get("ExpressionAttributeValues", {}),
                )
            )
        if not all(held):
            codes = ["None" if each else "ConditionalCheckFailed" for each in held]
            raise ClientError(
                {
                    "Error": {"Code": "TransactionCanceledException", "Message": ""},
                    "CancellationReasons": [{"Code": code} for code in codes],
                },
                "TransactWriteItems",
            )
        for operation in TransactItems:
            if put := operation.get("Put"):
                self._write(_key(put["Item"]), dict(put["Item"]))

    def _write(self, key: tuple[str, str], new: Item | None) -> None:
        old = self.items.pop(key, None)
        if new is not None:
            self.items[key] = new
        if old != new:
            self.records.append((old, new))


def _key(item: Item) -> tuple[str, str]:
    return item["pk"], item["sk"]


def _require(holds: bool) -> None:
    if not holds:
        code = "ConditionalCheckFailedException"
        raise ClientError({"Error": {"Code": code, "Message": ""}}, "PutItem")


def _holds(condition: Any, item: Item) -> bool:
    """Whether one of boto3's condition objects holds for an item, {} if there is none."""
    expression = condition.get_expression()
    first, *rest = expression["values"]
    match expression["operator"]:
        case "AND":
            return _holds(first, item) and _holds(rest[0], item)
        case "attribute_not_exists":
            return first.name not in item
        case "=":
            return bool(item.get(first.name) == rest[0])
        case "BETWEEN":
            return bool(rest[0] <= item[first.name] <= rest[1])
    raise NotImplementedError(expression["operator"])


def _text_holds(text: str, item: Item, names: Mapping[str, str], values: Mapping[str, Any]) -> bool:
    if text == "attribute_not_exists(pk)":
        return not item
    pairs = [re.fullmatch(r"(#\w+) = (:\w+)", part) for part in text.split(" AND ")]
    if not all(pairs):
        raise NotImplementedError(text)
    return all(item.get(names[pair[1]]) == values[pair[2]] for pair in pairs if pair)
