"""Parts of a file in a repository, asked for by their bytes; the rest of it is not fetched."""

import re

from huggingface_hub import hf_hub_url
from huggingface_hub.utils import get_session, hf_raise_for_status, httpx

from hubmaxact.errors import HubError
from hubmaxact.hub.client import headers
from hubmaxact.hub.hub_file import HubFile
from hubmaxact.hub.repository import DamagedAnswerError
from hubmaxact.hub.retry import ask
from hubmaxact.hub.safe_words import clean

SENT = re.compile(r"bytes (\d{1,20})-")


def read_part(repo_id: str, commit: str, file: HubFile, begin: int, num_bytes: int) -> bytes:
    """Some bytes of one file at `commit`.

    Args:
        repo_id: Model repository ("owner/name").
        commit: 40 hexadecimal digits.
        file: The file as it is listed at that commit.
        begin: The first of them, from 0.
        num_bytes: How many.

    Returns:
        As many, or those up to the end of a smaller file.

    Raises:
        DamagedAnswerError: Fewer arrived, or others.
        HubError: The file cannot be read, or not in parts.
    """
    wanted = max(min(num_bytes, file.size - begin), 0)
    if not wanted:
        return b""
    url = hf_hub_url(repo_id, file.path, revision=commit)
    content = ask(lambda: _part(url, begin, wanted), repo_id=repo_id, revision=commit)
    if content is None or len(content) < wanted:
        raise DamagedAnswerError(f"{clean(file.path)} arrived damaged. Try again later.")
    return content


def _part(url: str, begin: int, wanted: int) -> bytes | None:
    """The bytes that were asked for; None: others were sent."""
    span = f"bytes={begin}-{begin + wanted - 1}"
    asked = {**headers(), "Accept-Encoding": "identity", "Range": span}
    content = bytearray()
    with get_session().stream("GET", url, headers=asked) as response:
        hf_raise_for_status(response)
        if not _begins_at(response, begin):
            return None
        # An answer that goes on, whatever was asked, is left there.
        for chunk in response.iter_bytes():
            content += chunk
            if len(content) >= wanted:
                break
    return bytes(content[:wanted])


def _begins_at(response: httpx.Response, begin: int) -> bool:
    """Whether an answer starts with the byte that was asked for; a whole file starts with 0."""
    if response.status_code == httpx.codes.PARTIAL_CONTENT:
        sent = SENT.match(response.headers.get("Content-Range", ""))
        return sent is not None and int(sent[1]) == begin
    if begin:
        raise HubError(
            "the Hub in use sends whole files where parts of them are asked for. Download the "
            "checkpoint with `hf download`, and name its folder."
        )
    return True
