"""What can be wrong with templates and the data they are filled with.

```
InvalidError
├── InvalidTemplateError    the template is malformed, too large, or holds what is not let in
└── MissingFieldError       the data lacks fields that the template shows
```
"""

from collections.abc import Iterable

from eventchain.core.errors import InvalidError
from workflow_engine.errors import quote


class InvalidTemplateError(InvalidError):
    """A template cannot be used; the path names the part of the package (`content.xml`) where there is one."""


class MissingFieldError(InvalidError):
    """The data lacks fields that the template shows.

    Attributes:
        names: The fields, in the order of the document.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self.names = tuple(dict.fromkeys(names))
        shown = ", ".join(quote(name) for name in self.names[:8])
        more = f" and {len(self.names) - 8} more" if len(self.names) > 8 else ""
        super().__init__(
            f"The data has no text or number for {shown}{more}.",
            path="$",
            hint="Give them, or put the fields into a section that is hidden without them.",
        )
