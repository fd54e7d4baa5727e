"""What a page would ask of the network: pages of the course and of learners should hold all that they need."""

import re

# What makes a browser ask for something: attributes, imports and addresses in styles, and calls in scripts.
_LOADS = re.compile(
    r"""(?:<(?:script|img|iframe|embed|source|video|audio|track|link|object)\b[^>]*?\b(?:src|href|data)\s*=\s*["']?"""
    r"""|url\(\s*["']?|\b(?:fetch|import)\(\s*["'])(?P<address>(?:https?:)?//[^\s"'<>)]+)"""
    r"""|@import\s+(?:url\(\s*)?["']?(?P<sheet>[^\s"'<>);]+)""",
    re.IGNORECASE,
)


def outside(page: str) -> list[str]:
    """Addresses that a browser would ask for when it opens this HTML, sorted; links that wait for a click are none."""
    return sorted({found["address"] or found["sheet"] for found in _LOADS.finditer(page)})
