"""Scenarios in other notations: BPMN 2.0 in and out; Mermaid, SCXML, Graphviz and `transitions` out.

Everything here is pure and gives the same bytes for the same scenario. `docs/exchange.md` is the reference.
"""
