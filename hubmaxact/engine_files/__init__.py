"""A report as the files that engines and quantizers load; each says which report it came from."""
