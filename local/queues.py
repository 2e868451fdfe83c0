"""What lies in the queues of a stack."""

from collections import Counter
from typing import Any

_COUNTED = (
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed",
)


def messages(sqs: Any) -> Counter[str]:
    """Messages in each queue that has any, by its name: waiting, in hand, or delayed."""
    counted = Counter[str]()
    for url in sqs.list_queues().get("QueueUrls", []):
        found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=list(_COUNTED))
        counted[url.rpartition("/")[2]] = sum(int(found["Attributes"][name]) for name in _COUNTED)
    return +counted
