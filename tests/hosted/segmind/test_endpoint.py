from __future__ import annotations

import pytest
from multifaceswap.hosted.segmind.endpoint import (
    Endpoint,
    is_web_url,
    peer_is_allowed,
    peer_may_have_key,
    require_media_url,
)
from multifaceswap.hosted.segmind.errors import RefusedAddressError
from multifaceswap.pipeline.errors import SettingsError


def test_default_addresses_are_the_documented_ones():
    endpoint = Endpoint.from_environment({})
    assert endpoint.synchronous_url == "https://api.segmind.com/v1/faceswap-v3-multifaceswap"
    assert endpoint.submit_url == "https://api.segmind.com/v2/faceswap-v3-multifaceswap"
    assert endpoint.status_url("a b", "") == "https://api.segmind.com/v2/requests/a%20b/status"
    assert endpoint.response_url("a/b", "") == "https://api.segmind.com/v2/requests/a%2Fb"
    assert endpoint.upload_url == "https://workflows-api.segmind.com/upload-asset"
    assert not endpoint.is_loopback


def test_another_base_moves_all_addresses():
    endpoint = Endpoint.from_environment({"SEGMIND_BASE_URL": " http://127.0.0.1:8000/proxy/v1/ "})
    assert endpoint.base == "http://127.0.0.1:8000/proxy/v1"
    assert endpoint.submit_url == "http://127.0.0.1:8000/proxy/v2/faceswap-v3-multifaceswap"
    assert endpoint.upload_url == "http://127.0.0.1:8000/upload-asset"
    assert endpoint.is_loopback


@pytest.mark.parametrize("base", ["http://localhost/v1", "http://127.8.9.1:1/v1", "http://[::1]:80/v1"])
def test_plain_http_is_for_this_machine(base):
    assert Endpoint(base).is_loopback


@pytest.mark.parametrize(
    "base",
    ["http://api.segmind.com/v1", "http://10.0.0.1/v1", "http://localhost.example/v1", "http://0.0.0.0/v1",
     "https://api.segmind.com", "https://api.segmind.com/v2", "https:///v1", "ftp://localhost/v1", "localhost/v1", "",
     "https://user:secret@api.segmind.com/v1", "https://api.segmind.com/v1?x=/v1", "https://api.segmind.com/#/v1",
     "https://api.segmind.com:99999/v1", "https://api.segmind.com:port/v1", "https://a b/v1", "https://a\\b/v1"],
)  # fmt: skip
def test_bases_that_are_unsafe_or_wrong_are_refused(base):
    with pytest.raises(SettingsError, match="SEGMIND_BASE_URL: expected ") as caught:
        Endpoint(base)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("offered", "used"),
    [
        ("https://api.segmind.com/v3/x", True),
        ("https://api.segmind.com:443/v3/x", True),
        ("HTTPS://API.segmind.com/v3/x", True),
        ("http://api.segmind.com/v3/x", False),
        ("https://api.segmind.com:444/v3/x", False),
        ("https://api.segmind.com.evil.example/x", False),
        ("https://api.segmind.com@evil.example/x", False),
        ("https://evil.example\\@api.segmind.com/x", False),
        ("/v3/x", False),
        ("", False),
    ],
)
def test_offered_urls_are_used_on_the_same_origin_alone(offered, used):
    expected = offered if used else "https://api.segmind.com/v2/requests/id/status"
    assert Endpoint().status_url("id", offered) == expected


PUBLIC = ["https://images.segmind.com/a.png?x=1", "https://8.8.8.8/", "https://[2606:4700::1111]:8443/x"]
LOOPBACK = ["http://127.0.0.1:9/x", "https://localhost/x", "http://[::1]/x"]
REFUSED = [
    "http://images.segmind.com/a.png", "https://10.1.2.3/", "https://172.16.0.1/", "https://192.168.0.1/",
    "https://169.254.169.254/", "https://100.64.0.1/", "https://0.0.0.0/", "https://224.0.0.1/", "https://[fe80::1]/",
    "https://[fd00::1]/", "https://[::ffff:10.0.0.1]/", "https://[64:ff9b::a00:1]/", "https://[2002:a00:1::]/",
    "https://user@images.segmind.com/", "file:///etc/passwd", "data:image/png;base64,AA", "//x/y", "https://",
]  # fmt: skip


@pytest.mark.parametrize("loopback", [True, False])
@pytest.mark.parametrize("url", [*PUBLIC, *LOOPBACK, *REFUSED])
def test_results_come_from_public_addresses_or_this_machine_where_the_api_is(url, loopback):
    if url in PUBLIC or (loopback and url in LOOPBACK):
        require_media_url(url, loopback)
    else:
        with pytest.raises(RefusedAddressError):
            require_media_url(url, loopback)


@pytest.mark.parametrize(
    ("peer", "scheme", "loopback", "allowed"),
    [
        ("8.8.8.8", "https", False, True),
        ("8.8.8.8", "http", True, False),
        ("::ffff:8.8.8.8", "https", False, True),
        ("64:ff9b::808:808", "https", False, True),
        ("64:ff9b::7f00:1", "https", False, False),
        ("10.0.0.1", "https", True, False),
        ("fe80::1%eth0", "https", True, False),
        ("127.0.0.1", "https", False, False),
        ("127.0.0.1", "http", True, True),
        ("::ffff:127.0.0.1", "http", True, True),
        ("somewhere", "https", True, False),
    ],
)
def test_reached_address_decides(peer, scheme, loopback, allowed):
    assert peer_is_allowed(peer, scheme, loopback) is allowed


@pytest.mark.parametrize(
    ("peer", "scheme", "allowed"),
    [("8.8.8.8", "https", True), ("10.0.0.1", "https", True), ("127.0.0.1", "http", True), ("8.8.8.8", "http", False),
     ("192.168.0.1", "http", False)],
)  # fmt: skip
def test_key_goes_unencrypted_to_this_machine_alone(peer, scheme, allowed):
    assert peer_may_have_key(peer, scheme) is allowed


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://a.example/x.png", True),
        ("http://a.example", True),
        ("a.png", False),
        ("C:\\a.png", False),
        ("", False),
    ],
)
def test_web_urls_are_told_from_paths(text, expected):
    assert is_web_url(text) is expected
