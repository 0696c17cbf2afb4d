"""Why something was not reached over HTTP, in a few words for people.

The library's own text holds addresses of objects, and its names mean nothing to an operator. Errors are known by the
names of their classes (urllib3 2), as the floor imports no HTTP library.
"""

_WORDS = {
    "NameResolutionError": "its name is not known",
    "NewConnectionError": "the connection was refused",
    "TimeoutError": "it did not answer in time",
    "SSLError": "its certificate is not trusted",
}


def reason_of(error: BaseException) -> str:
    """Return the cause of an error of the HTTP library or the system."""
    names = (kind.__name__ for kind in type(error).__mro__)  # the most precise first
    return next((_WORDS[name] for name in names if name in _WORDS), "the connection broke")
