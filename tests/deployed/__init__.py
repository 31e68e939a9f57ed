"""Profile `deployment` over many families, against hooks written here."""
