"""Several processes of one run: who is who, what they tell each other, and how all of them end."""
