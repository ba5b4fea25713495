"""Where webhooks may go, and where not, however it is written."""

from ipaddress import ip_address

import pytest

from models.webhook_targets import BadTarget, check, is_public, parse

PRIVATE = [
    "http://127.0.0.1/",
    "http://127.1/",
    "http://2130706433/",
    "http://0x7f000001/",
    "http://0x7f.1/",
    "http://017700000001/",
    "http://127.0.0.1./",
    "http://127。0。0。1/",
    "http://0.0.0.0/",
    "http://0/",
    "http://10.1.2.3/",
    "http://172.16.0.1/",
    "http://192.168.0.1:8080/",
    "http://169.254.169.254/latest/meta-data/",
    "http://100.64.0.1/",
    "http://192.0.0.192/",
    "http://192.0.0.9/",
    "http://192.88.99.1/",
    "http://[2002:c058:6301::]/",
    "http://192.0.2.1/",
    "http://198.18.0.1/",
    "http://224.0.0.1/",
    "http://240.0.0.1/",
    "http://255.255.255.255/",
    "http://[::1]/",
    "http://[::]/",
    "http://[::127.0.0.1]/",
    "http://[::ffff:127.0.0.1]/",
    "http://[::ffff:a00:1]/",
    "http://[64:ff9b::7f00:1]/",
    "http://[64:ff9b:1::1]/",
    "http://[2002:7f00:1::]/",
    "http://[2001::1]/",
    "http://[2001:db8::1]/",
    "http://[fe80::1]/",
    "http://[fec0::1]/",
    "http://[fd00::1]/",
    "http://[ff02::1]/",
    "http://localhost:8000/",
    "http://LOCALHOST./",
    "https://api.localhost/",
]
PUBLIC = [
    "https://hooks.example.com/path?query=1",
    "http://8.8.8.8/",
    "http://134744072/",
    "https://[2606:4700:4700::1111]:8443/",
    "http://[::ffff:8.8.8.8]/",
    "http://[64:ff9b::808:808]/",
    "https://bücher.example/",
    "HTTPS://Example.COM",
]


@pytest.mark.parametrize("url", PRIVATE)
def test_private_targets_are_refused_unless_they_are_allowed(url: str) -> None:
    with pytest.raises(BadTarget) as caught:
        check(url)
    assert caught.value.code == "private_target"
    check(url, allow_private=True)


@pytest.mark.parametrize("url", PUBLIC)
def test_public_targets_are_taken(url: str) -> None:
    check(url)


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("ftp://example.com/", "malformed_url"),
        ("example.com/hook", "malformed_url"),
        ("//example.com/hook", "malformed_url"),
        ("http://", "malformed_url"),
        ("http:///hook", "malformed_url"),
        ("http://exa mple.com/", "malformed_url"),
        ("http://exa%20mple.com/", "malformed_url"),
        ("http://example.com\\@127.0.0.1/", "malformed_url"),
        ("http://example.com/\x00", "malformed_url"),
        ("http://example.com/a\nb", "malformed_url"),
        ("http://example.com:0/", "malformed_url"),
        ("http://example.com:65536/", "malformed_url"),
        ("http://[fe80::1%25eth0]/", "malformed_url"),
        ("http://[::1", "malformed_url"),
        ("http://0177.0.0.1/", "malformed_url"),
        ("http://127.0.0.256/", "malformed_url"),
        ("http://example.com/#part", "malformed_url"),
        ("http://example.com/#", "malformed_url"),
        ("http://user:secret@example.com/", "credentials"),
        ("http://user@example.com/", "credentials"),
        ("http://@example.com/", "credentials"),
        ("http://example.com/" + "x" * 2048, "too_long"),
    ],
)
def test_what_is_no_address_of_a_receiver_is_refused_even_where_private_ones_are_allowed(url: str, code: str) -> None:
    with pytest.raises(BadTarget) as caught:
        check(url, allow_private=True)
    assert caught.value.code == code


def test_credentials_are_not_repeated_in_the_refusal() -> None:
    with pytest.raises(BadTarget) as caught:
        parse("https://user:hunter2@example.com/")
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(("address", "public"), [("fe80::1%eth0", False), ("1.1.1.1", True), ("2a00:1450::1", True)])
def test_addresses_as_a_resolver_gives_them(address: str, public: bool) -> None:
    assert is_public(ip_address(address)) is public
