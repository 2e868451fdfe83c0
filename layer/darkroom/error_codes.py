"""Every error code that a client can meet, with what it means. `tests/test_errors.py` keeps it so.

Codes are stable. The sentence beside a code says more in each case, and may change.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

REQUEST_CODES: Final[Mapping[str, str]] = {
    "no_credential": "The request has no `Authorization: Bearer …` header.",
    "wrong_key": "This call needs the deployment's key.",
    "wrong_token": "This call needs the job's own token, or the deployment's key.",
    "unknown_route": "There is nothing at this address.",
    "method_not_allowed": "The address exists, but not with this method; see `Allow`.",
    "unknown_job": "There is no such job; it may have expired or been deleted.",
    "unknown_file": "The job has no such file.",
    "invalid_json": "The body is not JSON.",
    "invalid_job": "A field of the new job is wrong; see `errors`.",
    "invalid_files": "A field of the page of files is wrong; see `errors`.",
    "invalid_retry": "A field of the retry is wrong; see `errors`.",
    "invalid_options": "An option is unknown, out of range, or excluded by another one.",
    "invalid_query": "A parameter of the query is wrong; see `errors`.",
    "unknown_model": "This deployment does not carry the model; see `GET /models`.",
    "unknown_preset": "This deployment has no such preset; see `GET /presets`.",
    "file_too_large": "A file is over the deployment's limit.",
    "nothing_to_retry": "No file of the job failed or was cancelled.",
    "retry_under_way": "Twenty retries of the job are still being queued.",
    "job_ended": "The job has ended, and takes no more files.",
    "already_declared": "Other files were declared for this page.",
    "no_result": "The file has no result (yet).",
    "result_too_large": "The result is too large for a data URL; fetch it by its URL.",
    "archive_failed": "The ZIP could not be built; fetch the results one by one.",
    "no_results": "The job ended without results, so there is no ZIP.",
    "internal": "An error of ours. Try again; quote the request id if it stays.",
}
"""Of a request, in a problem document."""

FILE_CODES: Final[Mapping[str, str]] = {
    "never_uploaded": "The file was declared, but not uploaded in time.",
    "empty_file": "The file has no bytes.",
    "file_too_large": "The photo is over the deployment's limit in bytes.",
    "too_many_pixels": "The photo is over the deployment's limit in pixels.",
    "not_a_photo": "The file is not a photo.",
    "unsupported_format": "A picture, but of a format that is not supported.",
    "damaged_photo": "The photo cannot be decoded.",
    "too_complex": "Decoding the photo would take far too long.",
    "too_slow": "Processing took longer than its time limit.",
    "no_face": "No face was found, and `face.on_missing` is `fail`.",
    "unknown_model": "This deployment does not carry the model.",
    "unknown_preset": "This deployment has no such preset.",
    "background_not_found": "There is no background of this name in the bucket.",
    "background_unusable": "The background is not a picture that can be used.",
    "invalid_options": "The options in the metadata of a drop are not valid.",
    "result_too_large": "The result has more pixels than its format allows.",
    "upload_changed": "The upload was replaced while it was read.",
    "upload_gone": "The upload was deleted before it was read.",
    "processing_error": "An unexpected error stopped the processing of the photo.",
    "processing_crashed": "Processing the file stopped its worker each time it was tried.",
    "processing_stalled": "The file made no progress for hours, although it was retried.",
    "not_a_zip": "The file is called a ZIP but is not one.",
    "broken_zip": "The ZIP is damaged.",
    "multi_disk_zip": "The ZIP is one part of several.",
    "archive_too_large": "The ZIP, packed or unpacked, is over the deployment's limit.",
    "directory_too_large": "The ZIP's central directory is over 64 MiB.",
    "too_many_entries": "The ZIP has more entries than the deployment allows.",
    "too_many_files": "The job would have more than 200,000 files.",
    "encrypted_entry": "The photo is encrypted in its ZIP.",
    "unsupported_compression": "The photo is compressed in a way that is not supported.",
    "entry_corrupt": "The photo's entry in the ZIP is damaged.",
    "entry_outside_archive": "The photo's entry points outside its ZIP.",
    "overlapping_entries": "The photo's entry runs into another one.",
    "ratio_too_high": "The entry unpacks to far more than its compressed size.",
    "size_mismatch": "The photo's size is not the one declared.",
    "crc_mismatch": "The photo's CRC-32 is not the one in its ZIP.",
    "nested_archive": "A ZIP inside a ZIP is skipped.",
    "symbolic_link": "A link inside a ZIP is skipped.",
}
"""Of a file that failed or was skipped."""

JOB_CODES: Final[Mapping[str, str]] = {
    "never_uploaded": "Nothing was uploaded before the grants expired.",
    "no_photos": "There was no photo among the files.",
    "all_photos_failed": "None of the files could be processed; each says why.",
}
"""Of a job that came to nothing. A job of one file has that file's error."""

WARNING_CODES: Final[Mapping[str, str]] = {
    "no_face": "No face was found, so the photo is not cropped.",
    "unsure_face": "What the photo was cropped to may not be a face.",
    "salvaged": "The file is damaged; what could be read of it was processed.",
    "no_subject": "Nothing was found in the photo.",
    "subject_cut_off": "The photo's edge cuts the subject off, which shows on its canvas.",
    "subject_too_small": "The subject fills less of the canvas than wanted, and is not enlarged.",
    "edges_reduced": "The edges were computed at a lower resolution.",
    "first_frame": "The file holds several pictures; only the first was used.",
    "flattened": "JPEG has no transparency, so the photo was put on white.",
    "colour_profile": "The photo's colour profile is broken and was ignored.",
}
"""Of a result that was made all the same."""

SOCKET_CODES: Final[Mapping[str, str]] = {
    "unknown_action": "The message is not one that the WebSocket knows.",
    "invalid_json": "The message is not a JSON object.",
    "wrong_token": "The connection may not follow that job.",
    "unknown_job": "There is no such job.",
    "too_many_jobs": "The connection follows as many jobs as one may.",
    "too_many_followers": "As many connections follow the job as may.",
}
"""Of a WebSocket message, in a message of type `error`."""

INTERNAL_CODES: Final = frozenset(
    {
        "address_refused",
        "bad_certificate",
        "no_answer",
        "timed_out",
        "unknown_host",
        "unreachable",
        "archive_gone",
        "busy_job",
        "objects_left",
        "busy_table",
        "busy_totals",
        "events_refused",
        "queue_refused",
        "result_changed",
    }
)
"""In the log alone: no client meets them."""
