"""HTTP with retry: what fails for a moment is tried again, what stays wrong is one clear error.

One wire is shared by all threads of a client, and `stop` ends all of them soon.
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
_LONGEST_WAIT = 60.0


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often something is tried, and the seconds between: doubled each time, with jitter."""

    attempts: int = 5
    first: float = 0.5
    most: float = 8.0

    def delay(self, failures: int) -> float:
        """After `failures` failures, 1 or more."""
        return min(self.most, self.first * 2.0 ** (failures - 1)) * random.uniform(0.5, 1)  # noqa: S311


@dataclass(slots=True)
class Wire:
    http: httpx.Client
    retry: RetryPolicy = RetryPolicy()
    _stopping: threading.Event = field(default_factory=threading.Event)

    def stop(self) -> None:
        """Make running requests raise Stopped soon."""
        self._stopping.set()

    def check(self) -> None:
        """Raises Stopped."""
        if self._stopping.is_set():
            raise Stopped("Stopped.")

    def pause(self, seconds: float) -> None:
        """Raises Stopped, without waiting to the end."""
        if self._stopping.wait(max(0.0, seconds)):
            raise Stopped("Stopped.")

    def with_retries(self, attempt: Callable[[], T], *, repeatable: bool = True) -> T:
        """What `attempt` returns, at last.

        repeatable: False where doing it twice does harm; then only what has surely not been done
        is tried again.
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
                wanted = 0.0
            except ApiError as error:
                failures += 1
                again = error.transient if repeatable else error.status in {429, 503}
                if failures >= self.retry.attempts or not again:
                    raise
                wanted = min(error.retry_after, _LONGEST_WAIT)
            self.pause(max(wanted, self.retry.delay(failures)))

    def request(
        self, method: str, url: str, *, credential: str = "", body: Any = None, **query: str
    ) -> httpx.Response:
        """One attempt. Redirects are answers. Raises ApiError or Unreachable."""
        headers = {"Authorization": f"Bearer {credential}"} if credential else {}
        with network_errors(url):
            response = self.http.request(
                method, url, headers=headers, json=body, params=query or None
            )
        if response.is_error:
            raise api_error(response)
        return response

    def concurrently(self, tasks: Iterable[Callable[[], T]], threads: int) -> list[T]:
        """Run all tasks; the first error ends it, and so does Ctrl-C."""
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
    """What `parse` makes of an answer's JSON. Raises Unusable where it is from no Darkroom."""
    try:
        return parse(response.json())
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        where = f"{response.url.host}{response.url.path}"
        raise Unusable(f"This address answered, but it is not a Darkroom API: {where}") from error


def new_http(url: str, transport: httpx.BaseTransport | None = None) -> httpx.Client:
    """A client for the service at `url`. Raises Unusable."""
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
        raise Unusable(f"The proxy that the environment names cannot be used: {error}") from error


def is_this_machine(url: str) -> bool:
    """Then no proxy leads there, whatever the environment says."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@contextlib.contextmanager
def network_errors(url: str) -> Iterator[None]:
    """Turns the errors of the network into Unreachable."""
    try:
        yield
    except httpx.TransportError as error:
        unsent = isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout)
        slow = isinstance(error, httpx.TimeoutException)
        why = "no answer in time" if slow else str(error) or type(error).__name__
        raise Unreachable(f"Cannot reach {urlsplit(url).netloc}: {why}", unsent=unsent) from error


def api_error(response: httpx.Response) -> ApiError:
    """The error of a response that has been read: the service's own, S3's, or a gateway's."""
    status, told = response.status_code, _told(response)
    fields = told.get("errors")
    seconds = response.headers.get("retry-after", "")
    error = ApiError(
        str(told.get("code") or f"http_{status}"),
        str(told.get("detail") or f"The service answers {status} {response.reason_phrase}."),
        status=status,
        request_id=str(
            told.get("request_id")
            or response.headers.get("apigw-requestid")
            or response.headers.get("x-amz-request-id", "")
        ),
        fields=[field for field in fields if isinstance(field, dict)]
        if isinstance(fields, list)
        else (),
    )
    error.retry_after = float(seconds) if seconds.isdecimal() else 0.0
    return error


def _told(response: httpx.Response) -> dict[str, Any]:
    try:
        body = response.json()
    except ValueError:
        code = re.search(r"<Code>([^<]+)</Code>", response.text)
        message = re.search(r"<Message>([^<]+)</Message>", response.text)
        if not code:
            return {}
        return {"code": code[1], "detail": f"The storage says {code[1]}: {message and message[1]}"}
    if not isinstance(body, dict):
        return {}
    return {"detail": body["message"]} | body if "message" in body else body
