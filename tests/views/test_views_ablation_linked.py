"""The parts of a sweep's page in a real browser: their numbers, and that what is selected in one is so in all."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from browser import nothing_went_wrong, watched
from playwright.sync_api import Browser, Page, expect
from scipy import stats
from sweep_page import OPENED, Open, cells, choose, chosen_runs, pages, selection
from sweep_toys import sweep_of

from wddkit.history import Sweep
from wddkit.views import AblationBrowser, assets
from wddkit.views.sweeps import Table, mean_of

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def sweep(tmp_path_factory: pytest.TempPathFactory) -> Sweep:
    return sweep_of(tmp_path_factory.mktemp("sweep"))


@pytest.fixture
def opened(browser: Browser, tmp_path: Path) -> Iterator[Open]:
    with pages(browser, tmp_path) as open_:
        yield open_


def test_every_cell_says_the_mean_the_interval_and_n_that_python_has(opened: Open, sweep: Sweep) -> None:
    view = AblationBrowser(sweep, value="gain")
    page = opened(view).page
    expect(cells(page)).to_have_count(6)
    for cell, (_, row) in zip(cells(page).all(), view.cells().iterrows(), strict=True):
        said = [float(cell.get_attribute(f"data-{name}") or "nan") for name in ("mean", "low", "high", "n")]
        assert said == pytest.approx([row["mean"], row["low"], row["high"], row["n"]], abs=1e-9)
        half = (row["high"] - row["low"]) / 2
        assert cell.inner_text().split("\n") == [f"{row['mean']:+.1f}", f"± {half:.1f}", "n = 2"]
    assert "statistics_weight 0.1, start noise: +" in (cells(page).first.get_attribute("aria-label") or "")
    assert "95 % interval over seeds" in (cells(page).first.get_attribute("aria-label") or "")


FUNCTIONS = [(assets.ROOM / name).read_text("utf-8") for name in ("common.js", "sweep_table.js")]
MEANS = """([sent, column, groups]) => {
  const table = decodeSweep(sent);
  return groups.map((rows) => sweepMean(table, rows, table.columns.get(column)));
}"""


@pytest.fixture
def functions(browser: Browser) -> Iterator[Page]:
    """A page with the functions of a sweep's numbers."""
    found = watched(browser)
    found.page.set_content(f"<!doctype html><script>'use strict';\n{''.join(FUNCTIONS)}</script>")
    yield found.page
    nothing_went_wrong(found)


def test_means_of_any_rows_are_those_of_python(functions: Page, tmp_path: Path) -> None:
    sweep = sweep_of(tmp_path, seeds=4, runs=False)
    sweep.frame.loc[[2, 7, 8], "loss"] = np.nan
    view, rng = AblationBrowser(sweep), np.random.default_rng(0)
    of_two = [[4 * a + seed for a in rng.choice(6, 2, replace=False).tolist() for seed in range(4)] for _ in range(40)]
    groups = [sorted(rng.permutation(rows)[: rng.integers(0, 9)].tolist()) for rows in of_two]
    for column in ("accuracy", "loss"):
        found = functions.evaluate(MEANS, [view.table, column, groups])
        expected = [mean_of(Table.of(sweep, "a test"), column, rows) for rows in groups]
        assert {mean.n for mean in expected} >= {0, 1, 2, 3}
        for own, mean in zip(found, expected, strict=True):
            assert (own["n"], own["over"]) == (mean.n, mean.over)
            for name in ("value", "low", "high"):
                value = getattr(mean, name)
                assert own[name] == (None if np.isnan(value) else pytest.approx(value, abs=1e-9))


