"""Who is in front of this Python: a person at a notebook, or nobody."""

from __future__ import annotations

import sys
from typing import Any

CHECK_METADATA = "labkit-check"
"""Key of an output's metadata that tells a check's outcome to whoever reads the notebook."""


def shell() -> Any | None:
    """Return IPython's shell if this process is one, else None."""
    ipython = sys.modules.get("IPython")
    return ipython.get_ipython() if ipython else None


def is_attended() -> bool:
    """Tell whether a person sits in front of a notebook.

    A front end that a person uses takes input (`allow_stdin` of the execute request); papermill,
    ours or plain, nbclient and nbconvert do not.
    Source: jupyter-client.readthedocs.io/en/stable/messaging.html#execute
    """
    kernel = getattr(shell(), "kernel", None)
    return bool(getattr(kernel, "_allow_stdin", False))


def cells_run() -> list[str]:
    """Return the sources of the cells that this kernel has run, the present one included."""
    history = getattr(shell(), "history_manager", None)
    return list(history.input_hist_raw) if history else []
