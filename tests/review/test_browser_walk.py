"""The gallery and its neighbours walked word by word in Debian's Chromium: mouse, touch, keyboard alone."""

import io
from dataclasses import replace
from types import SimpleNamespace

import pytest
from browsing import all_of, choose, find, held, labels, press, press_with, until, with_label
from made_session import ACCOUNTS, INFO, new_cell
from reviewing import LABELS, Counted, served

from leuko_edge.store import SessionStore

pytestmark = pytest.mark.browser


@pytest.fixture
def page(browser, database):
    with served(database) as address:
        browser.get(f"{address}/sessions/1")
        until(browser, lambda: labels(browser) == LABELS)
        yield SimpleNamespace(browser=browser, address=address, database=database)


def cells(browser, within="#cells"):
    return [int(node.get_attribute("data-cell")) for node in all_of(browser, f"{within} .cell")]


def test_sessions_are_found_by_sample_and_state_and_a_running_one_counts_as_you_look(browser, database):
    running = SessionStore.create(database, replace(INFO, sample="S-18"))
    with running, served(database, counting=Counted(database, session=2)) as address:
        browser.get(address)
        assert "S-17" in find(browser, "#rows").text and "counting now" in find(browser, "#rows").text
        running.add_cell(new_cell(), ACCOUNTS)
        until(browser, lambda: find(browser, "#rows tr .number").text == "1")
        find(browser, "[name=q]").send_keys("s-17\n")
        until(browser, lambda: len(all_of(browser, "#rows tr")) == 1 and "S-17" in find(browser, "#rows").text)
        choose(browser, "[name=state]", "signed")
        find(browser, ".search button").click()
        until(browser, lambda: "No session fits" in find(browser, "#rows").text)


def test_the_gallery_stands_by_doubt_with_second_guesses_filters_and_cells_to_compare_with(page):
    browser = page.browser
    groups = [node.get_attribute("data-class") for node in all_of(browser, "#cells .group")]
    assert groups == ["unidentified", "blast", "neutrophil", "lymphocyte", "monocyte"]  # what asks for a person first
    for group in all_of(browser, "#cells .group"):
        sure = [int(node.text.split(" %")[0]) for node in group.find_elements("css selector", ".cell")]
        assert sure == sorted(sure)
    assert " %" in find(browser, '[data-cell="1"]').text.split("·")[1]  # the second guess
    for wanted, shown in (("unidentified", [5]), ("abnormal", [6]), ("asks", [5, 6]), ("changed", [])):
        choose(browser, "#filter", wanted)
        until(browser, lambda shown=shown: sorted(cells(browser)) == shown)
    choose(browser, "#filter", "")
    find(browser, '[data-cell="2"]').click()
    until(browser, lambda: browser.execute_script("return document.querySelector('.drawn')?.naturalWidth") == 256)
    press(browser, "5")
    until(browser, lambda: labels(browser) == with_label(2, "basophil"))
    choose(browser, "#filter", "changed")
    until(browser, lambda: cells(browser) == [2])
    row = find(browser, '#differential [data-label="basophil"]').text.split()
    assert row[1] == "1" and row[-1] == "0.0"  # now, and before review


def test_several_cells_at_once_by_mouse_and_by_keys_and_back_again(page):
    from selenium.webdriver.common.keys import Keys

    browser = page.browser
    find(browser, '[data-cell="1"]').click()
    held(browser, '[data-cell="3"]', Keys.CONTROL)
    press(browser, "4")
    until(browser, lambda: labels(browser) == ("eosinophil", LABELS[1], "eosinophil", *LABELS[3:]))
    press(browser, "u")
    until(browser, lambda: labels(browser) == LABELS)
    find(browser, f'[data-cell="{cells(browser)[2]}"]').click()
    press_with(browser, Keys.SHIFT, Keys.ARROW_RIGHT)
    assert len(all_of(browser, ".cell.selected")) == 2
    press(browser, Keys.DELETE)
    until(browser, lambda: len(labels(browser)) == len(LABELS) - 2)
    assert find(browser, "#counted").text.startswith("3 white cells counted (before review 5)")
    find(browser, "#undo").click()
    until(browser, lambda: labels(browser) == LABELS)


def test_a_cell_that_is_held_is_shown_in_its_picture_and_a_false_one_is_taken_out_there(page):
    browser = page.browser
    held(browser, '[data-cell="4"]', seconds=0.9)
    until(browser, lambda: find(browser, "#view").is_displayed() and all_of(browser, "#view .outline"))
    assert find(browser, "#area").get_attribute("value") == "2"
    outline = find(browser, '#view [data-cell="4"]')
    assert "selected" in outline.get_attribute("class")
    outline.click()
    find(browser, "#remove").click()
    until(browser, lambda: len(labels(browser)) == len(LABELS) - 1)
    until(browser, lambda: not all_of(browser, '#view [data-cell="4"]'))


