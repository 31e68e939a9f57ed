"""What the server says no with: a status, the Hub's error code, and a sentence."""


class Refusal(Exception):  # noqa: N818 the Hub refuses; nothing is broken
    """Raised anywhere below a route; becomes the answer."""

    def __init__(self, status: int, code: str | None, message: str, body: dict | None = None):
        super().__init__(message)
        self.status, self.code, self.message, self.body = status, code, message, body
