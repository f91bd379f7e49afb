"""The fixtures of all tests; one file each in tests/fixtures."""

pytest_plugins = ["tests.fixtures.shared", "tests.fixtures.s3"]
