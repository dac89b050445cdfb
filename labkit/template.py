"""The lab's template, as text: to deploy, and to read piece by piece."""

from __future__ import annotations

import re
from pathlib import Path

from labkit.errors import ParameterError

TEMPLATE = Path(__file__).parent.parent / "cfn" / "lab.yaml"
"""The lab's template."""


def resource_text(template: str, logical_id: str) -> str:
    """Return the lines of one resource, with the comments that stand above it.

    Args:
        template: A template in YAML, its resources indented by two spaces.
        logical_id: The resource's name in it.

    Raises:
        ParameterError: The template has no such resource.
    """
    resources = re.split(r"^\w", template.split("\nResources:")[1], flags=re.MULTILINE)[0]
    lines = resources.splitlines()
    if f"  {logical_id}:" not in lines:
        raise ParameterError(f"The template has no resource {logical_id}.")
    begin = end = lines.index(f"  {logical_id}:")
    while lines[begin - 1].startswith("  #"):
        begin -= 1
    while end + 1 < len(lines) and (not lines[end + 1] or lines[end + 1].startswith("   ")):
        end += 1
    return "\n".join(lines[begin : end + 1]).rstrip()
