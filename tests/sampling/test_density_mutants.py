"""Each branch of the compiled density is guarded: a fault in it is seen against the NumPy statement.

A mutant is the source text with one change, run without Numba on a few of the random designs.
"""

from __future__ import annotations

import sys
import types
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from density_cases import Case, random_case
from hillfront.sampling.compiled import density

SOURCES = {name: (Path(density.__file__).parent / f"{name}.py").read_text() for name in ("rows", "density")}
N_CASES = 100

NORMAL = "return by_sigma, by_tau, shares"  # the first of two, after which rows are normal

# File, original text, changed text; the first occurrence, or the first after a fourth text.
MUTANTS: dict[str, tuple[str, ...]] = {
    "normal prior": ("density", "-0.5 * z * z, -z / b", "-0.4 * z * z, -z / b"),
    "normal prior's derivative": ("density", "z * z, -z / b", "z * z, z / b"),
    "log-normal prior": ("density", "z * z - math.log(value)", "z * z"),
    "log-normal prior's derivative": ("density", "-(z / b + 1.0) / value", "-(z / b) / value"),
    "power prior": ("density", "a * math.log(value)", "2.0 * a * math.log(value)"),
    "exponential prior": ("density", "- b * value", "+ b * value"),
    "inverse prior": ("density", "- c / value", "+ c / value"),
    "power prior's derivative": ("density", "a / value - b", "a / value + b"),
    "inverse prior's derivative": ("density", "+ c / (value * value)", "- c / (value * value)"),
    "half-Cauchy prior": ("density", "-math.log1p(z * z)", "-math.log1p(z)"),
    "half-Cauchy prior's derivative": ("density", "-2.0 * z / (a", "-1.0 * z / (a"),
    "Jacobian": ("density", "total += point[i]", "total += 0.0"),
    "Jacobian's derivative": ("density", "jacobian = 1.0", "jacobian = 0.0"),
    "bound": ("density", '= prior["bound"] + slopes[i]', "= slopes[i]"),
    "constant of a prior": ("density", 'density + prior["constant"]', "density"),
    "zero sum, first rows": ("density", "-= total / (root + last + 1)", "-= total / (root + last)"),
    "zero sum, last row": ("density", "= -total / root", "= total / root"),
    "adjoint, sum": ("density", "common = total / (root + last + 1)", "common = total / (root + last)"),
    "adjoint, last row": ("density", "+ by_effects[last, j] / root", "- by_effects[last, j] / root"),
    "centring of the scale": ("density", "(1.0 - centring) * log_sd", "centring * log_sd"),
    "centring of the precision": ("density", "-2.0 * centring * log_sd", "-centring * log_sd"),
    "density of the coefficients": ("density", "centring * log_sd + _HALF", "_HALF"),
    "by a coefficient": ("density", "- coefficient * scales[1, j]", "+ coefficient * scales[1, j]"),
    "by a standard deviation, its density": ("density", "by_log_sd = -len", "by_log_sd = len"),
    "by a standard deviation, non-centred": ("density", "+= (1.0 - centring) * by_effect", "+= by_effect"),
    "by a standard deviation, centred": (
        "density",
        "by_log_sd += centring * coefficient",
        "by_log_sd += coefficient",
    ),
    "by a standard deviation, its log": ("density", "by_log_sd / values[sd]", "by_log_sd"),
    "unpooled": ("density", "theta[:] = values[first :", "theta[:] = 1.1 * values[first :"),
    "unpooled, back": ("density", "+= by_theta.ravel()", "+= 0.9 * by_theta.ravel()"),
    "contrast": ("density", "level += values[contrast + v - 1]", "level -= values[contrast + v - 1]"),
    "contrast, back": (
        "density",
        "by_values[contrast + v - 1] += by_level",
        "by_values[contrast + v - 1] -= by_level",
    ),
    "mean, back": ("density", "by_values[first] += by_level", "by_values[first] += 0.0"),
    "effects of a curve": ("density", "effects[g, column + k] * over", "effects[g, column] * over"),
    "effects of a curve, back": (
        "density",
        "by_theta[g, v] * over_variants[v, k]",
        "by_theta[g, v] * over_variants[k, v]",
    ),
    "from values to points": ("density", "by_values[i] * slopes[i]", "by_values[i]"),
    "digamma": ("rows", "total -= 1.0 / x", "total += 1.0 / x"),
    "Hill curve": ("rows", "smaller if below else larger", "larger if below else smaller"),
    "Hill curve by its position": ("rows", "by_first[row] *= smaller", "by_first[row] *= larger"),
    "Hill curve by its slope": ("rows", "by_second[row] *= smaller", "by_second[row] *= larger"),
    "power law": ("rows", "math.exp(t + offset)", "math.exp(t - offset)"),
    "power law by its position": ("rows", "-k * f[row], t * f[row]", "k * f[row], t * f[row]"),
    "power law of a cost": ("rows", "k * (log_x[row] - offset)", "k * (log_x[row] + offset)"),
    "power law of a cost by its level": ("rows", "= f[row], t * f[row]", "= t * f[row], t * f[row]"),
    "straight line": ("rows", "f[row] = level + more", "f[row] = level - more"),
    "straight line by its level": ("rows", "= f[row], more", "= level, more"),
    "spread of a saturating curve": ("rows", "f[row] * rest[row]", "f[row]"),
    "spread of a saturating curve by f": ("rows", "rest[row] - f[row]", "rest[row]"),
    "spread of a cost": ("rows", "return abs(f)", "return 2.0 * abs(f)"),
    "spread of a cost by f": ("rows", "math.copysign(1.0, f)", "0.0"),
    "spread inside the unit interval": ("rows", "h * (1.0 - h)", "h"),
    "spread inside the unit interval by f": ("rows", "slope_at_0 * slope_at_1", "slope_at_1"),
    "softplus to the right": ("rows", "t + math.log1p(small)", "t"),
    "softplus to the left": ("rows", "return math.log1p(small)", "return 0.0 * t"),
    "known errors, Student t": ("rows", "+ floor + known[row]", "+ floor"),
    "known errors, normal": ("rows", "+ floor + known[row]", "+ floor", NORMAL),
    "variance by sigma, Student t": ("rows", "by_variance * 2.0 * sigma", "by_variance * sigma"),
    "variance by sigma, normal": (
        "rows",
        "by_variance * 2.0 * sigma",
        "by_variance * sigma",
        "return by_sigma, by_tau, shares",
    ),
    "by variance, Student t": ("rows", "0.5 * (nu - share)", "0.5 * nu"),
    "by variance, normal": ("rows", "0.5 * (share - 1.0)", "0.5 * share"),
    "sum of logs": ("rows", "product = 1.0\n    return", "pass\n    return"),
    "tail quantile": ("rows", "1.0 + 0.5 / nu", "1.0 - 0.5 / nu"),
    "tail quantile by nu": ("rows", "-0.5 / (nu * nu) - 0.674", "-0.5 / (nu * nu) + 0.674"),
    "by sigma": ("rows", "2.0 * by_sigma", "by_sigma"),
    "by tau": ("rows", "2.0 * tau * by_tau", "tau * by_tau"),
    "normal likelihood": ("rows", "+ 0.5 * shares)", ")"),
    "Student t likelihood": ("rows", "half * log_sums)", "0.5 * nu * log_sums)"),
    "by nu": ("rows", "+ log_variances - log_sums", "- log_variances + log_sums"),
    "by nu, through the width": ("rows", "0.5 * (n_rows * nu - shares)", "0.5 * shares"),
}


