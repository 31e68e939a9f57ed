"""The per-layer picture as SVG."""
