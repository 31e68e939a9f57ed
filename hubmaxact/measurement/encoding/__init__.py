"""From texts to token ids with the checkpoint's own tokenizer."""
