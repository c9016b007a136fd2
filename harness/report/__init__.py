"""What a person looks at when a run is over: a page of its own, and rows of a table."""
