"""Names that BPMN 2.0.2 (OMG formal/2013-12-09), its diagram interchange and our extension of it use."""

BPMN = "http://www.omg.org/spec/BPMN/20100524/MODEL"
BPMNDI = "http://www.omg.org/spec/BPMN/20100524/DI"
DC = "http://www.omg.org/spec/DD/20100524/DC"
DI = "http://www.omg.org/spec/DD/20100524/DI"
XSI = "http://www.w3.org/2001/XMLSchema-instance"

OWN = "urn:livecontract:bpmn:1"
"""Namespace of what a scenario has and BPMN lacks (`docs/exchange.md` lists its words)."""

INSTRUCTION = "urn:livecontract:instruction"
"""Value of `language` on an expression: a JMESPath expression, or a data instruction as JSON."""

ERROR = "error"
"""The response that an error boundary event catches."""
