"""The door: words in, exit code out. Commands are imported when they are asked for, so `--help` stays quick."""

import importlib
import os
import re
import shutil
import signal
import sys

import click

from klearctl import __version__
from klearctl.errors import KlearError

# name -> (module of klearctl.cli, what `klearctl --help` says of it), in the order of a user's day
COMMANDS = {
    "run": ("run", "Run a recipe: curate, sft, rl, eval, one after another."),
    "submit": ("submit", "Start one stage."),
    "render": ("render", "Print the manifests of a stage, as submit would send them."),
    "status": ("status", "Show what runs, what waits and why, and how far it is."),
    "logs": ("logs", "Print what the pods of a run wrote, also those that are gone."),
    "metrics": ("metrics", "Print the numbers of a run, step by step."),
    "checkpoints": ("checkpoints", "List, check or download what a run can go on from."),
    "cancel": ("control", "Stop a run; a trainer writes a checkpoint first."),
    "resume": ("control", "Go on with a run from its last committed step."),
    "delete": ("control", "Remove the objects of an ended run."),
    "verify": ("verify", "Score stored answers: of maths, and of code in a sandbox."),
    "explain": ("explain", "Say what a setting means, and its default."),
}


class Commands(click.Group):
    """Knows its commands by name and imports one when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        module = importlib.import_module(f"klearctl.cli.{COMMANDS[name][0]}")
        command = getattr(module, name)
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in COMMANDS:
            import difflib

            near = difflib.get_close_matches(args[0], COMMANDS, n=1)
            ctx.fail(f"there is no command {args[0]}" + (f"; did you mean {near[0]}?" if near else ""))
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.group(cls=Commands, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="klearctl")
@click.pass_context
def klearctl(context: click.Context) -> None:
    """Carry a base model through the Klear-Reasoner pipeline, on Kubernetes or on this machine.

    \b
    klearctl run workflows/smoke        the whole pipeline on this machine
    klearctl submit rl --gpus 64        one stage
    klearctl status                     how it goes
    """
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


def main() -> None:
    """Runs the command and exits with its code (README: 0 done, 1 failed, 2 wrong words, 3 no bucket, 4 timed out)."""
    try:
        code = klearctl(standalone_mode=False) or 0
    except KlearError as error:
        code = complain(str(error), error.fix, error.exit_code)
    except click.ClickException as error:
        code = complain(error.format_message(), _usage_fix(error), 2)
    except (click.Abort, KeyboardInterrupt):
        code = 130
    except BrokenPipeError:  # whoever read our output has had enough, as `| head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 128 + signal.SIGPIPE
    except OSError as error:  # a full disk, a folder that may not be written
        code = complain(f"{error.filename or 'this machine'}: {error.strerror}", "make room, or another KLEAR_HOME", 3)
    sys.exit(code)


def complain(what: str, fix: str, code: int) -> int:
    """Prints an error as every command does, on standard error; the code comes back."""
    click.echo(f"error: {what}", err=True)
    if fix:
        click.echo(f"  try: {as_called(fix)}", err=True)
    return code


def as_called(text: str) -> str:
    """The text with `klearctl WORD` so that it can be typed here: by its path where it was called by it."""
    called = sys.argv[0]
    if os.path.basename(called) != "klearctl" or shutil.which("klearctl") == os.path.abspath(called):
        return text
    return re.sub(r"\bklearctl (?=[a-z-])", lambda _: f"{called} ", text)


def _usage_fix(error: click.ClickException) -> str:
    context = error.ctx if isinstance(error, click.UsageError) else None
    return f"{context.command_path} --help" if context else "klearctl --help"
