"""The page of a sweep in a real browser: runs are opened and compared, nothing is lost or cut off."""

import csv
import io
import shutil
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from browser import hand_rests
from explorer_page import SLIDER
from PIL import Image
from playwright.sync_api import Browser, expect
from sweep_page import OPENED, Open, cells, choose, chosen_runs, pages, selection
from sweep_toys import CLASSES, sweep_of, write_run

from wddkit.history import Sweep
from wddkit.views import AblationBrowser

pytestmark = pytest.mark.browser

RECORDED = Path(__file__).resolve().parents[2] / "notebooks/recorded/sweeps/start-form"


@pytest.fixture(scope="module")
def sweep(tmp_path_factory: pytest.TempPathFactory) -> Sweep:
    return sweep_of(tmp_path_factory.mktemp("sweep"))


@pytest.fixture
def opened(browser: Browser, tmp_path: Path) -> Iterator[Open]:
    with pages(browser, tmp_path) as open_:
        yield open_


def test_a_click_on_a_cell_opens_its_first_run_and_seeds_can_be_chosen(opened: Open, sweep: Sweep) -> None:
    found = opened(sweep)
    page = found.page
    expect(page.locator(OPENED)).to_be_hidden()
    cells(page).nth(3).click()
    expect(page.locator(f"{OPENED} {SLIDER}")).to_be_visible()
    expect(page.locator(f"{OPENED} h3").first).to_have_text("Run: statistics_weight 1, start real, seed 0")
    expect(page.locator(f"{OPENED} .wdd-moment")).to_contain_text("recover, step 20 of 20")  # the end is shown first
    expect(page.locator(f"{OPENED} h2")).to_contain_text("seed 6")  # of this toy, the number of the run
    expect(selection(page)).to_have_text("2 runs are selected.")
    expect(chosen_runs(page)).to_have_count(2)
    expect(cells(page).nth(3)).to_have_attribute("data-chosen", "all")
    page.locator(f"{OPENED} {SLIDER}").press("ArrowLeft")
    expect(page.locator(f"{OPENED} .wdd-moment")).to_contain_text("recover, step 10 of 20")
    choose(page, "run of this cell (2)", "7")
    expect(page.locator(f"{OPENED} h2")).to_contain_text("seed 7")
    expect(page.locator(f"{OPENED} .wdd-moment")).to_contain_text("recover, step 10 of 20")  # as the one before it
    found.shot("ablation-browser")
    page.get_by_label("close the run").click()
    expect(page.locator(OPENED)).to_be_hidden()
    assert page.evaluate("() => document.activeElement.className").startswith("wdd-cell")


def test_two_cells_stand_side_by_side(opened: Open, sweep: Sweep) -> None:
    page = opened(sweep).page
    cells(page).nth(0).click()
    expect(page.locator(f"{OPENED} {SLIDER}")).to_be_visible()
    cells(page).nth(5).click(modifiers=["Shift"])
    columns = page.locator(f"{OPENED} h3.wdd-run")
    expect(columns).to_have_text(["statistics_weight 0.1, start noise", "statistics_weight 10, start real"])
    expect(page.locator(f"{OPENED} {SLIDER}")).to_have_count(1)
    expect(page.locator(f"{OPENED} details td")).to_have_text(["0.1", "10", "noise", "real"])
    expect(selection(page)).to_have_text("4 runs are selected.")
    page.get_by_role("button", name="compare with…").click()
    expect(page.locator(OPENED)).to_contain_text("Now click the cell, point or run to compare with.")
    cells(page).nth(2).click()
    expect(columns).to_have_count(3)
    cells(page).nth(2).click(modifiers=["Shift"])  # and away with it again
    expect(columns).to_have_count(2)
    cells(page).nth(2).click()
    expect(columns).to_have_count(0)
    expect(page.locator(f"{OPENED} {SLIDER}")).to_be_visible()


def test_the_grid_is_walked_and_runs_are_opened_by_keys(opened: Open, sweep: Sweep) -> None:
    page = opened(sweep).page
    cells(page).first.focus()
    assert page.evaluate("() => [...document.querySelectorAll('.wdd-cell')].map(one => one.tabIndex)").count(0) == 1
    for key in ("ArrowDown", "ArrowRight", "ArrowDown", "ArrowDown", "Home"):
        page.keyboard.press(key)
    expect(cells(page).nth(4)).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(f"{OPENED} h3").first).to_have_text("Run: statistics_weight 10, start noise, seed 0")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+Enter")
    expect(page.locator(f"{OPENED} h3.wdd-run")).to_have_text(["start noise", "start real"])
    page.keyboard.press("Escape")
    expect(selection(page)).to_contain_text("Nothing is selected")


