"""The ledger and the totals as items of the table; `darkroom.ledger` defines their contents."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from darkroom.errors import RetryLater
from darkroom.ledger import Account, Entry, difference

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table

_TRIES = 40
_TOTALS: Final = {"pk": "STATS", "sk": "TOTAL"}
# The entry's condition failed, or another transaction was writing the totals.
_LOST_RACES = {"ConditionalCheckFailed", "TransactionConflict"}


@dataclass(frozen=True, slots=True)
class LedgerTable:
    """An entry and the totals are written in one transaction, so that a repeat adds nothing."""

    table: Table

    def totals(self) -> Account:
        return _numbers(self.table.get_item(Key=_TOTALS).get("Item", {}))

    def count(self, job_id: str, new: Entry, expires_at: float) -> bool:
        """Update the totals to a job's new entry. False if that entry, or a later one, is stored.

        expires_at: of the entry, seconds since 1970. Raises RetryLater.
        """
        for _ in range(_TRIES):
            known = self._entry(job_id)
            if new.sequence <= known.sequence:
                return False
            if self._write(job_id, known, new, expires_at):
                return True
            time.sleep(random.uniform(0.005, 0.1))  # noqa: S311 - jitter
        raise RetryLater("busy_totals", "Too many jobs are being counted at once; try again.")

    def _entry(self, job_id: str) -> Entry:
        item = self.table.get_item(Key=_key(job_id), ConsistentRead=True).get("Item")
        return Entry(int(item["sequence"]), _numbers(item["account"])) if item else Entry()  # type: ignore[arg-type]

    def _write(self, job_id: str, known: Entry, new: Entry, expires_at: float) -> bool:
        changes = difference(known, new)
        entry = {
            **_key(job_id),
            "sequence": new.sequence,
            "account": dict(new.account),
            "expires_at": int(expires_at),
        }
        put: dict[str, Any] = {
            "TableName": self.table.name,
            "Item": entry,
            "ConditionExpression": "attribute_not_exists(pk)",
        }
        if known.sequence:
            put["ConditionExpression"] = "#sequence = :known"
            put["ExpressionAttributeNames"] = {"#sequence": "sequence"}
            put["ExpressionAttributeValues"] = {":known": known.sequence}
        writes: list[Any] = [{"Put": put}]
        if changes:
            writes.append({"Update": self._addition(changes)})
        try:
            self.table.meta.client.transact_write_items(TransactItems=writes)
        except ClientError as error:
            return _lost_race(error)
        return True

    def _addition(self, changes: Account) -> dict[str, Any]:
        """The update that adds `changes` to the totals; a new counter starts at 0."""
        numbered = list(enumerate(changes.items()))
        return {
            "TableName": self.table.name,
            "Key": _TOTALS,
            "UpdateExpression": "ADD " + ", ".join(f"#n{index} :n{index}" for index, _ in numbered),
            "ExpressionAttributeNames": {f"#n{index}": name for index, (name, _) in numbered},
            "ExpressionAttributeValues": {f":n{index}": change for index, (_, change) in numbered},
        }


def _key(job_id: str) -> dict[str, str]:
    return {"pk": "LEDGER", "sk": job_id}


def _numbers(values: Any) -> Account:
    return {name: int(value) for name, value in values.items() if name not in ("pk", "sk")}


def _lost_race(error: ClientError) -> bool:
    """False if another write was first. Raises any other error."""
    reasons: Any = error.response.get("CancellationReasons", [])
    codes = {reason.get("Code") for reason in reasons} - {"None", None}
    if not codes or not codes <= _LOST_RACES:
        raise error
    return False
