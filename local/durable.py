"""The emulator, made to stop at once on SIGUSR1 and go on from there when it is started again.

MiniStack (1.5.33) can write its state down when it ends in order, and read it when it starts. By
itself that would not do, so this

- keeps the records of table streams (`services/dynamodb.py` leaves them out), although it does
  keep how far each reader has come in them (`services/lambda_svc.py`): a reader would find its
  stream empty, and then miss as many new records as it had read old ones;
- keeps multipart uploads that are not completed (`services/s3.py` leaves them out);
- writes between two requests, and ends at once: an orderly end waits for functions that call it in
  vain, and starts others while it writes.

What needs no help: messages keep the time at which they come back, so those in hand are delivered
again when it has passed. What is lost, as it would be in AWS: open WebSockets, and what functions
are in the middle of. What cannot be had: an emulator that is killed outright has written nothing,
so all is lost.
"""

import os
import pickle
import signal
from pathlib import Path

from ministack import app
from ministack.services import dynamodb, lambda_svc, s3

_FILE = Path(os.environ["STATE_DIR"]) / "durable.pickle"
_STORES = {
    "stream_records": dynamodb._stream_records,  # noqa: SLF001 - it has no other name
    "stream_trimmed": dynamodb._stream_trimmed,  # noqa: SLF001
    "multipart_uploads": s3._multipart_uploads,  # noqa: SLF001
}
"""Each holds plain values under scoped keys."""
_load = app._load_persisted_state  # noqa: SLF001


def stop() -> None:
    lambda_svc._iter_all_esms = lambda: iter(())  # noqa: SLF001 - no source is read any more
    app.save_all(app._build_persistence_save_dict())  # noqa: SLF001
    stores = {name: dict(store._data) for name, store in _STORES.items()}  # noqa: SLF001
    _FILE.write_bytes(pickle.dumps(stores))
    os._exit(0)


def load() -> None:
    if _FILE.exists():
        # Before the rest, which starts the readers of the streams.
        for name, data in pickle.loads(_FILE.read_bytes()).items():  # noqa: S301 - our own
            _STORES[name]._data.update(data)  # noqa: SLF001
    _load()


if __name__ == "__main__":
    app._load_persisted_state = load  # noqa: SLF001
    # Requests are served in the event loop, so `stop` never comes in the middle of one.
    signal.signal(
        signal.SIGUSR1,
        lambda *_: app._MAIN_LOOP.call_soon_threadsafe(stop),  # noqa: SLF001
    )
    app.main()
