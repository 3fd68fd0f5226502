"""Counting tokens: four for every three words, so that the same text always counts the same."""

import hashlib
import re

_WORD = re.compile(r"\S+\s*")
_BLOCK_WORDS = 96
BLOCK = 128
"""Tokens by which a cached beginning grows; 96 words."""

FIRST = 1024
"""A beginning shorter than this is never cached, as with OpenAI."""

PICTURE = 85
"""Tokens a picture counts, whatever its size."""


def words(text: str) -> list[str]:
    """The words of a text, each with the space behind it."""
    return _WORD.findall(text)


def count(text: str) -> int:
    """The tokens of a text."""
    return _tokens(len(words(text)))


def cut(text: str, limit: int | None) -> tuple[str, bool]:
    """The beginning of a text that has at most `limit` tokens, and whether anything is missing."""
    found = words(text)
    if limit is None or _tokens(len(found)) <= limit:
        return text, False
    return "".join(found[: limit * 3 // 4]).rstrip(), True


class Cache:
    """The beginnings of earlier prompts."""

    def __init__(self) -> None:
        self._seen: set[bytes] = set()

    def count(self, prompt: str) -> int:
        """How many tokens at the beginning of a prompt were seen before; remembers this prompt."""
        running = hashlib.sha256()
        cached, tokens = 0, 0
        found = words(prompt)
        for end in range(_BLOCK_WORDS, len(found) + 1, _BLOCK_WORDS):
            running.update("".join(found[end - _BLOCK_WORDS : end]).encode("utf-8", "surrogatepass"))
            tokens += BLOCK
            if running.digest() in self._seen and cached == tokens - BLOCK:
                cached = tokens
            self._seen.add(running.digest())
        return cached if cached >= FIRST else 0


def _tokens(number: int) -> int:
    return -(-number * 4 // 3)
