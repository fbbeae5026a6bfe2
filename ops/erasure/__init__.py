"""The erasure of a person: each service deletes their data, and acknowledges it on a topic of its own."""
