"""Chromium for the tests of the page: one browser, a tab at a time, and no network but this machine's own."""
import atexit
import base64
import json
import os
import re
import signal
import subprocess
import tempfile
import unittest

from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException, TimeoutException
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chromium.remote_connection import ChromiumRemoteConnection
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.support.wait import WebDriverWait

PROGRAM, JOBS, RUNS, SHOTS = (os.environ[name] for name in ("PROGRAM", "JOBS", "RUNS", "SHOTS"))
DEADLINE_S = 60
signal.signal(signal.SIGTERM, signal.default_int_handler)  # unittest goes on after any exception but Ctrl-C's


class Statements(unittest.TestCase):
    maxDiff = None

    def __str__(self):
        return self._testMethodName.removeprefix("test_").replace("_", " ")


def until(holds, what, deadline_s=DEADLINE_S):
    """Waits until `holds()` is true of the page, which may be drawn anew meanwhile, and gives what it gave."""
    try:
        return WebDriverWait(None, deadline_s, 0.05, (StaleElementReferenceException,)).until(lambda _: holds())
    except TimeoutException:
        raise AssertionError(f"not so within {deadline_s} s: {what}") from None


def start(arguments, says, **options):
    """Starts a program, which ends with this process at the latest, and waits for what it says once it is there: gives
    both, the latter as a match."""
    with tempfile.NamedTemporaryFile("r", encoding="utf-8") as reader:
        with open(reader.name, "w", encoding="utf-8") as writer:
            # A shell has what it runs in the background ignore SIGINT, and the program leaves that as it is.
            process = subprocess.Popen(["env", "--default-signal=INT", "setpriv", "--pdeathsig", "KILL", *arguments],
                                       stdin=subprocess.DEVNULL, stdout=writer, **options)

        def said():
            has_ended = process.poll() is not None
            reader.seek(0)
            output = reader.read()
            found = re.search(says, output, re.MULTILINE)
            assert found or not has_ended, f"{arguments[0]} ends with {process.returncode}, having said: {output}"
            return found

        try:
            return process, until(said, f"{arguments[0]} says '{says}'")
        except BaseException:
            process.kill()
            process.wait(DEADLINE_S)
            raise


def measurements(run):
    """The lines of a run's metrics.jsonl that are measurements."""
    return lines_of(run, "measurement")


def lines_of(run, kind):
    with open(f"{RUNS}/{run}/metrics.jsonl", encoding="utf-8") as file:
        lines = [json.loads(line) for line in file]
    return [{key: value for key, value in line.items() if key != "type"} for line in lines if line["type"] == kind]


def summary(run):
    with open(f"{RUNS}/{run}/summary.json", encoding="utf-8") as file:
        return json.load(file)


