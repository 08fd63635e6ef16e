"""What can go wrong, in words for whoever is on call."""

from __future__ import annotations


class BackupError(Exception):
    """Something is not as it has to be. The text says what happened, and what to do where that is not plain."""


class DeadlineExceeded(Exception):
    """The whole took longer than it may. No BackupError: nothing that tries again or goes on may catch it."""
