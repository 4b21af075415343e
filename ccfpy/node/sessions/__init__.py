"""The connections of clients: TLS, HTTP and the order in which they are served."""
