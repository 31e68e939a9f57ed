"""The report: its shape, its reader, its validator and its writer. No torch."""