def test_by_touch_a_cell_is_tapped_and_then_its_class(page):
    browser = page.browser
    held(browser, '[data-cell="1"]', kind="touch")
    until(browser, lambda: all_of(browser, '.cell.selected[data-cell="1"]'))
    held(browser, '#palette [data-class="monocyte"]', kind="touch")
    until(browser, lambda: labels(browser) == with_label(1, "monocyte"))


def test_a_refused_signature_leads_to_the_cells_that_were_not_looked_at(page):
    browser = page.browser
    find(browser, "#sign").click()
    find(browser, "#sign-now").click()
    until(browser, lambda: all_of(browser, "#show-unseen-now"))
    find(browser, "#show-unseen-now").click()
    until(browser, lambda: not find(browser, "#sign-dialog").is_displayed())
    assert find(browser, "#filter").get_attribute("value") == "asks"
    until(browser, lambda: find(browser, "#unseen").text.startswith("1 unidentified"))  # the first is looked at already


def test_the_keyboard_alone_is_enough_to_look_correct_name_and_sign(page):
    from selenium.webdriver.common.keys import Keys

    browser = page.browser

    def tab_to(name):
        for _ in range(60):
            if browser.execute_script("return document.activeElement.id") == name:
                return
            press(browser, Keys.TAB)
        raise AssertionError(f"{name} cannot be reached")

    press(browser, "n", "2", "n")
    until(browser, lambda: browser.execute_script("return state.unseen.length") == 0)
    assert labels(browser) == with_label(5, "lymphocyte")
    tab_to("sign")
    press(browser, Keys.ENTER)
    press_with(browser, Keys.CONTROL, "a")
    press(browser, "Dr. K", Keys.ENTER)
    until(browser, lambda: find(browser, "#state").text == "signed")
    assert "signed by Dr. K at" in find(browser, "#signatures").text


def test_everything_that_is_operated_has_a_name_and_fits_a_small_tablet(page):
    browser = page.browser
    for name in ("cells", "field", "history"):
        find(browser, f"#tab-{name}").click()
        for one in all_of(browser, "button, input, select, a, [role=tab], [tabindex='0']"):
            if one.is_displayed():
                assert one.accessible_name, one.get_attribute("outerHTML")
    find(browser, "#tab-cells").click()
    wide, high, first = browser.execute_script(
        "const whole = document.documentElement;"
        "return [whole.scrollWidth - innerWidth, whole.scrollHeight - innerHeight,"
        " document.querySelector('#cells .cell').getBoundingClientRect().bottom - innerHeight]"
    )
    assert wide <= 0 and high <= 0 and first <= 0  # nothing outside of it, and cells to be seen at once


class Person:
    """Counts what a person does: a command, an address, a click, a key, a name typed."""

    def __init__(self, browser):
        self._browser, self.actions = browser, 0

    def does(self, *_):
        self.actions += 1

    def opens(self, address):
        self.does(self._browser.get(address))

    def clicks(self, css):
        until(self._browser, lambda: find(self._browser, css).is_displayed())
        self.does(find(self._browser, css).click())

    def presses(self, key):
        self.does(press(self._browser, key))


@pytest.fixture
def hundred(tmp_path):
    """A counted session of 100 cells, of which 5 are unidentified; AB counted it."""
    kinds = ["neutrophil"] * 58 + ["lymphocyte"] * 28 + ["monocyte"] * 6 + ["eosinophil"] * 3 + ["unidentified"] * 5
    with SessionStore.create(tmp_path / "s.sqlite3", replace(INFO, operator="AB", sample="S-100")) as store:
        for number, label in enumerate(kinds, start=1):
            store.add_cell(new_cell(label, number), ACCOUNTS)
    return tmp_path / "s.sqlite3"


def test_from_the_count_to_the_signed_report_it_takes_twelve_actions(browser, hundred, tmp_path):
    """As README tells it: 100 cells, of which 5 are unidentified."""
    pypdf = pytest.importorskip("pypdf")
    downloads = tmp_path / "downloads"
    browser.execute_cdp_cmd("Page.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(downloads)})
    person = Person(browser)
    person.does("leuko-edge --image slide/ --sample S-100 --operator AB")  # the fixture is what it leaves
    with served(hundred) as address:
        person.opens(address)
        person.clicks("#rows a")
        until(browser, lambda: len(labels(browser)) == 100)
        person.clicks("#show-unseen")
        for left, key in zip((4, 3, 2, 1, 0), "12212", strict=True):
            person.presses(key)
            until(browser, lambda left=left: labels(browser).count("unidentified") == left)
        until(browser, lambda: browser.execute_script("return state.unseen.length") == 0)
        person.clicks("#sign")
        person.clicks("#sign-now")
        until(browser, lambda: find(browser, "#state").text == "signed")
        person.clicks('.files a[href$=".pdf"]')
        until(browser, lambda: [*downloads.glob("*.pdf")])
    assert person.actions == 12
    [file] = downloads.glob("*.pdf")
    text = " ".join(pypdf.PdfReader(io.BytesIO(file.read_bytes())).pages[0].extract_text().split())
    assert "Signed by AB" in text and "S-100" in text and "100 white cells counted" in text
