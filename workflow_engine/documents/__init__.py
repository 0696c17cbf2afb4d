"""Documents in natural language, made from OpenDocument templates and the data of a process (paper section 5.3).

`fill` is the heart: a pure function from the bytes of a template and JSON to the bytes of a document. What is let into
a template is said in `admission`, what its conditions mean in `conditions`. The guide is `docs/documents.md`.
"""

from workflow_engine.documents.admission import TEXT_TYPE, Template, admit
from workflow_engine.documents.errors import InvalidTemplateError, MissingFieldError
from workflow_engine.documents.filling import fill

__all__ = ["TEXT_TYPE", "InvalidTemplateError", "MissingFieldError", "Template", "admit", "fill"]
