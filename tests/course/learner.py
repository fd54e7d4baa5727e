"""What a learner does with a notebook in a real JupyterLab: predict, run, fill in, look."""

import re

from browser import Watched, watched
from lab import Lab
from playwright.sync_api import Browser, Page

from wddkit.course.registry import HOMES, exercises

WIDGET = "application/vnd.jupyter.widget-view+json"


def begun(running: Lab, browser: Browser, name: str) -> Watched:
    """The notebook, all of whose cells were run: to the end, and every check said that nothing is filled in yet.

    What it drew has words for those who do not see it.
    """
    found = watched(browser, width=1400)
    running.open(found.page, name)
    running.run_all(found.page)
    number = name[:2]
    for each in exercises(number) if number in HOMES else ():
        assert "○ Not filled in yet" in running.said(found.page, f"{each.name}-check"), each.name
    pictures_are_told(found.page)
    return found


def pictures_are_told(page: Page) -> None:
    """Every image among the outputs has an alt text; a view has its own in the browser."""
    outputs = page.evaluate(
        """() => [...window.jupyterapp.shell.currentWidget.content.model.cells]
          .flatMap(cell => cell.toJSON().outputs ?? [])"""
    )
    for data in (each["data"] for each in outputs if "data" in each):
        shown = "".join(data.get("text/html", ""))
        assert "image/png" not in data or "<img " in shown or WIDGET in data
        assert re.findall(r'<img (?!alt="\w)', shown) == []


def predicts(page: Page, choice: str) -> None:
    """Answers by keyboard: Tab to the choices, the arrow keys to the choice, Tab to the button, Enter."""
    box = page.get_by_label(choice)
    box.scroll_into_view_if_needed()
    question = page.locator("section.wdd-ask", has=box)
    question.locator("input").first.focus()
    page.keyboard.press("Space")
    while not box.is_checked():
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    question.get_by_text(f"You predicted: {choice}").wait_for()


def checks(running: Lab, page: Page, exercise: str) -> str:
    """What the check of an exercise says now."""
    running.heard(page)
    running.run_cell(page, f"{exercise}-check")
    return running.said(page, f"{exercise}-check")


def fills(running: Lab, page: Page, exercise: str, code: str) -> str:
    """What the check of an exercise says once this is its answer."""
    running.write_cell(page, f"{exercise}-answer", code)
    running.run_cell(page, f"{exercise}-answer")
    return checks(running, page, exercise)


def sees(found: Watched, exercise: str, name: str) -> None:
    """Keeps a picture of the cells of an exercise."""
    shows(found, f"{exercise}-check", name)


def shows(found: Watched, cell: str, name: str) -> None:
    """Keeps a picture of a cell and of what is around it."""
    scrolls_to(found.page, cell)
    found.shot(name, full_page=False)


def scrolls_to(page: Page, cell: str) -> None:
    """Brings a cell to the middle of the window."""
    page.evaluate(
        """id => {
          const { content } = window.jupyterapp.shell.currentWidget;
          return content.scrollToCell(content.widgets.find(cell => cell.model.id === id), "center");
        }""",
        cell,
    )
    page.wait_for_timeout(300)
