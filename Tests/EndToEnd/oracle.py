"""What is true of F(n), computed with GMP, independently of the service."""

from __future__ import annotations

import json

import gmpy2

LAST_JSON_NUMBER = 78
"""F(78) is the last Fibonacci number that is at most 2^53 - 1."""


def digits(n: int) -> str:
    """F(n) in decimal."""
    return gmpy2.fib(n).digits()


def digit_count(n: int) -> int:
    """The number of digits of F(n), without computing F(n)."""
    if n < 10:
        return len(digits(n))
    with gmpy2.context(precision=256):
        sqrt5 = gmpy2.sqrt(gmpy2.mpfr(5))
        logarithm = n * gmpy2.log10((1 + sqrt5) / 2) - gmpy2.log10(sqrt5)
        return int(gmpy2.floor(logarithm)) + 1


def cost(n: int) -> int:
    """The published price of F(n) in tokens."""
    return 1 + digit_count(n) // 10_000


def precision(n: int) -> str:
    """The value of X-Precision."""
    return "integer" if n <= LAST_JSON_NUMBER else "string"


def json_body(n: int) -> bytes:
    """The exact body of the JSON representation."""
    value = digits(n)
    quote = "" if n <= LAST_JSON_NUMBER else '"'
    return f'{{"n":{n},"fibonacci":{quote}{value}{quote}}}'.encode()


def text_body(n: int) -> bytes:
    """The exact body of the text representation."""
    return digits(n).encode()


def body(n: int, representation: str) -> bytes:
    return json_body(n) if representation == "json" else text_body(n)


def content_length(n: int, representation: str) -> int:
    """The length of a representation, without computing F(n)."""
    if representation == "text":
        return digit_count(n)
    quotes = 0 if n <= LAST_JSON_NUMBER else 2
    return len(json.dumps({"n": n, "fibonacci": None}, separators=(",", ":"))) - len("null") + quotes + digit_count(n)


def etag(n: int, representation: str) -> str:
    return f'"fib-v1-{representation}-{n}"'
