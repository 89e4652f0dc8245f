# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real browser that looks at real pages. One for all tests: to start it takes longer than most of them."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from selenium import webdriver
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement

from ansible_collections.intercloud.vpn.plugins.module_utils._page.page import page
from ansible_collections.intercloud.vpn.plugins.plugin_utils._page_files import parts

QUIET = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--window-size=1440,1000"),
    "--force-device-scale-factor=1",
)
OURS = ("file:", "blob:", "data:")
WAIT = 60  # seconds; what is waited for takes less than two, and the machine may be very busy


AS_OPENED = """
    if (MAP.refused) document.getElementById('show-refused').click();
    document.getElementById('search').value = '';
    document.activeElement.blur();
    select(null);
    fit();
    scrollTo(0, 0);
"""


LAST: list[Look] = []


class Look:
    """A page in the browser."""

    def __init__(self, driver: webdriver.Chrome, document: Mapping[str, Any], path: Path, tab: str = "report") -> None:
        path.write_text(page(document, parts()), encoding="utf-8")
        self.driver, self.document = driver, document
        driver.get("about:blank")
        driver.get_log("browser")
        driver.get_log("performance")
        driver.get(f"file://{path}#{tab}")
        if tab == "report":
            self.until(lambda: self.run("return document.getElementById('map').dataset.ms"))

    def run(self, script: str, *given: Any) -> Any:
        """What a script returns."""
        return self.driver.execute_script(script, *given)

    def one(self, selector: str) -> WebElement:
        """The element."""
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def all(self, selector: str) -> list[WebElement]:
        """The elements."""
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def text(self, selector: str) -> str:
        """What the element says, seen or not."""
        return str(self.run("return document.querySelector(arguments[0]).textContent", selector))

    def until(self, condition: Callable[[], Any]) -> Any:
        """What a condition becomes, once it is true."""
        end = time.monotonic() + WAIT
        while not (found := condition()):
            assert time.monotonic() < end, "it never came"
            time.sleep(0.02)
        return found

    def keys(self, *keys: str) -> None:
        """Type where the focus is."""
        ActionChains(self.driver, duration=0).send_keys(*keys).perform()

    def set(self, field: str, value: str) -> None:
        """Give a field a value; the page is told as if it had been typed, or chosen."""
        script = (
            "const e = document.getElementById(arguments[0]); e.value = arguments[1];"
            "e.dispatchEvent(new Event(e.tagName === 'SELECT' ? 'change' : 'input'))"
        )
        self.run(script, field, value)

    def click(self, selector: str) -> None:
        """Click at what is seen of the element, with the pointer."""
        element = self.one(selector)
        self.run("arguments[0].scrollIntoView({block: 'center'})", element)
        ActionChains(self.driver, duration=0).move_to_element(element).click().perform()

    def drag(self, selector: str, to: str) -> None:
        """Drag with the pointer: press, move in steps, release."""
        one, other = self.one(selector), self.one(to)
        self.run("arguments[0].scrollIntoView({block: 'center'})", other)
        chain = ActionChains(self.driver, duration=20).move_to_element(one).click_and_hold().move_by_offset(9, 9)
        chain.move_to_element(other).release().perform()

    def things(self, state: str) -> set[str]:
        """The keys of the things on the map that are in a state: lit, faded, selected."""
        script = "return [...document.querySelectorAll('#map-look .thing.' + arguments[0])].map(n => n.dataset.key)"
        return set(self.run(script, state))

    def complaints(self) -> list[str]:
        """What the browser complains about, and whatever the page fetched."""
        said = [entry["message"] for entry in self.driver.get_log("browser")]
        sent: dict[str, str] = {}
        for entry in self.driver.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            params = message["params"]
            if message["method"] == "Network.requestWillBeSent":
                sent[params["requestId"]] = str(params["request"]["url"])
            elif message["method"] == "Network.loadingFailed" and params.get("blockedReason") == "csp":
                sent.pop(params["requestId"], None)  # the policy stopped it, and the browser complains about it
        return [*said, *(f"fetched {url}" for url in sent.values() if not url.startswith(OURS))]


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    options = webdriver.ChromeOptions()
    options.binary_location = "/usr/bin/chromium"
    for flag in (*QUIET, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService("/usr/bin/chromedriver"))
    yield driver
    driver.quit()


@pytest.fixture
def look(browser: webdriver.Chrome, tmp_path: Path) -> Iterator[Callable[..., Look]]:
    """Opens the page of a document. A test fails if its page complained about anything, or fetched anything."""

    def open_page(document: Mapping[str, Any], tab: str = "report") -> Look:
        """Of the same document as the last page, that one, as it was when it was opened."""
        last = LAST[-1] if LAST else None
        if last is not None and last.document is document and tab == "report":
            last.run(AS_OPENED)
            return last
        LAST[:] = [Look(browser, document, tmp_path / "report.html", tab)]
        return LAST[-1]

    yield open_page
    assert LAST[-1].complaints() == []