def test_rank_correlation_is_scipys_with_ties_and_gaps(functions: Page) -> None:
    rng = np.random.default_rng(1)
    for n in (3, 5, 17, 300):
        x, y = rng.integers(0, n, n).astype(float), rng.normal(size=n).round(1)
        found = functions.evaluate("([x, y]) => sweepSpearman(x, y)", [[*x, None, 1.0], [*y, 2.0, None]])
        assert found["n"] == n
        assert found["rho"] == pytest.approx(stats.spearmanr(x, y).statistic, abs=1e-9)
        if n > 3:
            half = stats.norm.ppf(0.975) * np.sqrt((1 + found["rho"] ** 2 / 2) / (n - 3))
            ends = np.tanh(np.arctanh(found["rho"]) + np.array([-half, half]))
            assert [found["low"], found["high"]] == pytest.approx(ends, abs=1e-9)
    for x, y in (([1, 1, 1], [1, 2, 3]), ([1, 2], [1, 2]), ([], [])):
        assert functions.evaluate("([x, y]) => sweepSpearman(x, y)", [x, y])["rho"] is None
    perfect = functions.evaluate("([x, y]) => sweepSpearman(x, y)", [[1, 2, 3, 4, 5], [9, 7, 5, 3, 1]])
    assert perfect == {"rho": -1, "low": None, "high": None, "n": 5}


def test_the_scatter_says_scipys_rho_of_what_is_shown(opened: Open, sweep: Sweep) -> None:
    page = opened(sweep).page
    rho = page.locator(".wdd-rho")
    expected = stats.spearmanr(sweep.frame["w2_squared"], sweep.frame["accuracy"]).statistic
    expect(rho).to_contain_text(f"Spearman's ρ = {expected:.2f}".replace("-", "−"))
    assert float(rho.get_attribute("data-rho") or "nan") == pytest.approx(expected, abs=1e-9)
    assert rho.get_attribute("data-n") == "12"
    choose(page, "over x", "method.statistics_weight")
    again = stats.spearmanr(sweep.frame["method.statistics_weight"], sweep.frame["accuracy"]).statistic
    expect(rho).to_contain_text(f"ρ = {again:.2f}")
    choose(page, "colour", "method.start")
    noise = sweep.frame[sweep.frame["method.start"] == "noise"]
    own = stats.spearmanr(noise["method.statistics_weight"], noise["accuracy"]).statistic
    expect(page.locator("[aria-label=scatter] .wdd-key")).to_contain_text(f"noise (n = 6, ρ = {own:.2f})")


def test_a_brush_is_moved_by_keys_and_selects_everywhere(opened: Open, sweep: Sweep) -> None:
    page = opened(sweep).page
    handle = page.get_by_role("slider", name="lowest of start kept")
    expect(handle).to_have_attribute("aria-valuetext", "noise")
    handle.press("ArrowUp")
    expect(handle).to_have_attribute("aria-valuetext", "real")
    expect(selection(page)).to_have_text("6 runs are selected.")
    expect(chosen_runs(page)).to_have_count(6)
    states = [cell.get_attribute("data-chosen") for cell in cells(page).all()]
    assert states == ["none", "all"] * 3
    highest = page.get_by_role("slider", name="highest of accuracy on test images (%) kept")
    highest.press("PageDown")
    low, high = sweep.frame["accuracy"].min(), sweep.frame["accuracy"].max()
    kept = sweep.frame[(sweep.frame["method.start"] == "real") & (sweep.frame["accuracy"] <= high - (high - low) / 8)]
    assert 0 < len(kept) < 6
    expect(selection(page)).to_contain_text(f"{len(kept)} runs are selected.")
    expect(page.locator("[aria-label='parallel coordinates']")).to_contain_text(f"{len(kept)} of 12 runs are within")
    handle.press("Escape")
    highest.press("End")
    expect(selection(page)).to_contain_text("Nothing is selected")
    expect(page.get_by_role("button", name="clear brushes")).to_be_disabled()


def test_a_brush_is_drawn_along_an_axis_and_a_click_frees_it(opened: Open, sweep: Sweep) -> None:
    page = opened(sweep).page
    canvas = page.locator("canvas.wdd-axes")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    assert box
    x = box["x"] + box["width"] * 3 / 8  # the second of four axes, start, whose upper half is "real"
    page.mouse.move(x, box["y"] + 50)
    page.mouse.down()
    page.mouse.move(x, box["y"] + 120, steps=4)
    page.mouse.up()
    expect(selection(page)).to_have_text("6 runs are selected.")
    cells(page).nth(0).click()  # another selection ends the brush
    expect(page.get_by_role("button", name="clear brushes")).to_be_disabled()
    expect(selection(page)).to_have_text("2 runs are selected.")