def test_one_field_is_one_row_and_seeds_alone_one_cell(opened: Open, tmp_path: Path) -> None:
    page = opened(sweep_of(tmp_path / "one", fields={"method.ipc": [1, 10, 50]}, seeds=1)).page
    expect(cells(page)).to_have_count(3)
    expect(page.locator(".wdd-heat tbody tr")).to_have_count(1)
    for cell in cells(page).all():
        assert "n = 1, students only" in cell.inner_text()
        assert "±" in cell.inner_text()  # over the students
    expect(page.locator("[aria-label='heat map'] .wdd-caption")).to_contain_text(
        "over the students of the one synthesis"
    )
    expect(page.locator("[aria-label=interaction]")).to_be_hidden()
    page = opened(sweep_of(tmp_path / "none", fields={}, seeds=2)).page
    expect(cells(page)).to_have_count(1)
    cells(page).click()
    expect(page.locator(f"{OPENED} h3").first).to_have_text("Run: the config itself, seed 0")


def test_a_pair_that_was_never_run_says_so(opened: Open, tmp_path: Path) -> None:
    sweep = sweep_of(tmp_path / "gap", drop=(0, 1))
    sweep.frame.loc[sweep.frame["run"].str.startswith("toy-1-"), "loss"] = np.nan
    page = opened(AblationBrowser(sweep, value="loss")).page
    expect(page.locator(".wdd-heat thead th[scope=col]")).to_have_text(["real", "noise"])  # as they come
    expect(cells(page).nth(0)).to_have_text("not measured")
    expect(cells(page).nth(1)).to_have_text("no run")
    expect(cells(page).nth(1)).to_have_attribute("aria-disabled", "true")
    cells(page).nth(1).click(force=True)
    expect(page.locator(OPENED)).to_be_hidden()
    cells(page).nth(0).click()  # its run is there all the same
    expect(page.locator(f"{OPENED} {SLIDER}")).to_be_visible()


def test_runs_that_are_not_there_are_said(opened: Open, tmp_path: Path) -> None:
    sweep = sweep_of(tmp_path / "gone")
    for name in ("toy-0-0", "toy-1-0", "toy-1-1"):
        shutil.rmtree(sweep.path / "runs" / name)
    page = opened(sweep, runs=4).page
    cells(page).nth(0).click()  # of two seeds one is there
    expect(page.locator(f"{OPENED} h3").first).to_have_text("Run: statistics_weight 0.1, start noise, seed 1")
    cells(page).nth(1).click()
    expect(page.locator(OPENED)).to_contain_text("This run is not here: its folder was not beside the sweep's table")
    cells(page).last.click()
    expect(page.locator(f"{OPENED} {SLIDER}")).to_be_visible()
    choose(page, "run of this cell (2)", "11")
    expect(page.locator(OPENED)).to_contain_text("This run was left out of the page.")
    expect(page.locator(".wdd-runs")).to_contain_text("not here")
    expect(page.locator(".wdd-missing")).to_contain_text("4 of 12 runs can be opened in this page")
    expect(page.locator(".wdd-missing")).to_contain_text("Of 3 runs only the numbers are there")


def test_runs_of_different_classes_do_not_stand_side_by_side(opened: Open, tmp_path: Path) -> None:
    sweep = sweep_of(tmp_path / "classes", seeds=1)
    shutil.rmtree(sweep.path / "runs" / "toy-5-0")
    write_run(sweep.path / "runs" / "toy-5-0", number=5, accuracies={"hard": 50.0}, classes=("a", "b", "c"))
    page = opened(sweep).page
    cells(page).first.click()
    cells(page).last.click(modifiers=["Shift"])
    expect(page.locator(OPENED)).to_contain_text("These runs have different classes, so that their images cannot stand")
    cells(page).last.click()
    expect(page.locator(f"{OPENED} .wdd-class")).to_have_text(["a", "b", "c"])


def test_names_that_look_like_markup_stay_text(opened: Open, tmp_path: Path) -> None:
    name = "</td><script>alert(1)</script>"
    sweep = sweep_of(
        tmp_path / "names", fields={"method.note": [name, "plain"], "<b>.<i>": ["<u>", "b"]}, protocols=(name, "b")
    )
    page = opened(sweep).page
    expect(page.locator(".wdd-heat tbody th")).to_have_text([name, "plain"])
    cells(page).first.click()
    expect(page.locator(f"{OPENED} h3").first).to_have_text(f"Run: note {name}, <i> <u>, seed 0")
    expect(page.locator(f"{OPENED} .wdd-class")).to_have_text([*CLASSES])
    assert page.locator("main script, main b:not(.wdd-cell b), main i, main u, main img").count() == 0


