"""One message of every type that the queues carry."""

from __future__ import annotations

from darkroom.files import image_message
from darkroom.messages import (
    ArchiveMessage,
    ForgetMessage,
    Message,
    NudgeMessage,
    PruneMessage,
    RetryMessage,
    Source,
    StopMessage,
    UploadMessage,
    WebhookMessage,
)
from darkroom.options import Options
from darkroom.states import FileStatus
from tests.making import a_file

PHOTO = a_file(
    0, status=FileStatus.QUEUED, source=Source(key="uploads/j1/000000/a.jpg", etag="e", size=1)
)
LETTERS: tuple[Message, ...] = (
    image_message(PHOTO, Options(model="u2netp").model_dump_json()),
    UploadMessage(key="uploads/j1/000000/a.jpg", etag="e", size=1),
    RetryMessage(job_id="j1", retry=2),
    StopMessage(job_id="j1", block=3),
    NudgeMessage(job_id="j1", fail=1),
    ForgetMessage(job_id="j1", blocks=3, source="inbox/a.jpg", etag="e"),
    PruneMessage(job_id="j1", generation=2, at=1.5),
    ArchiveMessage(job_id="j1", generation=1, upload_id="u", parts=(1, 9)),
    WebhookMessage(url="https://shop.example/hook?key=s3cret", job_id="j1", attempt=1, body="{}"),
)
