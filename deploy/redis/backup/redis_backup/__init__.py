"""Backups of the cache's Redis, and proof that they restore."""
