"""For tests in a real browser: what a person sees and does, by CSS selectors."""

from reviewing import LABELS

SECONDS = 20  # the browser may take on a busy machine


def find(browser, css):
    from selenium.webdriver.common.by import By

    return browser.find_element(By.CSS_SELECTOR, css)


def until(browser, question):
    from selenium.webdriver.support.wait import WebDriverWait

    return WebDriverWait(browser, SECONDS).until(lambda _: question())


def press(browser, *keys):
    from selenium.webdriver.common.action_chains import ActionChains

    for key in keys:
        ActionChains(browser).send_keys(key).perform()


def press_with(browser, modifier, key):
    from selenium.webdriver.common.action_chains import ActionChains

    ActionChains(browser).key_down(modifier).send_keys(key).key_up(modifier).perform()


def labels(browser):
    return tuple(browser.execute_script("return state.cells.filter((c) => !c.removed).map((c) => c.label)"))


def with_label(cell, label):
    return tuple(label if n == cell - 1 else name for n, name in enumerate(LABELS))


def all_of(browser, css):
    from selenium.webdriver.common.by import By

    return browser.find_elements(By.CSS_SELECTOR, css)


def choose(browser, css, value):
    from selenium.webdriver.support.select import Select

    Select(find(browser, css)).select_by_value(value)


def held(browser, css, *modified, seconds=0.0, kind="mouse"):
    """Press `css`, hold it for so many seconds, and let go; `modified` keys are down meanwhile."""
    from selenium.webdriver.common.action_chains import ActionChains
    from selenium.webdriver.common.actions.pointer_input import PointerInput

    actions = ActionChains(browser, devices=[PointerInput(kind, kind)])
    for key in modified:
        actions.key_down(key)
    actions.move_to_element(find(browser, css)).click_and_hold()
    if seconds:
        actions.pause(seconds)
    actions.release()
    for key in modified:
        actions.key_up(key)
    actions.perform()
