"""The baseline of the ZIP benchmark: how services commonly unpack and build ZIPs on S3.

In: download the ZIP, extract it, upload each photo, then send a message for each.
Out: download every result, zip them, upload the ZIP.

It uses eight threads where Darkroom uses eight, and batch requests where AWS offers them.
"""

from __future__ import annotations

import json
import tempfile
import zipfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

THREADS = 8


def take_in(s3: Any, sqs: Any, bucket: str, key: str, queue: str) -> int:
    """Unpack an uploaded ZIP and queue its photos; returns the number of photos."""
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(THREADS) as pool:
        archive = Path(folder, "upload.zip")
        s3.download_file(bucket, key, str(archive))
        with zipfile.ZipFile(archive) as packed:
            packed.extractall(folder)
            names = [name for name in packed.namelist() if not name.endswith("/")]

        def upload(name: str) -> str:
            target = f"common/{name}"
            s3.put_object(Bucket=bucket, Key=target, Body=Path(folder, name).read_bytes())
            return target

        keys = list(pool.map(upload, names))
        list(pool.map(lambda batch: _send(sqs, queue, batch), _tens(keys)))
    return len(names)


def take_out(s3: Any, bucket: str, keys: Sequence[str], target: str) -> int:
    """Zip the results at `keys` into `target`; returns the size of the ZIP in bytes."""
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(THREADS) as pool:

        def download(numbered: tuple[int, str]) -> Path:
            path = Path(folder, f"{numbered[0]}.png")
            path.write_bytes(s3.get_object(Bucket=bucket, Key=numbered[1])["Body"].read())
            return path

        paths = list(pool.map(download, enumerate(keys)))
        archive = Path(folder, "results.zip")
        with zipfile.ZipFile(archive, "w") as packed:
            for path in paths:
                packed.write(path, path.name)
        s3.upload_file(str(archive), bucket, target)
        return archive.stat().st_size


def _send(sqs: Any, queue: str, keys: Sequence[str]) -> None:
    entries = [
        {"Id": str(place), "MessageBody": json.dumps({"key": key})}
        for place, key in enumerate(keys)
    ]
    sqs.send_message_batch(QueueUrl=queue, Entries=entries)


def _tens(keys: Sequence[str]) -> list[Sequence[str]]:
    return [keys[start : start + 10] for start in range(0, len(keys), 10)]
