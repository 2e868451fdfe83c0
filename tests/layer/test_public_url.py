"""Which callback URLs are accepted, and which addresses are public."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from darkroom.addresses import is_public
from darkroom.public_url import PublicUrl, parse_public_url
from tests.layer.hosts import PRIVATE

PUBLIC = [
    "8.8.8.8",
    "93.184.216.34",
    "100.63.255.255",
    "100.128.0.1",
    "172.32.0.1",
    "2606:4700:4700::1111",
    "2a00:1450:4001:81b::200e",
    "::ffff:8.8.8.8",
    "64:ff9b::808:808",
    "2002:808:808::1",
    "2a00:1450::5efe:808:808",
]


@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses_are_not_public(address: str) -> None:
    assert not is_public(ip_address(address))


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_public(address: str) -> None:
    assert is_public(ip_address(address))


@given(st.ip_addresses(v=4))
def test_an_embedded_ipv4_address_decides(inner: IPv4Address) -> None:
    number = int(inner)
    for outer in (
        IPv6Address(0xFFFF << 32 | number),
        IPv6Address(0x64FF9B << 96 | number),
        IPv6Address(0x2002 << 112 | number << 80 | 1),
    ):
        assert is_public(outer) is is_public(inner)


@given(st.ip_addresses(v=6))
def test_other_ipv6_addresses_are_public_only_in_global_unicast(address: IPv6Address) -> None:
    if address.ipv4_mapped is None and int(address) >> 32 != 0x64FF9B << 64:
        assert not is_public(address) or int(address) >> 125 == 1


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://shop.example/done", PublicUrl("shop.example", 443, "/done")),
        ("HTTPS://Shop.Example", PublicUrl("shop.example", 443, "/")),
        ("https://shop.example:8443?a=1&b=%20", PublicUrl("shop.example", 8443, "/?a=1&b=%20")),
        ("https://shop.example:/x//y/../z", PublicUrl("shop.example", 443, "/x//y/../z")),
        ("https://xn--bcher-kva.example/", PublicUrl("xn--bcher-kva.example", 443, "/")),
        ("https://8.8.8.8/", PublicUrl("8.8.8.8", 443, "/")),
        ("https://[2606:4700::1111]:444/", PublicUrl("2606:4700::1111", 444, "/")),
        ("https://1password.com/", PublicUrl("1password.com", 443, "/")),
    ],
)
def test_a_url_is_parsed(url: str, expected: PublicUrl) -> None:
    assert parse_public_url(url) == expected


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("", "https://"),
        ("http://shop.example/", "https://"),
        ("ftp://shop.example/", "https://"),
        ("//shop.example/", "https://"),
        ("https:shop.example", "host"),
        ("https:///path", "host"),
        ("https://:443/", "host"),
        ("https://user@shop.example/", "user name"),
        ("https://user:pass@shop.example/", "user name"),
        ("https://@shop.example/", "user name"),
        ("https://shop.example/#top", "fragment"),
        ("https://shop.example/#", "fragment"),
        ("https://shop.example:0/", "port 0"),
        ("https://shop.example:65536/", "not a URL"),
        ("https://shop.example:x/", "not a URL"),
        ("https://[::1/", "not a URL"),
        ("https://shop.example/" + "a" * 2028, "2,048"),
        ("https://shop.example/a b", "characters"),
        ("https://shop.example/\n", "characters"),
        ("https://shop\t.example/", "characters"),
        ("https://shop.example\\@other.example/", "characters"),
        ("https://bücher.example/", "characters"),
        ("https://shop.example./", "host"),
        ("https://-shop.example/", "host"),
        ("https://shop..example/", "host"),
        ("https://sh%6fp.example/", "host"),
        (f"https://{'a' * 64}.example/", "host"),
        (f"https://{'.'.join(['a' * 60] * 5)}/", "host"),
        ("https://2130706433/", "like an IP address"),
        ("https://0x7f000001/", "like an IP address"),
        ("https://127.1/", "like an IP address"),
        ("https://0177.0.0.1/", "like an IP address"),
        ("https://127.0.0.0x1/", "like an IP address"),
        ("https://[shop.example]/", "not a URL|like an IP address"),
    ],
)
def test_a_url_that_is_not_allowed_is_refused_with_the_reason(url: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        parse_public_url(url)


@pytest.mark.parametrize("address", PRIVATE)
def test_a_url_with_a_private_address_is_refused(address: str) -> None:
    host = f"[{address}]" if ":" in address else address
    with pytest.raises(ValueError):
        parse_public_url(f"https://{host}/")


@given(st.text(max_size=60))
def test_any_text_is_parsed_or_refused_with_a_sentence(rest: str) -> None:
    for text in (rest, f"https://{rest}", f"https://shop.example{rest}"):
        try:
            parsed = parse_public_url(text)
        except ValueError as error:
            assert str(error).startswith("it")
        else:
            assert parsed.host
            assert parsed.path.startswith("/")
            assert (parsed.host + parsed.path).isascii()
            assert (parsed.host + parsed.path).isprintable()
