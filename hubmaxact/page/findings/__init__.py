"""What the releases say together, in words, tables and charts."""
