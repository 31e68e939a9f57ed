"""Where the catalog's rows come from: a folder, the Hub, the paper."""
