"""The review pages in a real browser: Debian's Chromium, driven by Selenium."""

import contextlib
import io
import json
import time
import urllib.request

import pytest
from browsing import SECONDS, find, labels, press, until, with_label
from reviewing import LABELS, Counted, served

from leuko_edge.session import Advice
from leuko_edge.store.review import Review

pytestmark = pytest.mark.browser


def fetched(address):
    with urllib.request.urlopen(address, timeout=SECONDS) as answer:
        return answer.read()


def test_a_person_reviews_signs_amends_and_takes_the_report_away(browser, database):
    from selenium.webdriver.common.action_chains import ActionChains

    pypdf = pytest.importorskip("pypdf")
    with served(database) as address:
        browser.get(address)
        find(browser, "#rows a").click()
        until(browser, lambda: labels(browser) == LABELS)

        find(browser, '[data-cell="1"]').click()  # by key, and undone
        press(browser, "3")
        until(browser, lambda: labels(browser) == with_label(1, "monocyte"))
        assert find(browser, '#differential [data-label="monocyte"] td').text == "2"
        press(browser, "u")
        until(browser, lambda: labels(browser) == LABELS)

        cell, target = find(browser, '.cell[data-cell="2"]'), find(browser, '#palette [data-class="basophil"]')
        ActionChains(browser).drag_and_drop(cell, target).perform()
        until(browser, lambda: labels(browser) == with_label(2, "basophil"))
        find(browser, "#undo").click()
        until(browser, lambda: labels(browser) == LABELS)

        find(browser, "#sign").click()  # refused: two cells ask for a person
        find(browser, "#signer").clear()
        find(browser, "#signer").send_keys("Dr. C")
        find(browser, "#sign-now").click()
        until(browser, lambda: "2 cells have not been looked at" in find(browser, "#sign-told").text)
        find(browser, '#sign-dialog [value="cancel"]').click()

        find(browser, "#show-unseen").click()
        press(browser, "n")
        until(browser, lambda: browser.execute_script("return state.unseen.length") == 0)
        find(browser, "#sign").click()
        find(browser, "#sign-now").click()
        until(browser, lambda: find(browser, "#state").text == "signed")
        press(browser, "1")
        assert labels(browser) == LABELS  # locked

        find(browser, "#amend").click()
        find(browser, "#reason").send_keys("the blast was a lymphocyte")
        find(browser, "#amend-now").click()
        until(browser, lambda: "being amended" in find(browser, "#state").text)
        find(browser, '.cell[data-cell="6"]').click()
        press(browser, "2")
        until(browser, lambda: labels(browser) == with_label(6, "lymphocyte"))
        find(browser, "#sign").click()
        find(browser, "#sign-now").click()
        until(browser, lambda: find(browser, "#state").text == "signed")

        report = json.loads(fetched(f"{address}/sessions/1/report.json"))
        pdf = pypdf.PdfReader(io.BytesIO(fetched(f"{address}/sessions/1/report.pdf")))
        first = " ".join(pdf.pages[0].extract_text().replace("–", "-").split())
        assert report["session"]["signed"]["by"] == "Dr. C" and "Signed by Dr. C" in first
        assert [one["reason"] for one in report["session"]["versions"]] == ["", "the blast was a lymphocyte"]
        for label, share in report["differential"]["classes"].items():
            if share["count"]:
                assert f"{label.replace('_', ' ')} {share['count']} {share['percent']:.1f}" in first


def test_the_keys_of_the_display_are_pressed_while_the_running_count_is_shown(browser, database):
    count = Counted(database, advice=Advice.FOCUS)
    with served(database, counting=count) as address:
        browser.get(f"{address}/sessions/1")
        until(browser, lambda: find(browser, "#live-word").text == "FOCUS")  # it opens there
        seen = "return document.getElementById('live-picture').naturalWidth"
        until(browser, lambda: browser.execute_script(seen) == 8)
        press(browser, "p")
        until(browser, lambda: "say who you are" in find(browser, "#told").text)
        find(browser, "#name").send_keys("Dr. C\n")
        until(browser, lambda: browser.get_cookie("leuko_edge_name"))
        find(browser, "#live-keys [data-key='q']").click()
        until(browser, lambda: "Sign?" in find(browser, "#live-word").text)
        find(browser, "#live-keys [data-key='y']").click()
        until(browser, lambda: count.pressed == [("q", "Dr. C"), ("y", "Dr. C")])
        assert labels(browser) == LABELS  # the keys of review were not meant


def test_a_missed_cell_is_added_by_a_click_and_another_page_sees_it(browser, database):
    from selenium.webdriver.common.action_chains import ActionChains

    with served(database) as address:
        browser.get(f"{address}/sessions/1")
        find(browser, "#tab-field").click()
        until(browser, lambda: browser.execute_script("return Boolean(field.svg)"))
        first = browser.current_window_handle
        browser.switch_to.new_window("tab")
        browser.get(f"{address}/sessions/1")
        second = browser.current_window_handle
        browser.switch_to.window(first)
        find(browser, "#missed").click()
        ActionChains(browser).move_to_element(find(browser, "#view")).click().perform()
        until(browser, lambda: len(labels(browser)) == len(LABELS) + 1)
        browser.switch_to.window(second)
        until(browser, lambda: labels(browser) == (*LABELS, "eosinophil"))


def test_a_person_takes_the_quiz_by_keys_and_sees_what_came_of_it(browser, database):
    with contextlib.closing(Review(database)) as review:
        review.look(1, range(1, len(LABELS) + 1), "AB", time.time())
        review.sign(1, "AB", time.time())
    with served(database) as address:
        browser.get(address)
        find(browser, "a[href='/quiz']").click()
        find(browser, "#begin button").click()
        for number in range(1, 6):
            until(browser, lambda said=f"cell {number} of 5": find(browser, "#progress").text == said)
            until(browser, lambda: browser.execute_script("return asked.complete && asked.naturalWidth > 0"))
            press(browser, "1")  # neutrophil, of which two are signed
        until(browser, lambda: "The last one" in find(browser, "#confusion caption").text)
        assert "40 %" in find(browser, "table").text
        names = [cell.text for cell in find(browser, "#confusion thead tr").find_elements("css selector", "th")[1:]]
        assert names == ["neutrophil", "lymphocyte", "monocyte", "blast"]
