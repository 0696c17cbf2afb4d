"""Scenarios become processes."""
