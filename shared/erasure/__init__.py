"""Erasing a person: each service forgets what it holds of them, and says so on its topic of acknowledgements."""
