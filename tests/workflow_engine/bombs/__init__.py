"""Bombs: what a stranger sends to cost a node more than the stated budget of time and memory (`docs/budgets.md`).

Each module holds the bombs against one part, as functions by name. A bomb is what a node, or a person's command, does
with a hostile input: it returns a few words on how that ended, or raises the error with which it was refused.
`python -m tests.workflow_engine.bombs` sets them all off, each in a process of its own with hard limits.
"""
