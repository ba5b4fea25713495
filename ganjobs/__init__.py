"""What a user imports or types: the Python client, the ``ganjobs`` command and the embedded stack."""

from ganjobs.client import ApiError, ApiUnreachable, Client, ClientError

__all__ = ["ApiError", "ApiUnreachable", "Client", "ClientError"]
