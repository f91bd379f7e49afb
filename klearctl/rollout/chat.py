"""Between text and tokens: a problem's text in, the prompt of a chat out; a response's tokens in, its text out."""

import json
from pathlib import Path

from klearctl.errors import ConfigError


class Chat:
    """The tokenizer and chat template of one model."""

    def __init__(self, model_dir: Path) -> None:
        """From a Hugging Face directory.

        Raises:
            ConfigError: its tokenizer has no chat template.
        """
        from transformers import AutoTokenizer

        self._tokenizer = AutoTokenizer.from_pretrained(model_dir)
        self.stop_tokens = _stop_tokens(model_dir)
        """Tokens that end a response, beside the tokenizer's own end-of-text token."""
        if not self._tokenizer.chat_template:
            raise ConfigError(
                f"the tokenizer in {model_dir} has no chat template", fix="add a chat_template.jinja to the model"
            )

    def prompt(self, text: str) -> tuple[int, ...]:
        """A user's turn of that text, up to where the model's turn begins."""
        turn = [{"role": "user", "content": text}]
        chat = self._tokenizer.apply_chat_template(turn, add_generation_prompt=True, tokenize=False)
        return tuple(self._tokenizer(chat, add_special_tokens=False)["input_ids"])

    def text(self, tokens: tuple[int, ...]) -> str:
        """A response as text, without the token that ended it. Marks such as `</think>` stay."""
        ends = {self._tokenizer.eos_token_id, *self.stop_tokens}
        return str(self._tokenizer.decode(tokens[:-1] if tokens and tokens[-1] in ends else tokens))


def _stop_tokens(model_dir: Path) -> list[int]:
    file = model_dir / "generation_config.json"
    found = json.loads(file.read_text()).get("eos_token_id") if file.is_file() else None
    return [found] if isinstance(found, int) else list(found or [])
