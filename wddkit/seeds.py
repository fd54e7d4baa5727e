"""Integer seeds that depend on names, never on the order in which work is done."""

import hashlib


def derive(seed: int, *names: str | int) -> int:
    """A seed in [0, 2^63) for one purpose: blake2b over the parent seed and the names.

    Two purposes never share a stream, and adding a purpose leaves every other stream as it was:
    `derive(0, "start", 3)` is the same number in any process, whatever was drawn before.
    """
    # The type stands in the text, so that the class 1 and the class "1" stay apart.
    text = "/".join([str(int(seed)), *(f"{type(name).__name__}:{name}" for name in names)])
    digest = hashlib.blake2b(text.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") >> 1
