"""Other servers, started for a question and ended with it."""
