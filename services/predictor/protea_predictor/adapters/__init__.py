"""What does input and output: the database, the files of reference banks."""
