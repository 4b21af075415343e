"""Where the time of a request goes: samples of both processes, and tables of them."""
