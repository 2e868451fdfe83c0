"""The ledger and the totals as items of the table; `darkroom.ledger` defines their contents."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from darkroom.aws.backoff import cancellations, tries
from darkroom.errors import RetryLater
from darkroom.ledger import Account, Entry, difference

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table

_TRIES = 40
"""Tries of a job's entry: many jobs may settle at once, and each writes the totals."""
_LONGEST = 0.5
"""The longest pause between two of them, in seconds: another's transaction is soon over."""
_TOTALS: Final = {"pk": "STATS", "sk": "TOTAL"}


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
        for _ in tries(_TRIES, most=_LONGEST):
            known = self._entry(job_id)
            if new.sequence <= known.sequence:
                return False
            if self._write(job_id, known, new, expires_at):
                return True
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
            # The entry's condition failed, another transaction was writing the totals, or the table
            # was too busy: the entry may be another now, and the difference with it.
            cancellations(error)
            return False
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
