"""What a run will read, hold and take, told before a weight is loaded."""
