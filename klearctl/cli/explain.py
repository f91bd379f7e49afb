"""klearctl explain: what a setting means."""

import json
import shutil
import textwrap

import click

from klearctl.cli.options import output_option
from klearctl.config.explain import Setting
from klearctl.config.explain import explain as explain_key
from klearctl.config.load import to_dict

_INDENT = 4 * " "
_UNBROKEN = (1_000_000, 24)  # the width of what is no terminal: a line is a line


@click.command()
@click.argument("key")
@output_option("text", "json", default="text")
def explain(key: str, output: str) -> None:
    """Say what KEY means, for example rl.loss.clip_high, rl.loss, sft, or klear for klear.toml."""
    found = explain_key(key)
    if output == "json":
        click.echo(
            json.dumps(
                [{"key": s.key, "type": s.kind, "default": s.default, "text": s.text} for s in found],
                indent=2,
                default=to_dict,
            )
        )
        return
    for setting in found:
        click.echo(_head(setting))
        click.echo(_body(setting) + "\n")


def _head(setting: Setting) -> str:
    name = click.style(setting.key, bold=True)
    return name if setting.inner else f"{name}  {setting.kind}, default {_toml(setting.default)}"


def _body(setting: Setting) -> str:
    width = shutil.get_terminal_size(_UNBROKEN).columns
    return textwrap.fill(setting.text, width, initial_indent=_INDENT, subsequent_indent=_INDENT, break_on_hyphens=False)


def _toml(value: object) -> str:
    return json.dumps(value, default=to_dict)
