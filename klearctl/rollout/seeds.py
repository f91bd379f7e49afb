"""Seeds of samples: what a sample is for in, a number out, whatever server draws it and beside which others."""

import hashlib

SPACING_BITS = 16  # vLLM seeds sample i of a request with seed + i


def seed_of(*parts: object) -> int:
    """A seed below 2^63 that depends on the parts alone, and on all of them; the next 2^16 belong to it too."""
    digest = hashlib.blake2b(repr(parts).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1 >> SPACING_BITS << SPACING_BITS
