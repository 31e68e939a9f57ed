"""The Hub's transport: session, client, retries, faults, files at a commit. No reports."""

from hubmaxact.hub.endpoint import check_address

# Before huggingface_hub: it takes the address apart while it is imported, and may fall over it.
check_address()
