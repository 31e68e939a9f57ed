"""How the processes of a run come to be connected with rank 0, which they call by its host."""

import json
import secrets
import socket
from contextlib import suppress
from hmac import compare_digest
from time import monotonic

HEARING = 10.0  # seconds for a caller to say who it is
DIGITS = 8  # of a rank
SECRET = 32  # bytes


class Listener:
    """Where others call, on rank 0."""

    def __init__(self) -> None:
        # With IPv6 where the system has it: the name that others call may stand for either.
        both = socket.has_dualstack_ipv6()
        family = socket.AF_INET6 if both else socket.AF_INET
        self._socket = socket.create_server(("", 0), family=family, dualstack_ipv6=both)
        self._secret = secrets.token_hex(SECRET)

    @property
    def known(self) -> str:
        """What callers have to know beside the host: a port, and a secret."""
        return json.dumps({"port": self._socket.getsockname()[1], "secret": self._secret})

    def callers(self, size: int, patience: float) -> dict[int, socket.socket]:
        """Wait for the others.

        Args:
            size: How many processes there are.
            patience: Seconds to wait for all of them.

        Returns:
            The connections, by rank; of those that came.
        """
        found: dict[int, socket.socket] = {}
        until = monotonic() + patience
        with self._socket, suppress(TimeoutError):
            while len(found) < size - 1 and (left := until - monotonic()) > 0:
                self._socket.settimeout(left)
                connection, _ = self._socket.accept()
                if (rank := self._rank(connection)) is None:
                    connection.close()
                else:
                    found[rank] = connection
        return found

    def _rank(self, connection: socket.socket) -> int | None:
        """The rank of who calls; None for a stranger."""
        connection.settimeout(HEARING)
        hello, length = b"", 2 * SECRET + DIGITS
        with suppress(OSError):
            while len(hello) < length and (said := connection.recv(length - len(hello))):
                hello += said
        connection.settimeout(None)
        is_ours = compare_digest(hello[: 2 * SECRET], self._secret.encode("ascii"))
        return int(hello[2 * SECRET :]) if is_ours and len(hello) == length else None


def call(address: str, known: str, rank: int, patience: float) -> dict[int, socket.socket]:
    """Call rank 0.

    Args:
        address: Its host.
        known: As its `Listener` says.
        rank: Of this process.
        patience: Seconds to wait for it.

    Returns:
        The connection, by the rank that it leads to, which is 0.

    Raises:
        OSError: It cannot be reached.
    """
    there = json.loads(known)
    connection = socket.create_connection((address, there["port"]), timeout=patience)
    connection.sendall(f"{there['secret']}{rank:0{DIGITS}}".encode("ascii"))
    connection.settimeout(None)
    return {0: connection}
