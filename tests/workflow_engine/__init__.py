"""Tests of the workflow engine."""
