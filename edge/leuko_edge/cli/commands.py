"""Which module knows which further command."""

COMMANDS = {  # the module whose add_parsers(subparsers) knows the word; its parsers set `run`, options -> exit code
    "sessions": "sessions",
    "export": "export",
    "config": "config",
    "camera": "camera",
    "doctor": "doctor",
    "bench": "bench",
    "serve": "serve",
    "attach": "attach",
    "review": "review",
    "users": "review",
    "enrol": "enrol",
    "compare": "compare",
    "enough": "enough",
    "quiz": "quiz",
    "qc": "qc",
}
