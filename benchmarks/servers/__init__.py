"""Other servers, which start for a question and end with it."""
