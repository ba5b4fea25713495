"""What the API still lacks, in words."""

import json

import httpx

TIMEOUT_SECONDS = 10.0


def missing_checks(url: str) -> list[str]:
    """Empty once the API says that it is ready; otherwise the checks that fail."""
    try:
        response = httpx.get(f"{url}/readyz", timeout=TIMEOUT_SECONDS)
    except httpx.TransportError:
        return ["the API does not answer yet"]
    if response.is_success:
        return []
    try:
        body = response.json()
    except json.JSONDecodeError:
        body = {}
    checks = (body.get("checks") or {}).items()
    failing = [f"{name}: {check['detail']}" for name, check in checks if check["status"] != "ok"]
    return failing or [f"/readyz answers {response.status_code}"]
