"""A report for people: words, numbers, the card's section, the picture, the terminal."""
