"""Every parser of what strangers send takes everything: it never raises, and what it gives can be stored.

The same targets as `make fuzz`; here with a few hundred changed samples, the same ones every time.
"""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz.targets import TARGETS

NASTY = (
    *(
        b"\x00",
        b"\r\n",
        b"\r",
        b"\n\n",
        b"\xff\xfe",
        b"\xed\xa0\x80",
        b"\xc2\x85",
        b"\xe2\x80\xa8",
        b"\xf0\x9f\x91\xa9",
        b"\x1e",
    ),
    *(
        b"<" * 300,
        b"[" * 300,
        b"=?utf-8?b?",
        b"Content-Type: multipart/mixed; boundary=b\r\n",
        b"--b",
        b"%00%0d%0a",
        b"%",
        b"&",
    ),
    *(b"\r\nBcc: x@y.example\r\n\r\n", b"=" * 50, b"9" * 400, b"PK\x01\x02", b"> " * 200, b"*_~`" * 50, b"a" * 1_000),
)


@st.composite
def changed(draw: st.DrawFn, samples: tuple[bytes, ...]) -> bytes:
    """A sample, cut, doubled and with other bytes put into it; now and then nothing but other bytes."""
    data = draw(st.sampled_from((*samples, b"")))
    for _ in range(draw(st.integers(0, 4))):
        start, end = sorted((draw(st.integers(0, len(data))), draw(st.integers(0, len(data)))))
        put = draw(st.one_of(st.sampled_from(NASTY), st.binary(max_size=30), st.just(data[start:end])))
        data = data[:start] + put + data[draw(st.sampled_from((start, end))) :]
    return data


@pytest.mark.parametrize("name", TARGETS)
def test_any_bytes_are_read(name: str) -> None:
    target = TARGETS[name]

    @settings(max_examples=150)
    @given(changed(target.samples))
    def holds(data: bytes) -> None:
        target.run(data)

    holds()


@pytest.mark.parametrize("name", TARGETS)
def test_each_sample_is_what_its_parser_is_made_for(name: str) -> None:
    for sample in TARGETS[name].samples:
        TARGETS[name].run(sample)