def test_images_that_are_decoded_late_come_to_the_mark_that_is_pointed_at(opened: Open, sweep: Sweep) -> None:
    page = opened(sweep).page
    page.add_init_script(
        "const decode = createImageBitmap; const late = () => new Promise(done => setTimeout(done, 1500));"
        "window.createImageBitmap = (...given) => late().then(() => decode(...given));"
    )
    page.reload()
    page.locator(".wdd-sweep[data-drawn]").wait_for()
    page.locator("canvas.wdd-scatter").press("ArrowRight")
    tip = page.locator("[aria-label=scatter] .wdd-tip")
    expect(tip).to_be_visible()
    expect(tip.locator("canvas")).to_be_visible()


def test_points_and_marks_are_gone_through_by_keys_and_open_or_select(opened: Open, sweep: Sweep) -> None:
    page = opened(sweep).page
    scatter = page.locator("canvas.wdd-scatter")
    scatter.press("ArrowRight")
    first = int(sweep.frame["w2_squared"].idxmin())  # from left to right
    row = sweep.frame.iloc[first]
    name = f"statistics_weight {row['method.statistics_weight']:g}, start {row['method.start']}, seed {row['seed']}"
    voice = page.locator("[aria-label=scatter] output.wdd-voice")
    expect(voice).to_contain_text(f"{name}: w2_squared {row['w2_squared']:.1f}, accuracy {row['accuracy']:.1f}")
    expect(page.locator("[aria-label=scatter] .wdd-tip canvas")).to_be_visible()  # the images of the run
    scatter.press("Enter")
    expect(page.locator(f"{OPENED} h3").first).to_have_text(f"Run: {name}")
    expect(selection(page)).to_have_text(f"Selected: {name}.")
    effects = page.locator("canvas.wdd-effects")
    effects.press("End")
    voice = page.locator("[aria-label='main effects'] output.wdd-voice")
    expect(voice).to_contain_text("start real: ")
    effects.press("Enter")
    expect(selection(page)).to_have_text("6 runs are selected.")
    effects.press("Home")
    effects.press("Shift+Enter")
    expect(selection(page)).to_have_text("8 runs are selected.")
    page.locator("canvas.wdd-interaction").press("ArrowLeft")
    expect(page.locator("[aria-label=interaction] output.wdd-voice")).to_contain_text(
        "statistics_weight 10, start real"
    )


def test_a_point_under_the_mouse_opens_its_run(opened: Open, sweep: Sweep) -> None:
    page = opened(sweep).page
    canvas = page.locator("canvas.wdd-scatter")
    box = canvas.bounding_box()
    assert box
    x, y = sweep.frame["w2_squared"], sweep.frame["accuracy"]
    row = int(y.idxmax())

    def share(values: "np.ndarray | object", at: int) -> float:
        own = np.asarray(values, float)
        pad = 0.07 * np.ptp(own)
        return float((own[at] - own.min() + pad) / (np.ptp(own) + 2 * pad))

    left, right, top, bottom = 56, box["width"] - 14, 12, box["height"] - 42
    at = {"x": left + share(x, row) * (right - left), "y": bottom - share(y, row) * (bottom - top)}
    canvas.click(position=at)  # type: ignore[arg-type]  # x and y
    own = sweep.frame.iloc[row]
    expect(page.locator(f"{OPENED} h3").first).to_have_text(
        f"Run: statistics_weight {own['method.statistics_weight']:g}, start {own['method.start']}, seed {own['seed']}"
    )
    canvas.click(position={"x": box["width"] - 20, "y": 20})  # nothing is there
    expect(selection(page)).to_contain_text("Nothing is selected")


def column(page: Page, name: str) -> list[str]:
    """A column of the list of runs."""
    heads = [text.split(" ")[0] for text in page.locator(".wdd-runs thead th").all_inner_texts()]
    return page.locator(f".wdd-runs tbody td:nth-child({heads.index(name) + 1})").all_inner_texts()


