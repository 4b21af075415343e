"""`app` is the application."""

try:
    from apps.inference.app import app
except ModuleNotFoundError as error:
    if error.name not in {"numpy", "onnxruntime"}:
        raise
    raise ImportError(
        f"{error.name} is missing: pip install 'ccfpy[inference]'"
    ) from error

__all__ = ["app"]
