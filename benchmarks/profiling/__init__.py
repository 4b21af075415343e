"""Shows where the time of a request goes: samples of both processes, as tables."""
