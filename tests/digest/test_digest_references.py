"""Our own small statistics equal scipy and statsmodels, which only the tests load (docs/decisions/0013)."""

from __future__ import annotations

import warnings
from itertools import product
from random import Random

import pytest

from listener.digest.stats import benjamini_hochberg, binomial_tail, dispersion, holm, rate_change, wilson

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # what their own imports deprecate is no matter of ours
    from scipy import stats
    from statsmodels.stats.multitest import multipletests
    from statsmodels.stats.proportion import proportion_confint


@pytest.mark.parametrize("of", [1, 2, 5, 9, 10, 29, 30, 148, 263, 1000, 20_000])
def test_wilson_equals_scipy_and_statsmodels(of: int) -> None:
    for count in {0, 1, of // 10, of // 3, of // 2, of - 1, of}:
        found = wilson(count, of)
        theirs = stats.binomtest(count, of).proportion_ci(0.95, method="wilson")
        assert found == pytest.approx((theirs.low, theirs.high), abs=1e-12)
        assert found == pytest.approx(proportion_confint(count, of, 0.05, method="wilson"), abs=1e-12)


def test_the_binomial_tail_equals_scipy_down_to_tiny_chances() -> None:
    random = Random(1)
    for _ in range(3_000):
        of = int(10 ** random.uniform(0, 5))
        at_least, chance = random.randint(0, of + 1), random.uniform(0.001, 0.999)
        theirs = float(stats.binom.sf(at_least - 1, of, chance))
        assert binomial_tail(at_least, of, chance) == pytest.approx(theirs, rel=1e-7, abs=1e-13)


@pytest.mark.parametrize(
    ("now", "before"), list(product([0, 1, 3, 5, 11, 18, 40, 131, 900], [0, 1, 8, 40, 80, 160, 7000]))
)
@pytest.mark.parametrize(("hours", "earlier"), [(168.0, 168.0), (168.0, 1344.0), (159.0, 1340.5)])
def test_the_conditional_test_equals_scipy_s_two_tails(now: int, before: int, hours: float, earlier: float) -> None:
    """Two one-sided exact tests of scipy, the smaller doubled: the conditional test with both tails of one size."""
    if not now + before:
        assert rate_change(now, before, hours, earlier) == 1.0
        return
    share = hours / (hours + earlier)
    tails = [stats.binomtest(now, now + before, share, alternative=side).pvalue for side in ("greater", "less")]
    assert rate_change(now, before, hours, earlier) == pytest.approx(min(1.0, 2 * min(tails)), rel=1e-7, abs=1e-13)


@pytest.mark.parametrize("amount", [1, 2, 8, 9, 40, 500])
def test_holm_and_benjamini_hochberg_equal_statsmodels_and_scipy(amount: int) -> None:
    random = Random(amount)
    for _ in range(50):
        chances = [round(random.random() ** random.choice((1, 4)), random.choice((2, 9))) for _ in range(amount)]
        assert holm(chances) == pytest.approx(multipletests(chances, method="holm")[1], abs=1e-12)
        ours = benjamini_hochberg(chances)
        assert ours == pytest.approx(multipletests(chances, method="fdr_bh")[1], abs=1e-12)
        assert ours == pytest.approx(stats.false_discovery_control(chances), abs=1e-12)


def test_a_dispersion_is_one_unless_the_chi_square_of_scipy_is_clear() -> None:
    random, clear = Random(2), 0
    for _ in range(400):
        series = [[sum(random.random() < 0.02 for _ in range(500)) for _ in range(8)] for _ in range(9)]
        square = sum(stats.chisquare(counts).statistic for counts in series)
        far = stats.chi2.sf(square, 63) < 0.05
        assert dispersion(series, [168.0] * 8) == pytest.approx(square / 63 if far else 1.0)
        clear += far
    assert clear <= 40
    assert dispersion([[0, 20, 0, 20]], [1, 1, 1, 1]) == pytest.approx(40 / 3)
    assert dispersion([[10, 30]], [1.0, 3.0]) == dispersion([], []) == dispersion([[5]], [1.0]) == 1.0


def test_benjamini_and_hochberg_s_own_example() -> None:
    """Fifteen p-values of their paper (1995, section 3.2): at q = 0.05 four are found, by Holm three."""
    chances = [
        0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0,
    ]  # fmt: skip
    assert sum(chance <= 0.05 for chance in benjamini_hochberg(chances)) == 4
    assert sum(chance <= 0.05 for chance in holm(chances)) == 3
    assert benjamini_hochberg([]) == ()
