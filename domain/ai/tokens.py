"""How many tokens a text is taken for: an estimate that is the same everywhere, whatever the model."""

_BYTES_PER_TOKEN = 3
TURN_TOKENS = 4
"""What the frame of one turn takes."""


def estimate(text: str) -> int:
    """Return the number of tokens a text is taken for: one for every three bytes of UTF-8, rounded up.

    Tokenizers of today need one for about four bytes of English, three of Portuguese, and three (a character) of
    Chinese, so this is seldom too few, and never depends on a tokenizer that only some providers have.
    """
    return -(-len(text.encode("utf-8", "surrogatepass")) // _BYTES_PER_TOKEN)
