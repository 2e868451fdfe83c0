"""A minimal Lambda Runtime API for one invocation.

    python runtime_api.py HANDLER EVENT_JSON

Starts `awslambdaric` with the handler, passes it the event, and prints the response and the seconds
from start to response. Uses only the standard library, because it runs inside the finished image.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

answered = threading.Event()
answer: dict[str, object] = {}


class Api(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Return the next invocation. There is only one."""
        if answer:
            time.sleep(60)
        self.send_response(200)
        self.send_header("Lambda-Runtime-Aws-Request-Id", "request-1")
        self.send_header("Lambda-Runtime-Deadline-Ms", str(int((time.time() + 60) * 1000)))
        self.send_header("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:eu-west-1:1:f:p")
        self._body(sys.argv[2].encode())

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        answer.update(path=self.path, body=json.loads(body))
        self.send_response(202)
        self._body(b"{}")
        answered.set()

    def _body(self, body: bytes) -> None:
        # Without a content type, the runtime waits forever.
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_args: object) -> None:
        pass


def main() -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Api)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    environment = os.environ | {"AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{server.server_port}"}
    started = time.perf_counter()
    runtime = subprocess.Popen([sys.executable, "-m", "awslambdaric", sys.argv[1]], env=environment)
    try:
        if not answered.wait(60):
            sys.exit("The handler did not respond within 60 seconds.")
    finally:
        runtime.kill()
    print(json.dumps(answer | {"seconds": time.perf_counter() - started}))


if __name__ == "__main__":
    main()
