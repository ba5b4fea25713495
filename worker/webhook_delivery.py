"""One attempt to deliver a message: signed, sent to an address that was checked, and ended in time whatever comes.

The name is resolved once, its addresses are checked, and the connection goes to one of these very addresses: a name
that means something else a moment later leads nowhere else. TLS still verifies the name. No redirect is followed and no
proxy of the environment is used, since either would lead somewhere that was not checked.
"""

import asyncio
import socket
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from importlib.metadata import version
from ipaddress import ip_address

import httpx
from standardwebhooks import Webhook

from models import webhook_targets
from models.webhook_queue import Outcome, Parcel
from models.webhook_targets import BadTarget

# Of an attempt from the first connection on, however slowly the receiver drips.
TIMEOUT_SECONDS = 15.0
CONNECT_SECONDS = 5.0
# What is left over for the beginning of an answer's body, which nothing depends on.
BODY_SECONDS = 2.0
KEPT_BYTES = 1024
LONGEST_ERROR = 300
# Of a name that has several; the next is tried where one takes no connection.
MOST_ADDRESSES = 4

Resolver = Callable[[str, int], Sequence[str]]


def resolve(host: str, port: int) -> Sequence[str]:
    """The addresses of a host, the best first. Raises ``OSError`` where it has none."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class Sender:
    """Makes attempts; safe to use from several threads. ``resolver`` stands for the system's."""

    def __init__(
        self, allow_private: bool = False, resolver: Resolver = resolve, timeout_seconds: float = TIMEOUT_SECONDS
    ) -> None:
        self._allow_private = allow_private
        self._resolve = resolver
        self._timeout = timeout_seconds
        # Made once: reading the certificates of all authorities takes a while. SSL_CERT_FILE names others.
        self._tls = httpx.create_ssl_context()
        self._agent = f"ganjobs/{version('ganjobs')}"

    def send(self, parcel: Parcel) -> Outcome:
        """Send a message once. Whatever goes wrong on the way is the outcome's error."""
        begun = time.monotonic()
        try:
            url = webhook_targets.parse(parcel.url)
            addresses = self._addresses(url)
            status, answer, retry_after = asyncio.run(self._post(parcel, url, addresses))
        except TimeoutError:
            error = f"no answer within {self._timeout:g} s"
        except (BadTarget, httpx.HTTPError, httpx.InvalidURL, OSError, UnicodeError) as failure:
            error = f"{type(failure).__name__}: {failure}"
        else:
            seconds = time.monotonic() - begun
            return Outcome(seconds, http_status=status, response=_shown(answer), retry_after=retry_after)
        return Outcome(time.monotonic() - begun, error=_printable(error)[:LONGEST_ERROR])

    def _addresses(self, url: httpx.URL) -> list[str]:
        """The addresses to try for a URL.

        Raises:
            BadTarget: none of its host's is public.
            OSError: its host has none.
        """
        host = webhook_targets.host_of(url)
        found = self._resolve(host, url.port or (443 if url.scheme == "https" else 80))
        good = [each for each in found if self._allow_private or webhook_targets.is_public(ip_address(each))]
        if not good:
            raise BadTarget("private_target", f"{host} leads to no public address: {', '.join(found)}")
        return good[:MOST_ADDRESSES]

    async def _post(self, parcel: Parcel, url: httpx.URL, addresses: list[str]) -> tuple[int, bytes, float | None]:
        """The status, the beginning of the body and the Retry-After of the answer."""
        timeout = httpx.Timeout(self._timeout, connect=min(CONNECT_SECONDS, self._timeout))
        client = httpx.AsyncClient(verify=self._tls, trust_env=False, follow_redirects=False, timeout=timeout)
        async with asyncio.timeout(self._timeout), client:
            response = await self._first_answer(client, parcel, url, addresses)
            beginning = b""
            # The answer is known; who drips its body, or breaks it off, has still given it.
            with suppress(TimeoutError, httpx.HTTPError):
                async with asyncio.timeout(min(BODY_SECONDS, self._timeout / 4)):
                    async for part in response.aiter_raw():
                        beginning += part
                        if len(beginning) >= KEPT_BYTES:
                            break
            await response.aclose()
        return response.status_code, beginning[:KEPT_BYTES], _retry_after(response.headers.get("retry-after"))

    async def _first_answer(
        self, client: httpx.AsyncClient, parcel: Parcel, url: httpx.URL, addresses: list[str]
    ) -> httpx.Response:
        for left, address in zip(reversed(range(len(addresses))), addresses, strict=True):
            request = client.build_request(
                "POST",
                url.copy_with(host=address),
                content=parcel.body.encode(),
                headers=self._headers(parcel) | {"Host": url.netloc.decode("ascii")},
                # What TLS asks for, and verifies the certificate against.
                extensions={"sni_hostname": webhook_targets.host_of(url)},
            )
            try:
                return await client.send(request, stream=True)
            except (httpx.ConnectError, httpx.ConnectTimeout):
                if not left:
                    raise
        raise AssertionError("there is no address without an end")

    def _headers(self, parcel: Parcel) -> dict[str, str]:
        now = datetime.now(UTC)
        signatures = (Webhook(secret).sign(parcel.id, now, parcel.body) for secret in parcel.secrets)
        return {
            "Content-Type": "application/json",
            "Accept-Encoding": "identity",
            "User-Agent": self._agent,
            "Webhook-Id": parcel.id,
            "Webhook-Timestamp": str(int(now.timestamp())),
            "Webhook-Signature": " ".join(signatures),
        }


def _retry_after(header: str | None) -> float | None:
    """Seconds from now; ``None`` where the header is absent or means nothing."""
    if header is None:
        return None
    if header.isascii() and header.isdigit():
        return float(header[:9])
    try:
        moment = parsedate_to_datetime(header)
    except ValueError:
        return None
    return max(0.0, (moment.replace(tzinfo=moment.tzinfo or UTC) - datetime.now(UTC)).total_seconds())


def _shown(body: bytes) -> str | None:
    return _printable(body.decode("utf-8", "replace")) or None


def _printable(text: str) -> str:
    """Text that a database and a terminal take."""
    return "".join(each if each.isprintable() or each == "\n" else "\N{REPLACEMENT CHARACTER}" for each in text)
