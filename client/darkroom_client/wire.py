"""HTTP with retries: transient failures are retried, all others become one ClientError.

All threads of a client share one Wire, and `Wire.stop` ends all of them soon.
"""

from __future__ import annotations

import contextlib
import ipaddress
import random
import re
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import urlsplit

import httpx

from darkroom_client.errors import ApiError, Stopped, Unreachable, Unusable

T = TypeVar("T")

TIMEOUT = httpx.Timeout(30.0, connect=10.0)
_MAX_RETRY_AFTER = 60.0
"""Seconds; a longer `Retry-After` is cut to this."""


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Exponential backoff with jitter.

    attempts: in all. first: seconds before the first retry. most: the longest delay, in seconds.
    """

    attempts: int = 5
    first: float = 0.5
    most: float = 8.0

    def delay(self, failures: int) -> float:
        """Return the seconds to wait after `failures` (1 or more) failed attempts."""
        return min(self.most, self.first * 2.0 ** (failures - 1)) * random.uniform(0.5, 1)  # noqa: S311


@dataclass(slots=True)
class Wire:
    """The connection pool of a client, its retry policy, and its stop switch."""

    http: httpx.Client
    retry: RetryPolicy = RetryPolicy()
    _stopping: threading.Event = field(default_factory=threading.Event)

    def stop(self) -> None:
        """Make everything that uses this wire raise Stopped soon."""
        self._stopping.set()

    def check(self) -> None:
        """Raise Stopped if the wire was stopped."""
        if self._stopping.is_set():
            raise Stopped("Stopped.")

    def pause(self, seconds: float) -> None:
        """Sleep for `seconds`; raise Stopped as soon as the wire is stopped."""
        if self._stopping.wait(max(0.0, seconds)):
            raise Stopped("Stopped.")

    def with_retries(self, attempt: Callable[[], T], *, repeatable: bool = True) -> T:
        """Call `attempt` until it succeeds, and return its result.

        repeatable: False if a second execution would do harm; then `attempt` is retried only
        after a failure in which the service did nothing. Raises ApiError or Unreachable when the
        failure is permanent or the attempts are used up, and Stopped.
        """
        failures = 0
        while True:
            self.check()
            try:
                return attempt()
            except Unreachable as error:
                failures += 1
                if failures >= self.retry.attempts or not (repeatable or error.unsent):
                    raise
                retry_after = 0.0
            except ApiError as error:
                failures += 1
                retryable = error.transient if repeatable else error.status in {429, 503}
                if failures >= self.retry.attempts or not retryable:
                    raise
                retry_after = min(error.retry_after, _MAX_RETRY_AFTER)
            self.pause(max(retry_after, self.retry.delay(failures)))

    def request(
        self, method: str, url: str, *, credential: str = "", body: Any = None, **query: str
    ) -> httpx.Response:
        """Send a request once; do not follow redirects. Raises ApiError or Unreachable."""
        headers = {"Authorization": f"Bearer {credential}"} if credential else {}
        with network_errors(url):
            response = self.http.request(
                method, url, headers=headers, json=body, params=query or None
            )
        if response.is_error:
            raise api_error(response)
        return response

    def concurrently(self, tasks: Iterable[Callable[[], T]], threads: int) -> list[T]:
        """Run all tasks on up to `threads` threads and return their results in order.

        After the first error, tasks not yet started are skipped, running tasks finish, and the
        error is raised. Ctrl-C stops the wire, which ends running tasks as well.
        """
        pool = ThreadPoolExecutor(threads)
        try:
            futures = [pool.submit(task) for task in tasks]
            wait(futures, return_when=FIRST_EXCEPTION)
            for future in futures:
                if future.done() and (error := future.exception()):
                    raise error
            return [future.result() for future in futures]
        except KeyboardInterrupt:
            self.stop()
            raise
        finally:
            pool.shutdown(cancel_futures=True)


def parsed(response: httpx.Response, parse: Callable[[Any], T]) -> T:
    """Parse a response's JSON with `parse`. Raises Unusable if it is not a Darkroom document."""
    try:
        return parse(response.json())
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        where = f"{response.url.host}{response.url.path}"
        raise Unusable(f"This address answered, but it is not a Darkroom API: {where}") from error


def new_http(url: str, transport: httpx.BaseTransport | None = None) -> httpx.Client:
    """Create an HTTP client for the service at `url`.

    Raises Unusable if the URL is not HTTP(S), or the environment names an invalid proxy.
    """
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname)
        if usable:
            httpx.URL(url)
    except (ValueError, httpx.InvalidURL):
        usable = False
    if not usable:
        raise Unusable(f"{url!r} is not a valid service URL. Use one that starts with https://")
    try:
        return httpx.Client(
            transport=transport, timeout=TIMEOUT, trust_env=not is_this_machine(url)
        )
    except (ImportError, ValueError) as error:
        raise Unusable(f"The proxy set in the environment cannot be used: {error}") from error


def is_this_machine(url: str) -> bool:
    """Whether a URL's host is this machine. Proxies from the environment are not used for it."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@contextlib.contextmanager
def network_errors(url: str) -> Iterator[None]:
    """Raise Unreachable in place of httpx's transport errors."""
    try:
        yield
    except httpx.TransportError as error:
        unsent = isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout)
        slow = isinstance(error, httpx.TimeoutException)
        why = "no answer in time" if slow else str(error) or type(error).__name__
        raise Unreachable(f"Cannot reach {urlsplit(url).netloc}: {why}", unsent=unsent) from error


def api_error(response: httpx.Response) -> ApiError:
    """Build the ApiError of an error response from the service, S3 or a gateway.

    The response must have been read.
    """
    status, problem = response.status_code, _problem(response)
    fields = problem.get("errors")
    seconds = response.headers.get("retry-after", "")
    error = ApiError(
        str(problem.get("code") or f"http_{status}"),
        str(problem.get("detail") or f"The service answered {status} {response.reason_phrase}."),
        status=status,
        request_id=str(
            problem.get("request_id")
            or response.headers.get("apigw-requestid")
            or response.headers.get("x-amz-request-id", "")
        ),
        fields=[field for field in fields if isinstance(field, dict)]
        if isinstance(fields, list)
        else (),
    )
    error.retry_after = float(seconds) if seconds.isdecimal() else 0.0
    return error


def _problem(response: httpx.Response) -> dict[str, Any]:
    """Return the error document of a response, with the keys of a problem; {} if it has none."""
    try:
        body = response.json()
    except ValueError:
        code = re.search(r"<Code>([^<]+)</Code>", response.text)
        message = re.search(r"<Message>([^<]+)</Message>", response.text)
        if not code:
            return {}
        return {"code": code[1], "detail": f"S3 answered {code[1]}: {message and message[1]}"}
    if not isinstance(body, dict):
        return {}
    return {"detail": body["message"]} | body if "message" in body else body
