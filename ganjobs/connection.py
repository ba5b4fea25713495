"""How the API is reached: its address, and what one shows there to be let in. None of that is ever shown here."""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict

import httpx

from ganjobs.address import shown
from ganjobs.errors import ClientError

if TYPE_CHECKING:
    from ganjobs.environment import Credentials

Auth = httpx.Auth | tuple[str, str]
Verify = bool | str | Path | ssl.SSLContext


class Login(TypedDict, total=False):
    """What may be given besides a URL."""

    headers: Mapping[str, str] | None
    """Sent with every request."""
    token: str | None
    """Sent as ``Authorization: Bearer``; that of ``GANJOBS_TOKEN`` where nothing of the kind is given."""
    auth: Auth | None
    """A name and a password, or whatever else ``httpx`` takes."""
    verify: Verify
    """Whether the server's certificate is checked (True), and by which certificates: a file or a folder of PEM.
    ``GANJOBS_CA_FILE`` names one where this is only True."""


@dataclass(frozen=True)
class Connection:
    """``url``: the API's address as it may be shown, with no name or password in it."""

    url: str
    options: Mapping[str, Any] = field(repr=False)
    """What ``httpx`` is given: who may see the API is in it."""

    @classmethod
    def to(
        cls,
        url: str,
        headers: Mapping[str, str] | None = None,
        token: str | None = None,
        auth: Auth | None = None,
        verify: Verify = True,
    ) -> "Connection":
        """To the API at ``url``, which may hold a name and a password (``http://name:password@host``).

        Raises:
            ClientError: there are several ways to log in, or a certificate cannot be read.
            httpx.InvalidURL: that is no URL.
        """
        parsed = httpx.URL(url)
        in_url = (parsed.username, parsed.password) if parsed.userinfo else None
        sent = httpx.Headers(dict(headers or {}))
        if sum(each is not None for each in (token, auth, in_url)) > 1:
            raise ClientError(f"{shown(url)}: give a token, a login, or one within the URL, and only one of them")
        from ganjobs.environment import Credentials  # takes a while, and a shell that completes a word needs none

        credentials = Credentials()
        if token is None and auth is None and in_url is None and "Authorization" not in sent and credentials.token:
            token = credentials.token.get_secret_value()
        if token:
            _check_header(token)
            sent["Authorization"] = f"Bearer {token}"
        base = parsed.copy_with(userinfo=b"")
        options = {"base_url": base, "headers": sent, "auth": auth or in_url, "verify": _verify(verify, credentials)}
        return cls(shown(url).rstrip("/"), options)


def _check_header(token: str) -> None:
    if not token.isascii() or not token.isprintable() or " " in token:
        raise ClientError("the token holds characters that no header can: is there a line end in it?")


def _verify(verify: Verify, credentials: "Credentials") -> bool | ssl.SSLContext:
    """As ``httpx`` takes it."""
    trusted = credentials.ca_file if verify is True else verify
    if trusted is None or isinstance(trusted, bool | ssl.SSLContext):
        return True if trusted is None else trusted
    path = Path(trusted).expanduser()
    try:
        if path.is_dir():
            return ssl.create_default_context(capath=str(path))
        return ssl.create_default_context(cafile=str(path))
    except OSError as error:  # ssl.SSLError is one
        raise ClientError(f"{path}: no certificates to check the API's by ({error.strerror or error})") from error
