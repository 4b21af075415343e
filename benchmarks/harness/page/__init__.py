"""The console's page, opened in a browser and timed."""