def plain(rows: str, density: str) -> Callable[..., float]:
    """Return the density that source texts state, run as plain Python."""
    cache, inner, outer = (types.ModuleType(name) for name in ("cache", "rows", "density"))
    vars(cache)["compiled"] = lambda **_: lambda function: function
    vars(cache)["compiled_callback"] = lambda _: lambda function: function
    folder = "hillfront.sampling.compiled"
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, f"{folder}.cache", cache)
        patch.setitem(sys.modules, f"{folder}.rows", inner)
        exec(rows, vars(inner))
        exec(density, vars(outer))
    found: Callable[..., float] = outer.log_density
    return found


@pytest.fixture(scope="module")
def some() -> list[Case]:
    return [random_case(random_seed) for random_seed in range(N_CASES)]


def is_seen(case: Case, log_density: Callable[..., float]) -> bool:
    try:
        with np.errstate(all="ignore"):
            of_density, of_gradient = case.disagreement(log_density)
    except ArithmeticError:
        return True
    return not (of_density < 1e-9 and of_gradient < 1e-4)


@pytest.mark.slow
def test_the_source_run_as_plain_python_agrees(some: list[Case]) -> None:
    unchanged = plain(**SOURCES)
    assert not any(is_seen(case, unchanged) for case in some)


@pytest.mark.slow
@pytest.mark.parametrize("name", MUTANTS)
def test_a_mutant_is_seen(name: str, some: list[Case]) -> None:
    file, original, changed, *after = MUTANTS[name]
    begin = SOURCES[file].index(after[0]) if after else 0
    assert original in SOURCES[file][begin:]
    text = SOURCES[file][:begin] + SOURCES[file][begin:].replace(original, changed, 1)
    mutant = plain(**SOURCES | {file: text})
    assert any(is_seen(case, mutant) for case in some)
