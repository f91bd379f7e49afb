"""The tokenizer: any text comes back, digits stay single, the thought's marks are seen and the turns' are not."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klearctl.data.tokenizer import train_tokenizer
from klearctl.errors import ConfigError

LESSONS = [
    f"State the final answer: {a} + {b} =\n<think>\n{a}+{b}={a + b}\n</think>" for a in range(9) for b in range(9)
]
RESPONSE = "<think>\n4+13=17\n</think>\n\\boxed{17}"

tokenizer = train_tokenizer(LESSONS, 320)
marks = st.sampled_from(["<think>", "</think>", "<|im_end|>", "<|im_start|>", "<|endoftext|>", "12", " ", "\n"])
texts = st.lists(st.text(st.characters(exclude_categories=["Cs"])) | marks).map("".join)


def ids(text):
    return tokenizer(text, add_special_tokens=False)["input_ids"]


@given(texts)
def test_any_text_comes_back(text):
    assert tokenizer.decode(ids(text), skip_special_tokens=False) == text


@given(texts)
def test_every_digit_is_a_token_of_its_own(text):
    words = tokenizer.convert_ids_to_tokens(ids(text))
    assert [word for word in words if re.search("[0-9]", word) and len(word) > 1] == []


@pytest.mark.parametrize("mark", ["<think>", "</think>", "<|im_start|>", "<|im_end|>", "<|endoftext|>"])
def test_a_mark_is_one_token(mark):
    assert len(ids(mark)) == 1


def test_decoding_keeps_the_thought_and_leaves_the_turn_out():
    assert tokenizer.decode(ids(RESPONSE + "<|im_end|>"), skip_special_tokens=True) == RESPONSE


def test_a_prompt_is_written_as_chatml():
    text = tokenizer.apply_chat_template(
        [{"role": "user", "content": "1 + 1 ="}], add_generation_prompt=True, tokenize=False
    )
    assert text == "<|im_start|>user\n1 + 1 =<|im_end|>\n<|im_start|>assistant\n"


def test_the_marks_have_their_roles():
    assert (tokenizer.eos_token, tokenizer.pad_token) == ("<|im_end|>", "<|endoftext|>")


def test_equal_texts_give_an_equal_tokenizer():
    again = train_tokenizer(iter(LESSONS), 320)
    assert again.backend_tokenizer.to_str() == tokenizer.backend_tokenizer.to_str()


@pytest.mark.parametrize("size", [261, 262, 280, 320])
def test_the_vocabulary_is_no_larger_than_asked(size):
    assert len(train_tokenizer(LESSONS, size)) <= size


def test_a_vocabulary_too_small_for_the_bytes_is_refused():
    with pytest.raises(ConfigError, match="260"):
        train_tokenizer(LESSONS, 260)


def test_a_saved_tokenizer_is_the_same(tmp_path):
    from transformers import PreTrainedTokenizerFast

    tokenizer.save_pretrained(tmp_path)
    loaded = PreTrainedTokenizerFast.from_pretrained(tmp_path)
    chat = [{"role": "user", "content": "1 + 1 ="}, {"role": "assistant", "content": RESPONSE}]
    assert loaded.apply_chat_template(chat) == tokenizer.apply_chat_template(chat)


def test_no_merge_is_learned_from_the_marks():
    words = json.loads(tokenizer.backend_tokenizer.to_str())["model"]["vocab"]
    assert [word for word in words if "think" in word] == []
