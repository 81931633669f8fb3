"""Arithmetic that every suite shares: intervals, comparisons, and vectors that are kept between runs."""
