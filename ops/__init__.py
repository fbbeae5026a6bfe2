"""The operator's side of every service, under /v1/ops: what is behind, what went wrong, and how to put it right."""
