"""`make setup`: whole or not at all, quick where nothing changed, and each tree runs itself."""

import resource

from tests.setup.conftest import run


def test_each_of_two_clones_runs_the_tree_it_stands_in(clone):
    said = []
    for version in ("1.2.3", "4.5.6"):
        tree = clone(version)
        run("make", "setup", cwd=tree)
        (tree / "klearctl" / "__init__.py").write_text(f'"""Another version."""\n\n__version__ = "{version}"\n')
        said.append(run(".venv/bin/klearctl", "--version", cwd=tree).stdout.split()[-1])
    assert said == ["1.2.3", "4.5.6"]


def test_says_one_line_with_seconds_for_each_step(clone):
    lines = run("make", "setup", cwd=clone("tree")).stdout.splitlines()
    steps = [line.split(" ... ")[0].split(" (")[0].strip() for line in lines if line.endswith(" s") and " ... " in line]
    assert steps == [
        "environment",
        "packages of requirements/cpu.txt",
        "klearctl",
        "its first start",
        "DeepSpeed's compiled op",
    ]


def test_says_nothing_and_takes_no_time_where_nothing_changed(clone):
    tree = clone("tree")
    run("make", "setup", cwd=tree)
    before = children_cpu_s()
    second = run("make", "setup", cwd=tree)
    took = children_cpu_s() - before  # not by the clock, which also measures what else this machine does
    assert (second.returncode, second.stdout, took < 1) == (0, "", True)


def children_cpu_s():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def test_makes_the_environment_anew_when_the_lock_changed(clone):
    tree = clone("tree")
    run("make", "setup", cwd=tree)
    lock = tree / "requirements" / "cpu.txt"
    lock.write_text("".join(line for line in lock.read_text().splitlines(keepends=True) if "rich" not in line))
    run("make", "setup", cwd=tree)
    assert run(".venv/bin/python", "-c", "import rich", cwd=tree).returncode == 1


def test_a_failed_step_shows_its_last_lines_what_to_try_and_leaves_the_environment_as_it_was(clone):
    tree = clone("tree")
    run("make", "setup", cwd=tree)
    (tree / "klearctl" / "train" / "extensions.py").write_text('raise SystemExit("no compiler today")\n')
    failed = run("make", "setup", cwd=tree)
    works = run(".venv/bin/klearctl", "--version", cwd=tree).returncode == 0
    assert (failed.returncode != 0, "    no compiler today" in failed.stderr, "  try: " in failed.stderr, works) == (
        True,
        True,
        True,
        True,
    )


def test_puts_uv_into_the_cache_where_there_is_none(clone, tmp_path):
    tree = clone("tree")
    path = tmp_path / "bin"
    path.mkdir()
    for tool in ("make", "sh", "sed", "dirname", "realpath", "g++"):
        (path / tool).symlink_to(f"/usr/bin/{tool}")
    env = {"PATH": str(path), "XDG_CACHE_HOME": str(tmp_path / "cache"), "KLEAR_PYTHON": _base_python(tree)}
    run("make", "setup", cwd=tree, **env)
    assert run(".venv/bin/klearctl", "--version", cwd=tree).returncode == 0


def _base_python(tree):
    return run("scripts/find-python", cwd=tree).stdout.strip()