def test_the_list_is_sorted_filtered_and_opens_runs(opened: Open, sweep: Sweep) -> None:
    page = opened(sweep).page
    page.get_by_role("button", name="sort by accuracy").click()
    expect(page.locator(".wdd-runs th[aria-sort=descending]")).to_have_text("accuracy ▼")
    falling = [f"{value:.1f}" for value in sorted(sweep.frame["accuracy"], reverse=True)]
    assert column(page, "accuracy") == falling
    expect(page.get_by_role("button", name="sort by accuracy")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(".wdd-runs th[aria-sort=ascending]")).to_have_text("accuracy ▲")
    assert column(page, "accuracy") == falling[::-1]
    best = int(sweep.frame["accuracy"].idxmax())
    row = page.locator(".wdd-runs tbody tr").last
    row.locator("input").check()
    expect(chosen_runs(page)).to_have_count(1)
    page.locator(".wdd-runs tbody tr").first.locator("input").check()
    page.get_by_label("only those selected").check()
    expect(page.locator(".wdd-runs tbody tr")).to_have_count(2)
    page.get_by_role("button", name="compare side by side").click()
    expect(page.locator(f"{OPENED} h3.wdd-run")).to_have_count(2)
    page.locator(".wdd-runs tbody tr").last.get_by_role("button", name="open").click()
    expect(page.locator(f"{OPENED} h2")).to_contain_text(f"seed {best}")


def test_the_strips_of_the_list_are_the_images_of_the_runs(opened: Open, sweep: Sweep) -> None:
    page = opened(sweep).page
    strip = page.locator("canvas.wdd-thumbs").nth(5)
    expect(strip).to_have_attribute("aria-label", "images of statistics_weight 1, start noise, seed 1")
    expect(page.locator(".wdd-sweep[data-pending='0']")).to_be_visible()
    page.wait_for_function("() => document.querySelectorAll('canvas.wdd-thumbs')[5].width === 60")
    found = strip.evaluate(
        "canvas => { const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);"
        " return [canvas.width, canvas.height, Array.from(data)]; }"
    )
    pixels = np.array(found[2]).reshape(found[1], found[0], 4)
    images = sweep.history(5).distilled.images[:, 0]
    middles = ((np.arange(8) + 0.5) * 18 / 8).astype(int)  # of the pixels of a tile
    for label in range(3):
        tile = pixels[np.ix_(middles, middles + 20 * label)][:, :, 0]
        np.testing.assert_array_equal(tile, images[label])


def test_other_fields_are_fixed_or_averaged_and_words_numbers_and_truths_are_levels(
    opened: Open, tmp_path: Path
) -> None:
    fields = {"method.ipc": [1, 10], "method.start": ["noise", "real"], "method.curriculum": [True, False]}
    sweep = sweep_of(tmp_path / "three", fields=fields, drop=(4, 5, 6, 7), protocols=("hard", "soft"))
    page = opened(sweep).page
    caption = page.locator("[aria-label='heat map'] .wdd-caption")
    expect(caption).to_contain_text("and over curriculum.")
    expect(caption).to_contain_text("Some cells hold fewer settings than others")
    choose(page, "curriculum", "true")
    expect(caption).not_to_contain_text("and over")
    own = sweep.frame[(sweep.frame["method.curriculum"]) & (sweep.frame["protocol"] == "hard")]
    means = own.groupby(["method.ipc", "method.start"])["accuracy"].mean()
    said = [float(cell.get_attribute("data-mean") or "nan") for cell in cells(page).all()]
    assert said == pytest.approx(means.unstack()[["noise", "real"]].to_numpy().ravel().tolist())
    choose(page, "Protocol", "soft")
    soft = sweep.frame[(sweep.frame["method.curriculum"]) & (sweep.frame["protocol"] == "soft")]
    mean = soft.groupby(["method.ipc", "method.start"])["accuracy"].mean().loc[10, "real"]
    expect(cells(page).last).to_have_attribute("data-mean", str(mean))
    choose(page, "Rows", "method.curriculum")
    expect(page.locator(".wdd-heat tbody th")).to_have_text(["False", "True"])
    choose(page, "Rows", "method.start")  # which the columns had
    expect(page.locator(".wdd-heat thead th[scope=col]")).to_have_text(["False", "True"])
    choose(page, "Columns", "")
    expect(cells(page)).to_have_count(2)
