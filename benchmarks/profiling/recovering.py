"""Recovers one ledger again and again, and prints the cost of a transaction.

The program writes a ledger first. Then it prints a line for each recovery: the
microseconds of CPU for each transaction, the process's own and the kernel's.
"""

import os

from benchmarks.recovery import lost_service, measure

TRANSACTIONS = 50_000


def main() -> None:
    lost, remains = lost_service(TRANSACTIONS)
    count = len(remains.entries)
    while True:
        begun = os.times()
        measure(lost, remains)
        ended = os.times()
        user_s, kernel_s = ended.user - begun.user, ended.system - begun.system
        print(1e6 * user_s / count, 1e6 * kernel_s / count, flush=True)


if __name__ == "__main__":
    main()
