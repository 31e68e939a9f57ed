"""A safetensors file of any size on the Hub: its header, and a body that nobody may ask for."""

import hashlib
import json
from collections.abc import Mapping
from math import prod

from loopback_hub.history import LfsFile
from loopback_hub.hub import LoopbackHub

BYTES = {"F8_E4M3": 1, "I8": 1, "U8": 1, "BF16": 2, "F16": 2, "F32": 4, "I32": 4, "I64": 8}


class HugeFile:
    """Stands for the file's bytes; `most_asked` is the end of what was ever taken of them."""

    def __init__(self, tensors: Mapping[str, tuple[str, tuple[int, ...]]]):
        entries, end = {}, 0
        for name, (dtype, shape) in tensors.items():
            begin = end
            end += BYTES[dtype] * prod(shape)
            entries[name] = {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}
        encoded = json.dumps(entries).encode()
        self.head = len(encoded).to_bytes(8, "little") + encoded
        self.size = len(self.head) + end
        self.most_asked = 0

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, part: slice) -> bytes:
        start, stop, _ = part.indices(self.size)
        self.most_asked = max(self.most_asked, stop)
        return self.head[start:stop].ljust(stop - start, b"\0")

    def put(self, hub: LoopbackHub) -> LfsFile:
        """Put it into a hub's store; what is returned can be committed."""
        digest = hashlib.sha256(self.head).hexdigest()
        hub.lfs[digest] = self
        return LfsFile(digest, self.size)
