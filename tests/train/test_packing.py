from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klearctl.errors import ConfigError
from klearctl.train.packing import Sample, lay_out, pack

ROW = 32
tokens = st.integers(0, 99)
samples_of_a_row = st.lists(
    st.builds(
        Sample,
        prompt=st.lists(tokens, min_size=1, max_size=12).map(tuple),
        response=st.lists(tokens, min_size=1, max_size=20).map(tuple),
    )
)


@given(samples=samples_of_a_row)
def test_every_sample_is_in_one_row(samples):
    assert sorted(place for row in pack(samples, ROW) for place in row) == list(range(len(samples)))


@given(samples=samples_of_a_row)
def test_no_row_is_longer_than_allowed(samples):
    assert all(sum(len(samples[place]) for place in row) <= ROW for row in pack(samples, ROW))


@given(samples=samples_of_a_row)
def test_the_same_samples_give_the_same_rows(samples):
    assert pack(samples, ROW) == pack(list(samples), ROW)


@given(samples=samples_of_a_row)
def test_at_most_one_row_is_no_more_than_half_full(samples):
    used = [sum(len(samples[place]) for place in row) for row in pack(samples, ROW)]
    assert sum(length <= ROW // 2 for length in used) <= 1


@given(samples=samples_of_a_row.filter(bool))
def test_each_response_token_is_predicted_from_the_token_before_it(samples):
    row = lay_out(samples, "cpu")
    following = row.ids_1S[0][row.places_T + 1]
    assert following.tolist() == row.targets_T.tolist() == [token for sample in samples for token in sample.response]


@given(samples=samples_of_a_row.filter(bool))
def test_positions_start_anew_at_each_sample(samples):
    starts = list(accumulate((len(sample) for sample in samples), initial=0))[:-1]
    positions = lay_out(samples, "cpu").positions_1S[0].tolist()
    assert [place for place, position in enumerate(positions) if position == 0] == starts


@pytest.mark.parametrize(
    ("sample", "said"),
    [
        (Sample((1,) * 20, (2,) * 13), "a sample has 33 tokens, trainer.row_tokens is 32"),
        (Sample((), (2,)), "a sample has 0 prompt and 1 response tokens"),
        (Sample((1,), ()), "a sample has 1 prompt and 0 response tokens"),
    ],
)
def test_a_sample_that_fits_no_row_is_refused_with_its_length(sample, said):
    with pytest.raises(ConfigError, match=said):
        pack([sample], ROW)
