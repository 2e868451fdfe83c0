"""The emulator, keeping across a restart what AWS keeps. Run in place of it where it may restart.

MiniStack (1.5.33) writes its state down when it is asked to end, and reads it when it starts. It
leaves two things out, which this adds:

- The records of table streams (`services/dynamodb.py`), although it does keep how far each reader
  has come in them (`services/lambda_svc.py`): a reader would find its stream empty, and then miss
  as many new records as it had read old ones.
- Multipart uploads that are not completed (`services/s3.py`).

It also goes on starting functions while it writes, which could change what it has written already;
here it starts none any more.

What needs no help: messages keep the time at which they come back, so those in hand are delivered
again when it has passed. What is lost, as it is in AWS: open WebSockets, and what functions are at.
What cannot be had: an emulator that is killed outright has written nothing, so all is lost.
"""

import os
import pickle
from pathlib import Path
from typing import Any

from ministack import app
from ministack.services import dynamodb, lambda_svc, s3

_FILE = Path(os.environ["STATE_DIR"]) / "durable.pickle"
_STORES = {
    "stream_records": dynamodb._stream_records,  # noqa: SLF001 - it has no other name
    "stream_trimmed": dynamodb._stream_trimmed,  # noqa: SLF001
    "multipart_uploads": s3._multipart_uploads,  # noqa: SLF001
}
"""Each holds plain values under scoped keys."""


def keep() -> None:
    """Have the emulator save and load the rest with its own state."""
    save, load = app.save_all, app._load_persisted_state  # noqa: SLF001

    def save_all(services: Any) -> None:
        lambda_svc._iter_all_esms = lambda: iter(())  # noqa: SLF001 - no source is read any more
        save(services)
        stores = {name: dict(store._data) for name, store in _STORES.items()}  # noqa: SLF001
        _FILE.write_bytes(pickle.dumps(stores))

    def load_all() -> None:
        if _FILE.exists():
            # Before the rest, which starts the readers of the streams.
            for name, data in pickle.loads(_FILE.read_bytes()).items():  # noqa: S301 - our own
                _STORES[name]._data.update(data)  # noqa: SLF001
        load()

    app.save_all, app._load_persisted_state = save_all, load_all  # noqa: SLF001


if __name__ == "__main__":
    keep()
    app.main()
