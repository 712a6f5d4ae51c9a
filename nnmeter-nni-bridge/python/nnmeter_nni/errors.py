"""What goes wrong, told the way the programs tell it."""

from typing import Any, Dict, Optional


class NnmeterError(Exception):
    """An error of nnmeter: the offending thing, what was found there, what was expected, and a hint.

    ``code`` is that of the JSON-RPC service (PROTOCOL.md lists them), or ``None`` where this package
    found the error itself.
    """

    def __init__(
        self,
        subject: str,
        found: str,
        expected: Optional[str] = None,
        hint: Optional[str] = None,
        code: Optional[int] = None,
    ) -> None:
        super().__init__(subject, found, expected, hint, code)
        self.subject = subject
        self.found = found
        self.expected = expected
        self.hint = hint
        self.code = code

    @classmethod
    def of_answer(cls, error: Dict[str, Any]) -> "NnmeterError":
        """From the member ``error`` of an answer."""
        data = error.get("data") or {}
        subject = data.get("subject") or error.get("message", "answer")
        found = data.get("found") or "failed"
        return cls(subject, found, data.get("expected"), data.get("hint"), error.get("code"))

    def __str__(self) -> str:
        text = f"{self.subject}: {self.found}"
        if self.expected:
            text += f", expected {self.expected}"
        if self.hint:
            text += f"\nhint: {self.hint}"
        return text


class BridgeDied(NnmeterError):
    """The program ended again and again while it answered one call."""


#: The code of a handle that is not, or no longer, loaded.
UNKNOWN_HANDLE = 23
#: The code of a model with operators that have no price.
NOT_COVERED = 30
