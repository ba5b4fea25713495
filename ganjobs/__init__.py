"""What a user imports or types: the Python client, the ``ganjobs`` command and the embedded stack."""

from ganjobs.rest import ApiError, ApiUnreachable, ClientError, Rest

__all__ = ["ApiError", "ApiUnreachable", "ClientError", "Rest"]
