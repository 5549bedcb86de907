"""The comparison's statistics against examples whose data and results are in print, to every printed digit."""

from __future__ import annotations

import itertools
import math

import pytest

from leuko_edge.binomial import clopper_pearson
from leuko_edge.kappa import kappa
from leuko_edge.validation.counting import allowed, overlapping
from leuko_edge.validation.regression import deming, passing_bablok

# R's package mcr (Roche Diagnostics, on CRAN), inst/unitTests/runit.mcPaBa.R: its sets TD15 and TD41, and what the
# CALANAS program of the same house gave for them. The paper of 1983 prints no data of its own.
TD15_X = (
    18.654599109456, 17.0610823229594, 37.8076135618173, 51.1413961380522, 103.985667589592, 34.8605133072495,
    35.1146708951621, 16.005996343635, 68.5890100912778, 62.1699013684068, 18.1641040703209, 94.2563842860796,
    31.67278631354, 18.8059773112482, 67.9347403613216, 18.260239156489, 87.1550332248675, 98.5843421029197,
    20.3747255514258, 4.20199417418543, 27.7662087802102, 16.6797331091928, 52.3335230459024, 1.25970439645986,
    2.55285163008995, 71.1422300479687, 99.3428902581639, 40.6747911609727, 82.5924169862313, 64.7062991090824,
    1.46968233573658, 83.5389530283147, 19.8368624090347, 44.339918470983, 19.2879672940529, 86.5484515948081,
    79.8461255550168, 66.1164680506251, 32.8785828616434, 85.634465208222, 15.772867025856, 102.866851788539,
    16.4442973704484, 23.0916021823352, 83.3011761592876, 9.47357732139885, 15.4574423263928, 67.0394769874472,
    32.7239965276836, 71.7361088013058,
)  # fmt: skip
TD15_Y = (
    15.9116325401596, 17.9423397346645, 58.1755698848695, 49.0779434653576, 113.758268975683, 35.5525894416901,
    39.4088027819502, 15.0167183931276, 65.8450151148211, 62.6667874119841, 15.8020862675435, 83.9418317622942,
    33.5524291118479, 18.5775089262923, 73.872592767028, 21.600509295785, 93.4269960011703, 89.8278248717022,
    20.130360709819, 4.94910345310486, 23.1566064984898, 17.336339530418, 56.2280624424048, 1.70969794990576,
    3.40128933880261, 87.5197563754811, 67.3466761237754, 35.6882873995953, 90.4041198524321, 62.2603160684644,
    1.52718831259026, 84.5412183739216, 19.0003036715583, 51.0624306952549, 12.0291575952956, 55.3970074896586,
    96.7628055558332, 69.6940969840453, 29.1380990869214, 85.4597993067675, 18.1508502210932, 92.1385811560549,
    17.012175857013, 23.0242126162252, 95.7510267835212, 8.70125548126123, 13.4955271740672, 45.8284262464427,
    31.1175741976669, 69.5490311988868,
)  # fmt: skip
TD41_X = (
    51.2645749891018, 25.057888623163, 87.7627598051843, 62.7082431751683, 80.1505333459012, 4.62656604009068,
    33.8310555651344, 32.0639233133885, 55.2077551040875, 88.0356768073631, 26.4910934056359, 46.2676105006161,
    67.5309426729014, 69.4845641448515, 99.6168230345125, 29.8740565635394, 76.4074905899151, 40.4037427291051,
    102.582022432525, 77.2420615775276, 54.4091160177792, 31.6670196474807, 35.3688444029188, 48.4596331809692,
    27.2766177138551, 16.8936814075242, 21.978946351695, 31.8737570958866, 65.2811331882764, 11.4235216747994,
    26.5759954950747, 89.7483619905396, 70.8540190812346, 81.722195686426, 88.8717635815042, 69.8842397333777,
    41.3339139273995, 46.7715712147959, 7.2758706475883, 107.885815963472, 72.476537675172, 5.47829692782881,
    54.7122861461908, 100.774725860614, 58.9921395982599, 26.0127119387814, 52.4842022010358, 20.4930187951634,
    19.2251154457486, 15.6062233212609,
)  # fmt: skip
TD41_Y = (
    57.5184652931192, 20.8590706998877, 108.803321969406, 61.9186963049216, 66.3660888378279, 4.45211496523264,
    32.5230480583973, 35.6080901524917, 53.8918711450082, 60.4588280634825, 26.36826855427, 41.3684710045443,
    64.2210938093771, 56.4507675239752, 104.375984642575, 27.1349756417984, 94.57022726837, 29.4173054011996,
    65.8469193441376, 72.8808353078608, 52.3451209927057, 29.9746067384427, 41.473958110454, 42.6744860392878,
    36.4560529958421, 16.3614420035519, 25.0786009186081, 23.9554024584609, 71.1179574648198, 10.0486986665957,
    19.0607414061787, 71.7842138052182, 126.559037624235, 94.0881361451604, 87.2145942516959, 89.5887499202462,
    48.5784251203412, 35.6846235173564, 7.12184193955352, 100.323182519431, 69.23017359012, 3.82672858010298,
    49.4382345176691, 77.5738341281733, 52.4666442933717, 14.6409084616032, 49.8976536701488, 21.1546025964904,
    12.5229666712546, 13.2198613541858,
)  # fmt: skip


