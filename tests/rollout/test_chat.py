"""Between text and tokens: the prompt is the model's own chat, and a response's text comes back whole."""

import json
import shutil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klearctl.errors import ConfigError
from klearctl.rollout.chat import Chat

marks = st.sampled_from(["<think>", "</think>", "\\boxed{", "}", "12", " ", "\n"])
texts = st.lists(st.text(st.characters(exclude_categories=["Cs"])) | marks).map("".join)


@pytest.fixture
def model(tiny_model, tmp_path):
    """A copy of the model's folder, to be changed."""
    return shutil.copytree(tiny_model, tmp_path / "model")


def test_a_prompt_is_a_user_s_turn_up_to_where_the_model_s_begins(chat, tokenizer):
    text = "<|im_start|>user\n1 + 1 =<|im_end|>\n<|im_start|>assistant\n"
    assert tokenizer.decode(chat.prompt("1 + 1 =")) == text


def test_a_prompt_begins_as_the_chat_template_says_and_with_nothing_before(chat, tokenizer):
    turn = [{"role": "user", "content": "1 + 1 ="}]
    expected = tokenizer.apply_chat_template(turn, add_generation_prompt=True, return_dict=False)
    assert chat.prompt("1 + 1 =") == tuple(expected)


@given(text=texts)
def test_a_response_s_text_comes_back_without_the_token_that_ended_it(chat, tokenizer, text):
    tokens = tokenizer(text, add_special_tokens=False)["input_ids"]
    assert chat.text((*tokens, tokenizer.eos_token_id)) == text


@given(text=texts)
def test_a_response_that_was_cut_keeps_its_last_token(chat, tokenizer, text):
    assert chat.text(tuple(tokenizer(text, add_special_tokens=False)["input_ids"])) == text


def test_no_tokens_are_no_text(chat):
    assert chat.text(()) == ""


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ({"eos_token_id": 7}, [7]),
        ({"eos_token_id": [7, 8]}, [7, 8]),  # as Qwen3 has it
        ({"eos_token_id": None}, []),
        ({}, []),
    ],
)
def test_the_model_s_own_stop_tokens_are_read(model, told, expected):
    (model / "generation_config.json").write_text(json.dumps(told))
    assert Chat(model).stop_tokens == expected


def test_a_model_without_a_generation_config_has_no_stop_tokens_of_its_own(model):
    (model / "generation_config.json").unlink()
    assert Chat(model).stop_tokens == []


def test_a_stop_token_is_no_part_of_the_text(model, tokenizer):
    brace = tokenizer.convert_tokens_to_ids("}")
    (model / "generation_config.json").write_text(json.dumps({"eos_token_id": [brace]}))
    assert Chat(model).text((*tokenizer("12", add_special_tokens=False)["input_ids"], brace)) == "12"


def test_a_tokenizer_without_a_chat_template_is_refused_with_its_folder(model):
    (model / "chat_template.jinja").unlink()
    with pytest.raises(ConfigError, match=f"{model} has no chat template"):
        Chat(model)
