import shutil

import pytest
from reviewing import copied, counted


@pytest.fixture(scope="session")
def once(tmp_path_factory):
    return counted(tmp_path_factory.mktemp("counted"))


@pytest.fixture
def database(once, tmp_path):
    """One closed session of two photographs, its six cells named as `reviewing.LABELS`."""
    return copied(once, tmp_path)


@pytest.fixture(scope="session")
def chromium(tmp_path_factory):
    """Debian's Chromium, driven by Selenium; started once."""
    webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
    program, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not program or not driver:
        pytest.skip("Debian's chromium and chromium-driver are not installed")
    options = webdriver.ChromeOptions()
    options.binary_location = program
    for word in (
        *("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"),
        *("--disable-component-update", "--disable-sync", "--window-size=1024,600"),
        f"--user-data-dir={tmp_path_factory.mktemp('browser')}",
    ):
        options.add_argument(word)
    opened = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    yield opened
    opened.quit()


@pytest.fixture
def browser(chromium):
    """One tab, and nobody's name in it."""
    yield chromium
    for tab in chromium.window_handles[1:]:
        chromium.switch_to.window(tab)
        chromium.close()
    chromium.switch_to.window(chromium.window_handles[0])
    chromium.delete_all_cookies()