def test_the_address_of_a_page_keeps_what_is_shown(opened: Open, sweep: Sweep) -> None:
    page = opened(sweep).page
    choose(page, "Value", "gain")
    cells(page).nth(2).click()
    hand_rests(page)
    address = page.url
    again = opened(sweep, at=address[address.index("#") :]).page
    expect(again.locator(f"{OPENED} h3").first).to_have_text("Run: statistics_weight 1, start noise, seed 0")
    expect(again.locator("[aria-label='heat map'] h3")).to_contain_text("Accuracy minus that of random real images")
    for wrong in ("#%7B%22value%22%3A%22nope%22%2C%22selected%22%3A%5B99%5D%2C%22fixed%22%3A3%7D", "#%zz", "#[]"):
        other = opened(sweep, at=wrong, runs="none").page
        expect(cells(other)).to_have_count(6)
        expect(selection(other)).to_contain_text("Nothing is selected")


@pytest.mark.parametrize("kind", ["PNG", "SVG", "CSV"])
def test_what_is_seen_is_saved(opened: Open, sweep: Sweep, kind: str) -> None:
    page = opened(sweep).page
    with page.expect_download() as download:
        page.get_by_role("button", name=kind, exact=True).first.click()
    assert download.value.suggested_filename.startswith("Ablation-digits-wmdd-accuracy")
    data = Path(download.value.path()).read_bytes()
    if kind == "PNG":
        picture = Image.open(io.BytesIO(data))
        assert picture.width == 2800
        assert len(np.unique(np.asarray(picture.convert("RGB")).reshape(-1, 3)[::50], axis=0)) > 20
    elif kind == "SVG":
        text = " ".join(ElementTree.fromstring(data.decode()).itertext())
        for said in (
            "heat map",
            "main effects",
            "interaction",
            "scatter",
            "parallel coordinates",
            "statistics_weight:",
            "n = 2",
            "Spearman's ρ = ",
            "Mean over synthesis seeds.",
        ):
            assert said in text
    else:
        rows = list(csv.DictReader(io.StringIO(data.decode())))
        assert len(rows) == 12
        assert [float(row["accuracy"]) for row in rows] == sweep.frame["accuracy"].tolist()
        assert [row["run"] for row in rows] == sweep.frame["run"].tolist()


@pytest.mark.parametrize("width", [800, 1200])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_is_cut_off_or_too_small(opened: Open, sweep: Sweep, width: int, scheme: str) -> None:
    found = opened(sweep, width=width, color_scheme=scheme)
    page = found.page
    cells(page).nth(1).click()
    expect(page.locator(f"{OPENED} {SLIDER}")).to_be_visible()
    if scheme == "dark":
        page.get_by_role("button", name="large").first.click()
        expect(page.locator(".wdd-sweep")).to_have_class("wdd wdd-sweep wdd-large")
        expect(page.locator(f"{OPENED} .wdd-large")).to_be_visible()  # the run within is enlarged with all
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    assert page.evaluate("() => document.documentElement.scrollWidth") <= width
    too_wide = page.locator(".wdd-sweep > .wdd-panel *, .wdd-sweep > .wdd-panels *").evaluate_all(
        "all => all.filter(one => one.scrollWidth > one.clientWidth + 1 && one.clientWidth > 0"
        " && one.checkVisibility() && !one.closest('.wdd-scroll') && getComputedStyle(one).overflowX === 'visible'"
        " && getComputedStyle(one).display !== 'inline').map(one => one.outerHTML.slice(0, 80))"
    )
    assert too_wide == []
    sizes = page.locator(".wdd *").evaluate_all("all => all.map(one => parseFloat(getComputedStyle(one).fontSize))")
    assert min(sizes) >= 12
    contrasts = page.locator(".wdd-cell").evaluate_all(CONTRASTS)
    assert min(contrasts) >= 4.5  # as WCAG asks of small text
    found.shot(f"ablation-{width}-{scheme}")


CONTRASTS = """all => all.map(one => {
  const light = (colour) => {
    const [r, g, b] = colour.match(/[\\d.]+/g).map(Number).map(c => c / 255)
      .map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const style = getComputedStyle(one);
  const [a, b] = [light(style.color), light(style.backgroundColor)];
  return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
})"""


def test_the_recorded_sweep_as_the_readme_shows_it(opened: Open) -> None:
    found = opened(Sweep.load(RECORDED), width=1400)
    page = found.page
    page.set_viewport_size({"width": 1400, "height": 1180})
    cells(page).nth(8).click()
    expect(page.locator(f"{OPENED} {SLIDER}")).to_be_visible()
    page.get_by_label("close the run").click()
    expect(selection(page)).to_have_text("3 runs are selected.")
    page.evaluate("() => document.activeElement.blur()")
    found.shot("readme-ablation", full_page=False)
