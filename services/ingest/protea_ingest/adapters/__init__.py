"""What the ingest service reads from and writes to: source files and the database."""
