"""The report and the viewer in a browser."""

from __future__ import annotations

import pytest
from browsing import browser, complaints, needs_browser, requests
from fabricate import fabricate

from vbench.report import write_report

pytestmark = needs_browser


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    return write_report(fabricate(tmp_path_factory.mktemp("out"), artifacts=True).folder)


@pytest.fixture(scope="module")
def page(report):
    with browser() as driver:
        driver.get(report.as_uri())
        yield driver


def test_it_renders_without_a_complaint_and_asks_for_nothing(page, report):
    asked = [url for url in requests(page) if not url.startswith("data:")]
    assert asked == [report.as_uri()]
    assert complaints(page) == []


def test_every_figure_is_seen(page):
    sizes = page.execute_script(
        "document.querySelectorAll('details').forEach((e) => { e.open = true; });"
        "return [...document.querySelectorAll('figure')].map((f) => {"
        "  const box = f.querySelector('svg, img').getBoundingClientRect();"
        "  const picture = f.querySelector('img');"
        "  return [box.width, box.height, picture ? picture.naturalWidth : 1]; });"
    )
    assert len(sizes) > 40
    assert all(min(size) > 0 for size in sizes)


def first_arms(page):
    return page.execute_script(
        "return [...document.querySelector('table.sortable tbody').rows]"
        ".map((row) => row.cells[0].textContent.trim());"
    )


def test_a_heading_sorts_by_mouse_and_by_keyboard(page):
    from selenium.webdriver.common.keys import Keys

    before = first_arms(page)
    assert before[0] == "mixed/wgan-gp-sn"
    button = page.find_elements("css selector", "table.sortable th button")[1]
    assert button.text.startswith("DSC")
    button.click()
    assert first_arms(page) == before[::-1]
    heading = button.find_element("xpath", "..")
    assert heading.get_attribute("aria-sort") == "ascending"
    button.send_keys(Keys.ENTER)
    assert first_arms(page) == before
    assert heading.get_attribute("aria-sort") == "descending"
    ratio = page.find_elements("css selector", "table.sortable th button")[4]
    ratio.send_keys(Keys.SPACE)
    assert first_arms(page)[-1] == "real", "what has no value stays last"


@pytest.mark.parametrize("width", [360, 1280])
def test_the_page_is_as_wide_as_the_screen(page, width):
    page.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 500},
    )
    assert page.execute_script("return document.documentElement.scrollWidth") == width


def test_the_viewer_shows_a_volume(report):
    from selenium.webdriver.support.ui import Select, WebDriverWait

    address = report.with_name("viewer.html").as_uri()
    with browser() as page:
        page.get(address)

        def shown(wanted):
            state = "return document.body.dataset.shown"
            WebDriverWait(page, 60).until(lambda p: p.execute_script(state) == wanted)

        shown("image truth mixed/wgan-gp-sn")
        Select(page.find_element("id", "prediction")).select_by_visible_text("real")
        shown("image truth real")
        assert [url for url in requests(page) if url.startswith("http")] == []
        assert [text for text in complaints(page) if "voxels are zero" not in text] == []
