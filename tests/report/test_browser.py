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
    from selenium.webdriver.support.ui import WebDriverWait

    with browser() as driver:
        driver.get(report.as_uri())
        drawn = "return document.body.dataset.charts"
        WebDriverWait(driver, 120).until(lambda p: p.execute_script(drawn))
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


def shades(page, place):
    """Return group and opacity of each mark of a chart."""
    return page.execute_script(
        "return [...arguments[0].querySelectorAll('.mark-symbol.role-mark path')]"
        ".map((mark) => [(mark.getAttribute('aria-label') ?? '').match(/group: (\\w+)/)?.[1],"
        " Number(mark.getAttribute('opacity') ?? 1)]).filter(([group]) => group);",
        place,
    )


def test_a_legend_filters_and_a_mark_says_what_it_is(page):
    from selenium.webdriver.common.action_chains import ActionChains
    from selenium.webdriver.support.ui import WebDriverWait

    place = page.find_element("css selector", "#subjects .chart")
    assert {shade for _, shade in shades(page, place)} == {1}
    entry = next(
        e for e in place.find_elements("css selector", ".role-legend-label text")
        if e.text == "real"
    )  # fmt: skip
    ActionChains(page).move_to_element(entry).click().perform()
    WebDriverWait(page, 20).until(
        lambda p: {name for name, shade in shades(p, place) if shade == 1} == {"real"}
    )
    mark = place.find_element(
        "css selector", "path[aria-label*='subject: '][aria-label*='group: real']"
    )
    ActionChains(page).move_to_element(mark).perform()
    tip = page.find_element("id", "vg-tooltip-element")
    WebDriverWait(page, 20).until(lambda p: "subject" in tip.text)
    assert "real" in tip.text


def test_charts_follow_the_scheme_of_the_page(page):
    label = page.find_element("css selector", "#subjects .chart .role-axis-label text")
    seen = []
    for scheme in ("light", "dark"):
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
        seen.append(label.value_of_css_property("fill"))
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    assert seen[0] != seen[1]


def test_charts_have_a_description(page):
    charts = page.find_elements("css selector", ".chart svg")
    assert len(charts) > 30
    assert all(chart.find_element("css selector", "[aria-label]") for chart in charts)


def first_arms(page):
    return page.execute_script(
        "return [...document.querySelector('table.sortable tbody').rows]"
        ".map((row) => row.cells[0].textContent.trim());"
    )


def test_a_heading_sorts_by_mouse_and_by_keyboard(page):
    from selenium.webdriver.common.keys import Keys

    before = first_arms(page)
    assert before[0] == "mixed/wgan-gp-sn"
    buttons = page.find_elements("css selector", "table.sortable th button")
    button = buttons[1]
    assert button.text.startswith("DSC")
    button.click()
    assert first_arms(page) == before[::-1]
    heading = button.find_element("xpath", "..")
    assert heading.get_attribute("aria-sort") == "ascending"
    button.send_keys(Keys.ENTER)
    assert first_arms(page) == before
    assert heading.get_attribute("aria-sort") == "descending"
    ratio = next(button for button in buttons if button.text.startswith("DSC / real"))
    ratio.send_keys(Keys.SPACE)
    assert first_arms(page)[-1] == "real", "what has no value stays last"


@pytest.mark.parametrize("width", [360, 390, 1280])
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


#: Returns each text's contrast with what lies behind it (WCAG 2.1), the least first.
CONTRAST = """
const light = (c) => { const [r, g, b] = c.map((v) => (v /= 255) <= 0.04045 ? v / 12.92
  : ((v + 0.055) / 1.055) ** 2.4); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
const parse = (c) => c.match(/[\\d.]+/g).map(Number);
const behind = (e) => { for (; e; e = e.parentElement) {
  const c = parse(getComputedStyle(e).backgroundColor); if (c.length < 4 || c[3] > 0) return c; }
  return [255, 255, 255]; };
return [...document.querySelectorAll('p, li, td, th, h1, h2, h3, a, figcaption, .chart text')]
  .map((e) => { const s = getComputedStyle(e); const svg = e.closest('svg');
    const ink = light(parse(svg ? s.fill : s.color));
    const [a, b] = [ink, light(behind(svg ? svg.parentElement : e))];
    return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05); }).sort((a, b) => a - b)[0];
"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_stands_out_from_its_ground(page, scheme):
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    assert page.execute_script(CONTRAST) >= 4.5
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


def test_the_keyboard_reaches_links_headings_tables_and_folds(page):
    from selenium.webdriver.common.keys import Keys

    page.execute_script("document.querySelectorAll('details').forEach((e) => { e.open = false; })")
    page.execute_script("document.querySelector('nav a').focus()")
    seen = set()
    for _ in range(80):
        page.switch_to.active_element.send_keys(Keys.TAB)
        found = page.switch_to.active_element
        outline = found.value_of_css_property("outline-style")
        seen.add((found.tag_name, found.get_attribute("class")))
        assert outline != "none", found.get_attribute("outerHTML")[:80]
        if found.tag_name == "summary":
            break
    assert {tag for tag, _ in seen} == {"a", "button", "div", "summary"}
    found.send_keys(Keys.ENTER)
    assert found.find_element("xpath", "..").get_attribute("open") is not None


def test_it_prints_with_all_that_is_folded(page):
    import base64

    page.execute_script("document.querySelectorAll('details').forEach((e) => { e.open = false; })")
    made = page.execute_cdp_cmd("Page.printToPDF", {"preferCSSPageSize": True})
    file = base64.b64decode(made["data"])
    assert file.startswith(b"%PDF")
    assert all(e.get_attribute("open") for e in page.find_elements("tag name", "details"))
