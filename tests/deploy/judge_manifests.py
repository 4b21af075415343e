"""Judge Kubernetes manifests on stdin by its schemas; give them as JSON.

    judge_manifests.py [VERSION …]

Run by the tests in an environment that has kubernetes-validate; without a version the
documents are only read. A property that the schema does not know is an error.
"""

import json
import sys
from importlib import import_module


def main(versions: list[str]) -> None:
    """Read, judge, print."""
    yaml = import_module("yaml")
    validate = import_module("kubernetes_validate.utils").validate
    documents = [it for it in yaml.safe_load_all(sys.stdin.buffer.read()) if it]
    for document in documents:
        for version in versions:
            validate(document, version, strict=True)
    sys.stdout.write(json.dumps(documents))


if __name__ == "__main__":
    main(sys.argv[1:])
