"""`python -m bench.crash --kills 50`: the crash trial of tests/crash with three workers."""

from tests.crash import __main__ as trial

WORKERS = ("worker1", "worker2", "worker3")


def main() -> int:
    trial.WORKERS = WORKERS
    return trial.main()


if __name__ == "__main__":
    raise SystemExit(main())
