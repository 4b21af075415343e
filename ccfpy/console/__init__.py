"""The web console: one page on which people read a service, and vote."""
