"""The Hub's transport: session, client, retries, faults, files at a commit. No reports."""
