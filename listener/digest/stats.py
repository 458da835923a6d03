"""The small-number statistics that the digest needs, exact where exact is affordable.

Shares get Wilson intervals; change is two Poisson counts compared by the exact conditional binomial test with the
two tails doubled, corrected for exposure; several comparisons are corrected by Holm, many candidates by Benjamini and
Hochberg. Everything is written with `math` alone, so that a digest imports no scientific package; the tests compare it
with scipy, statsmodels and published values (docs/decisions).
"""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, lgamma, log, log1p, sqrt

Z_95 = 1.959963984540054  # two-sided 95 % point of the normal distribution


def wilson(count: int, of: int, z: float = Z_95) -> tuple[float, float]:
    """The Wilson score interval of the share `count / of`, each end in 0…1; (0, 1) where `of` is 0.

    Newcombe 1998, Statistics in Medicine 17: 857–872, method 3.
    """
    if not 0 <= count <= of:
        raise ValueError(f"a share needs 0 ≤ count ≤ of, got {count} of {of}")
    if of == 0:
        return 0.0, 1.0
    share = count / of
    spread = z * sqrt(share * (1 - share) / of + z * z / (4 * of * of))
    middle, scale = share + z * z / (2 * of), 1 + z * z / of
    # The ends of 0 of n and n of n are exactly 0 and 1; rounding must not say otherwise.
    low = 0.0 if count == 0 else max(0.0, (middle - spread) / scale)
    high = 1.0 if count == of else min(1.0, (middle + spread) / scale)
    return low, high


def net_interval(positive: int, negative: int, of: int) -> tuple[float, float]:
    """An interval for net sentiment (positive − negative) / of, each end in −1…1.

    The two shares come from the same people, so they are correlated: square-and-add of their Wilson intervals with
    the multinomial correlation (Newcombe 1998, Statistics in Medicine 17: 2635–2650, method 10).
    """
    if min(positive, negative) < 0 or positive + negative > of:
        raise ValueError(f"net sentiment needs positive + negative ≤ of, got {positive} + {negative} of {of}")
    if of == 0:
        return -1.0, 1.0
    up, down = positive / of, negative / of
    up_low, up_high = wilson(positive, of)
    down_low, down_high = wilson(negative, of)
    correlation = 0.0 if up in (0.0, 1.0) or down in (0.0, 1.0) else -sqrt(up * down / ((1 - up) * (1 - down)))
    net = up - down
    below = _squares(up - up_low, down_high - down, correlation)
    above = _squares(up_high - up, down - down_low, correlation)
    return max(-1.0, net - below), min(1.0, net + above)


def rate_change(now: int, before: int, exposure_now: float, exposure_before: float) -> float:
    """The two-sided p that `now` and `before` come from one rate, given the hours each was collected in.

    Given their sum, `now` is binomial with the share of exposure (Przyborowski and Wilenski 1940); the smaller tail
    is doubled. 1 where there is nothing to compare.
    """
    if now < 0 or before < 0:
        raise ValueError(f"counts cannot be negative, got {now} and {before}")
    if exposure_now <= 0 or exposure_before <= 0 or now + before == 0:
        return 1.0
    share = exposure_now / (exposure_now + exposure_before)
    upper = binomial_tail(now, now + before, share)
    lower = binomial_tail(before, now + before, 1 - share)
    return min(1.0, 2 * min(upper, lower))


def binomial_tail(at_least: int, of: int, chance: float) -> float:
    """P(X ≥ `at_least`) for X binomial with `of` tries of probability `chance`, 0 < chance < 1."""
    if at_least <= 0:
        return 1.0
    if at_least > of:
        return 0.0
    if at_least < of * chance:  # the shorter sum is the complement's
        return 1.0 - binomial_tail(of - at_least + 1, of, 1 - chance)
    term = exp(
        lgamma(of + 1)
        - lgamma(at_least + 1)
        - lgamma(of - at_least + 1)
        + at_least * log(chance)
        + (of - at_least) * log1p(-chance)
    )
    total, odds = 0.0, chance / (1 - chance)
    for hits in range(at_least, of + 1):
        total += term
        if term < total * 1e-17:
            break
        term *= (of - hits) / (hits + 1) * odds
    return min(1.0, total)


def holm(chances: Sequence[float]) -> tuple[float, ...]:
    """The p-values corrected for being looked at together, in the order given (Holm 1979)."""
    adjusted = [0.0] * len(chances)
    largest = 0.0
    for rank, place in enumerate(sorted(range(len(chances)), key=lambda place: chances[place])):
        largest = max(largest, min(1.0, chances[place] * (len(chances) - rank)))
        adjusted[place] = largest
    return tuple(adjusted)


def benjamini_hochberg(chances: Sequence[float]) -> tuple[float, ...]:
    """The p-values corrected so that of what stays below q at most a share of q is false (Benjamini and Hochberg 1995)."""
    adjusted = [0.0] * len(chances)
    least = 1.0
    for rank, place in enumerate(sorted(range(len(chances)), key=lambda place: -chances[place])):
        least = min(least, chances[place] * len(chances) / (len(chances) - rank))
        adjusted[place] = least
    return tuple(adjusted)


def log_odds(now: int, before: int, of_now: int, of_before: int, prior: float) -> float:
    """z of the log-odds ratio of two shares with an informative Dirichlet prior of `prior` people.

    The prior's share is that of both together, so it pulls what is rare towards "no difference" (Monroe, Colaresi and
    Quinn 2008, Political Analysis 16: 372–403).
    """
    expected = prior * (now + before) / (of_now + of_before)
    odds = [
        log((count + expected) / (of + prior - count - expected)) for count, of in ((now, of_now), (before, of_before))
    ]
    return (odds[0] - odds[1]) / sqrt(1 / (now + expected) + 1 / (before + expected))


def dispersion(series: Sequence[Sequence[int]], exposures: Sequence[float]) -> float:
    """How much more counts vary than independent events would: 1, or their variance over their mean where that is clear.

    Each of `series` is one thing counted in spans of `exposures`. Pearson's chi-square over its degrees of freedom; taken for
    chance, and 1, below its 95 % point (Wilson and Hilferty 1931).
    """
    whole, square, freedom = sum(exposures), 0.0, 0
    for counts in series:
        if total := sum(counts):
            freedom += len(counts) - 1
            for count, exposure in zip(counts, exposures, strict=True):
                expected = total * exposure / whole
                square += (count - expected) ** 2 / expected
    if freedom < 1:
        return 1.0
    by = 2 / (9 * freedom)
    chance = freedom * (1 - by + 1.6448536269514722 * sqrt(by)) ** 3
    return square / freedom if square > chance else 1.0


def _squares(one: float, other: float, correlation: float) -> float:
    return sqrt(max(0.0, one * one + other * other - 2 * correlation * one * other))
