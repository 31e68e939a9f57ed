"""What rounding does to the model's own predictions: really applied, and its loss compared."""
