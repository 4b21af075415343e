"""Check Kubernetes manifests on stdin against its schemas; print them as JSON.

    judge_manifests.py [VERSION …]

The tests run this program in an environment that has kubernetes-validate. Without a
version it only reads the documents. A property that the schema does not know is an
error.
"""

import json
import sys
from importlib import import_module


def main(versions: list[str]) -> None:
    """Read, check, print."""
    yaml = import_module("yaml")
    validate = import_module("kubernetes_validate.utils").validate
    documents = [it for it in yaml.safe_load_all(sys.stdin.buffer.read()) if it]
    for document in documents:
        for version in versions:
            validate(document, version, strict=True)
    sys.stdout.write(json.dumps(documents))


if __name__ == "__main__":
    main(sys.argv[1:])
