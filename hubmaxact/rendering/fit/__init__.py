"""Will it fit? A verdict for each format of deployment, and what to do about it."""
