"""Renderings of a report for people: the model-card section, the picture, the terminal."""
