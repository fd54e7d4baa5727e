"""Integer seeds that depend on names, never on the order in which work is done."""

import hashlib
import operator


def derive(seed: int, *names: str | int) -> int:
    """A seed in [0, 2^63) for one purpose: blake2b over the parent seed and the names.

    Two purposes never share a stream, and adding a purpose leaves every other stream as it was:
    `derive(0, "start", 3)` is the same number in any process, whatever was drawn before.
    """
    text = "/".join([str(int(seed)), *map(_segment, names)])
    digest = hashlib.blake2b(text.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") >> 1


def _segment(name: str | int) -> str:
    """The name with its type, so that the class 1 and the class "1" stay apart; NumPy's 1 is the same as Python's."""
    if isinstance(name, str):
        # Escaped, so that the names "a", "b" and the one name "a/str:b" stay apart.
        return "str:" + name.replace("\\", "\\\\").replace("/", "\\/")
    return f"int:{operator.index(name)}"