@pytest.mark.parametrize(
    ("x", "y", "slope", "slope_ci", "intercept", "intercept_ci"),
    [
        (
            *(TD15_X, TD15_Y, 1.02058852149448, (0.95848878631593, 1.09232009780764)),
            *(-0.639752984809869, (-2.3330808182894, 0.840973102642057)),
        ),
        (
            *(TD41_X, TD41_Y, 0.996354386947289, (0.92273624446357, 1.12979173135459)),
            *(-1.74861851923587, (-8.32583620193478, 0.773029866408987)),
        ),
    ],
    ids=["TD15", "TD41"],
)
def test_passing_bablok_gives_what_calanas_and_mcr_give(x, y, slope, slope_ci, intercept, intercept_ci):
    """Its intervals lie a slope further in: of 1225, (1225 - C)/2 = 495.3 is rounded in the paper, as here; mcr takes
    the 496th and the 730th (its comment: "difference to original Passing & Bablok paper")."""
    line = passing_bablok(x, y)
    assert line is not None
    assert line.slope == pytest.approx(slope, rel=1e-9) and line.intercept == pytest.approx(intercept, abs=1e-7)
    pairs = itertools.combinations(zip(x, y, strict=True), 2)
    slopes = sorted((d - b) / (c - a) for (a, b), (c, d) in pairs)
    shift = sum(one < -1 for one in slopes)
    assert (slopes[shift + 495], slopes[shift + 729]) == pytest.approx(slope_ci, rel=1e-12)
    assert line.slope_ci == pytest.approx((slopes[shift + 494], slopes[shift + 730]), rel=1e-9)
    assert line.intercept_ci[0] <= intercept_ci[0] < intercept_ci[1] <= line.intercept_ci[1]


def test_deming_gives_what_ncss_prints():
    """NCSS's manual, chapter 303, example 5: ten pairs, variances 0.032 of x and 0.008 of y."""
    x = [7, 8.3, 10.5, 9, 5.1, 8.2, 10.2, 10.3, 7.1, 5.9]
    y = [7.9, 8.2, 9.6, 9, 6.5, 7.3, 10.2, 10.6, 6.3, 5.2]
    line = deming(x, y, ratio=0.008 / 0.032)
    assert line is not None
    assert (round(line.slope, 7), round(line.intercept, 7)) == (1.0011942, -0.0897449)
    assert [round(limit, 7) for limit in line.slope_ci] == [0.5695632, 1.4328253]
    assert [round(limit, 3) for limit in line.intercept_ci] == [-4.061, 3.881]


RUEMKE = {  # Rümke 1960 (Triangle 4:154), per cent seen of 100 cells: limits in whole per cent, rounded outward
    0: (0, 4),
    1: (0, 6),
    10: (4, 18),
    50: (39, 61),
}
EXACT = {  # per cent seen: exact limits of 100, 200, 400 and 500 cells
    0: ((0, 3.6), (0, 1.8), (0, 0.9), (0, 0.7)),
    5: ((1.6, 11.3), (2.4, 9.0), (3.1, 7.6), (3.3, 7.3)),
    10: ((4.9, 17.6), (6.2, 15.0), (7.2, 13.4), (7.5, 13.0)),
    50: ((39.8, 60.2), (42.9, 57.1), (45.0, 55.0), (45.5, 54.5)),
}


def test_the_exact_interval_rounded_outward_is_ruemkes_table():
    for seen, printed in RUEMKE.items():
        low, high = clopper_pearson(seen, 100)
        assert (math.floor(100 * low), math.ceil(100 * high)) == printed
    for percent, row in EXACT.items():
        for cells, printed in zip((100, 200, 400, 500), row, strict=True):
            limits = clopper_pearson(percent * cells // 100, cells)
            assert tuple(round(100 * limit, 1) for limit in limits) == printed


def test_two_counts_whose_exact_intervals_meet_may_differ_by_more_than_chance_allows():
    """10 of 100 is 4.9 to 17.6 %, 20 of 100 12.7 to 29.2, 30 of 100 21.2 to 40.0."""
    assert overlapping((10, 100), (20, 100)) and not overlapping((10, 100), (30, 100))
    assert overlapping((10, 100), (23, 100)) and not allowed((10, 100), (23, 100))


def test_kappa_of_cohens_own_table_is_as_he_prints_it():
    """Cohen 1960 and 1968: two judges, 200 cases, 0.70 alike, 0.41 by chance; κ 0.492."""
    found = kappa([[88, 10, 2], [14, 40, 6], [18, 10, 12]])
    assert (found.n, round(found.agreement, 3), round(found.chance, 3)) == (200, 0.7, 0.41)
    assert found.value is not None and round(found.value, 3) == 0.492
    low, high = found.ci95 or (0, 0)
    assert (high - low) / 2 / 1.96 == pytest.approx(math.sqrt(0.7 * 0.3 / (200 * 0.59**2)), rel=1e-9)
    assert kappa([[9, 0], [0, 0]]).value is None and kappa([[0, 0], [0, 0]]).value is None
