from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from infra.models.bert import gelu


@given(
    arrays.arrays(
        np.float32,
        arrays.array_shapes(min_dims=2, max_dims=2, max_side=100),
        elements=st.floats(-50, 50, width=32),
    )
)
def test_gelu_is_the_exact_one(rows: np.ndarray[tuple[int, int], np.dtype[np.float32]]) -> None:
    exact = np.array([[x * (1 + math.erf(x / math.sqrt(2))) / 2 for x in row] for row in rows.tolist()])
    gelu(rows)
    assert np.abs(rows - exact).max() < 4e-6