def start_browser():
    """The driver, at a port that is free, and through it the browser."""
    service, port = start(["chromedriver", "--port=0"], r"started successfully on port (\d+)", stderr=subprocess.STDOUT,
                          start_new_session=True)
    driver = None

    def stop():
        try:
            if driver:
                driver.quit()
        finally:
            os.killpg(service.pid, signal.SIGKILL)
            service.wait(DEADLINE_S)

    atexit.register(stop)
    options = Options()
    options.binary_location = "/usr/bin/chromium"
    for argument in (
            "--headless=new",
            "--no-sandbox",  # root's, and in containers
            "--disable-dev-shm-usage",
            "--hide-scrollbars",
            "--remote-debugging-pipe",
            "--no-proxy-server",
            "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    ):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    options.set_capability("goog:perfLoggingPrefs", {"enableNetwork": True, "enablePage": False})
    ChromiumRemoteConnection.set_timeout(2 * DEADLINE_S)
    connection = ChromiumRemoteConnection(f"http://127.0.0.1:{port[1]}", vendor_prefix="goog", browser_name="chrome",
                                          ignore_proxy=True)
    driver = webdriver.Remote(connection, options=options)
    driver.set_page_load_timeout(DEADLINE_S)
    driver.set_script_timeout(DEADLINE_S)
    return driver


class Page:
    """A new tab that shows an address, in the place of the former, and all that goes wrong on it."""

    driver = None

    def __init__(self, address, *, size=(1200, 900), is_phone=False, scheme="light", is_offline=False):
        if not Page.driver:
            Page.driver = start_browser()
        self.address = address
        former = self.driver.current_window_handle
        self.driver.switch_to.new_window("tab")
        tab = self.driver.current_window_handle
        self.driver.switch_to.window(former)
        self.driver.close()
        self.driver.switch_to.window(tab)
        self.command("Emulation.setDeviceMetricsOverride", width=size[0], height=size[1], deviceScaleFactor=1,
                     mobile=is_phone)
        self.command("Emulation.setTouchEmulationEnabled", enabled=is_phone)
        self.command("Emulation.setFocusEmulationEnabled", enabled=True)
        self.emulate(scheme=scheme)
        self.command("Network.emulateNetworkConditions", offline=is_offline, latency=0, downloadThroughput=-1,
                     uploadThroughput=-1)
        self.said = []
        self.asked = []
        self._read_logs()
        self.said.clear()
        self.asked.clear()
        self.driver.get(address)

    def command(self, name, **arguments):
        """A command of the DevTools protocol."""
        return self.driver.execute("executeCdpCommand", {"cmd": name, "params": arguments})["value"]

    def emulate(self, scheme, media=""):
        """Colours that the system wishes, and the medium: "" for the screen, or "print"."""
        self.command("Emulation.setEmulatedMedia", media=media,
                     features=[{"name": "prefers-color-scheme", "value": scheme}])

    def value(self, expression, *arguments):
        """Of an expression of JavaScript on the page, with `arguments[0]` and so on."""
        text = self.driver.execute_script(f"return JSON.stringify({expression})", *arguments)
        return None if text is None else json.loads(text)

    def all(self, css, name=None):
        """What is shown of what a selector finds, where it has that very name for those who read by ear."""
        found = self.driver.find_elements(By.CSS_SELECTOR, css)
        return [element for element in found
                if element.is_displayed() and (name is None or element.accessible_name == name)]

    def one(self, css, name=None):
        """The first such, once there is one."""
        what = f"there is {css}" + (f" named '{name}'" if name else "")
        return until(lambda: next(iter(self.all(css, name)), None), what)

    def click(self, css, name=None):
        until(lambda: self.one(css, name).click() is None, f"{css} can be clicked")

    def choose(self, radio):
        """Of the axes that figures stand against."""
        self.click("input[type=radio]", radio)
        assert self.one("input[type=radio]", radio).is_selected()

    def focus(self, css):
        self.driver.execute_script("arguments[0].focus()", self.one(css))

    def press(self, *keys):
        ActionChains(self.driver).send_keys(*keys).perform()

    def text(self, css):
        return self.value("document.querySelector(arguments[0]).textContent", css)

    def shown_figures(self):
        return [figure.get_dom_attribute("data-chart") for figure in self.all("figure[data-chart]")]

    def ink(self, title):
        """Pixels of a figure's canvas that are of a line's colour, give or take; for each of its lines."""
        return self.value("""(title => {
          const canvas = document.querySelector(`figure[data-chart="${title}"] canvas`);
          const {data, width, height} = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
          const chart = charts.find(c => c.plot?.root.closest('figure').dataset.chart === title);
          return chart.lines.map(line => {
            const colour = [1, 3, 5].map(i => parseInt(line.style.colour.slice(i, i + 2), 16));
            let count = 0;
            for (let i = 0; i < data.length; i += 4) {
              const distance = colour.reduce((sum, channel, c) => sum + Math.abs(data[i + c] - channel), 0);
              if (data[i + 3] > 128 && distance < 60) ++count;
            }
            return count;
          });
        })(arguments[0])""", title)

    def screenshot(self, name):
        """The whole page, as high as it is."""
        size = self.command("Page.getLayoutMetrics")["cssContentSize"]
        image = self.command("Page.captureScreenshot", captureBeyondViewport=True, clip={**size, "scale": 1})
        with open(f"{SHOTS}/{name}.png", "wb") as file:
            file.write(base64.b64decode(image["data"]))

    def troubles(self):
        """Errors and warnings so far, and requests for anything but the page itself, whose own must be seen."""
        self.value("0")  # what happened before is in the logs after it
        self._read_logs()
        if self.address not in self.asked:
            return ["no request is seen, not even the page's own"]
        return self.said + [url for url in self.asked if not url.startswith("data:") and not self._is_own(url)]

    def _is_own(self, url):
        return url == self.address or (self.address.endswith("/") and url.startswith(self.address))

    def _read_logs(self):
        for entry in self.driver.get_log("browser"):
            if entry["level"] in ("SEVERE", "WARNING"):
                self.said.append(entry["message"])
        for entry in self.driver.get_log("performance"):
            event = json.loads(entry["message"])["message"]
            if event["method"] == "Network.requestWillBeSent":
                self.asked.append(event["params"]["request"]["url"])
            elif event["method"] in ("Network.webSocketCreated", "Network.webTransportCreated"):
                self.asked.append(event["params"]["url"])
