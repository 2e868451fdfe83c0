"""Runs the emulator so that it stops at once on SIGUSR1 and resumes from its state when restarted.

MiniStack 1.5.33 saves its state on an orderly shutdown and loads it at start. That is not enough
for a restart under load, so this module changes three things:

- It saves the records of table streams. `services/dynamodb.py` leaves them out, while
  `services/lambda_svc.py` saves each reader's position. A reader would find its stream empty, and
  then skip as many new records as it had read before.
- It saves multipart uploads that are not completed, which `services/s3.py` leaves out.
- It saves between two requests and exits at once. An orderly shutdown waits for functions whose
  calls it no longer answers, and starts more functions while it saves.

Messages need no change: each is saved with its visibility time-out, so messages in flight are
redelivered when it expires. Open WebSockets and running invocations are lost, as they would be in
AWS. An emulator killed with SIGKILL saves nothing, so all its data is lost.
"""

import os
import pickle
import signal
from pathlib import Path

from ministack import app
from ministack.services import dynamodb, lambda_svc, s3

_FILE = Path(os.environ["STATE_DIR"]) / "durable.pickle"
_STORES = {
    "stream_records": dynamodb._stream_records,  # noqa: SLF001 - there is no public name
    "stream_trimmed": dynamodb._stream_trimmed,  # noqa: SLF001
    "multipart_uploads": s3._multipart_uploads,  # noqa: SLF001
}
"""Each store maps scoped keys to plain values, so it can be pickled."""
_load = app._load_persisted_state  # noqa: SLF001


def stop() -> None:
    lambda_svc._iter_all_esms = lambda: iter(())  # noqa: SLF001 - read no more event sources
    app.save_all(app._build_persistence_save_dict())  # noqa: SLF001
    stores = {name: dict(store._data) for name, store in _STORES.items()}  # noqa: SLF001
    _FILE.write_bytes(pickle.dumps(stores))
    os._exit(0)


def load() -> None:
    if _FILE.exists():
        # Loaded before the rest, which starts the readers of the streams.
        for name, data in pickle.loads(_FILE.read_bytes()).items():  # noqa: S301 - our own file
            _STORES[name]._data.update(data)  # noqa: SLF001
    _load()


if __name__ == "__main__":
    app._load_persisted_state = load  # noqa: SLF001
    # Requests are served in the event loop, so `stop` never interrupts one.
    signal.signal(
        signal.SIGUSR1,
        lambda *_: app._MAIN_LOOP.call_soon_threadsafe(stop),  # noqa: SLF001
    )
    app.main()
