"""IPv6 addresses beside ports: URLs bracket the address, and sockets do not."""


def bracketed(host: str) -> str:
    """Return a host as URLs write it: an IPv6 address in brackets."""
    return f"[{host}]" if ":" in host else host


def unbracketed(host: str) -> str:
    """Return a host as sockets and certificates take it: without brackets."""
    return host[1:-1] if host.startswith("[") and host.endswith("]") else host
