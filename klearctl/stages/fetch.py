"""The init container of a server: the model that the run's config names in, a Hugging Face folder out."""

import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from klearctl import checkpoints, storage
from klearctl.config.eval import EvalConfig
from klearctl.config.pod import read
from klearctl.config.rl import RLConfig
from klearctl.errors import BackendError, ConfigError
from klearctl.stages import program

_HUB_NAME = re.compile(r"[\w-][\w.-]*/[\w-][\w.-]*", re.ASCII)  # OWNER/NAME


def main(argv: Sequence[str] | None = None) -> int:
    """Fetches the model of `--config` to the folder `--to`; returns the exit code."""
    parser = program.arguments("fetch")
    parser.add_argument("--to", type=Path, required=True, help="the folder that the server reads")
    words = parser.parse_args(argv)
    return program.run(lambda: fetch(words.config, words.to))


def fetch(config: Path, directory: Path) -> None:
    """The model that an rl run starts from, or the first that an eval run judges, in the directory."""
    if _stage(config) == "eval":
        judge = read(config, EvalConfig)
        fetch_model(next(iter(judge.config.models.values())), judge.bucket, directory)
    else:
        trainer = read(config, RLConfig)
        fetch_model(trainer.config.model, trainer.bucket, directory)


def fetch_model(address: str, bucket: str, directory: Path) -> None:
    """The model at a path, `s3://...`, `run:NAME`, `run:NAME@STEP` or under a Hub name, in the directory.

    Raises:
        ConfigError: there is no model in Hugging Face's layout.
        BackendError: the bucket or the Hub cannot be reached.
    """
    if is_hub_name(address):
        _from_hub(address, directory)
    else:
        storage.download(checkpoints.resolve_model(address, bucket), directory)
    if not (directory / "config.json").is_file():
        raise ConfigError(f"{address} holds no config.json", fix="name a folder that save_pretrained wrote")


def is_hub_name(address: str) -> bool:
    """Whether the address is OWNER/NAME and no folder of that name lies here."""
    return _HUB_NAME.fullmatch(address) is not None and not Path(address).exists()


def _stage(config: Path) -> str:
    try:
        return str(json.loads(config.read_text())["stage"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""  # `read` says what is wrong with it


def _from_hub(name: str, directory: Path) -> None:
    from huggingface_hub import snapshot_download

    try:
        snapshot_download(name, local_dir=directory)
    except OSError as error:  # every error of the Hub's client is one
        reason = str(error).strip().partition("\n")[0]
        raise BackendError(
            f"the model {name} cannot be fetched from the Hugging Face Hub: {reason}",
            fix="copy it into the bucket and name it as s3://..., or check the network",
        ) from error


if __name__ == "__main__":
    sys.exit(main())
