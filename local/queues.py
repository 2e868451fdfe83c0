"""Counts the messages in a stack's queues."""

from collections import Counter
from typing import Any

_COUNTED = (
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed",
)


def messages(sqs: Any) -> Counter[str]:
    """Count the messages in each queue that has any: visible, in flight or delayed."""
    counted = Counter[str]()
    for url in sqs.list_queues().get("QueueUrls", []):
        answer = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=list(_COUNTED))
        counted[url.rpartition("/")[2]] = sum(int(answer["Attributes"][name]) for name in _COUNTED)
    return +counted
