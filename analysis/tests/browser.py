# SPDX-License-Identifier: MIT
"""A page in headless Chromium, as a reader's browser shows it: what overlaps, what sticks out, what
it asks the network for, and what it has to complain about."""

import base64
import json
from pathlib import Path
from typing import Any

from selenium import webdriver
from selenium.webdriver.chrome.service import Service

HEIGHT = 900

# Boxes of drawn text and of blocks on the page that share more than a hair of each other.
OVERLAPS = """
const hair = 1.0, found = [];
const box = e => { const r = e.getBoundingClientRect(); return {l: r.left, t: r.top, r: r.right, b: r.bottom}; };
const meet = (a, b) => Math.min(a.r, b.r) - Math.max(a.l, b.l) > hair
                    && Math.min(a.b, b.b) - Math.max(a.t, b.t) > hair;
function pairs(elements, what, name) {
  const all = elements.map(e => [box(e), e]).filter(([r]) => r.r > r.l && r.b > r.t);
  for (let i = 0; i < all.length; i++)
    for (let j = i + 1; j < all.length; j++)
      if (meet(all[i][0], all[j][0])) found.push(what + ": " + name(all[i][1]) + " and " + name(all[j][1]));
}
const text = e => (e.textContent || "").trim().slice(0, 40);
for (const svg of document.querySelectorAll("figure svg")) {
  pairs([...svg.querySelectorAll("text")], svg.getAttribute("aria-labelledby"), text);
  const whole = box(svg);
  for (const e of svg.querySelectorAll("text")) {
    const r = box(e);
    if (r.r > r.l && (r.l < whole.l - hair || r.r > whole.r + hair || r.t < whole.t - hair || r.b > whole.b + hair))
      found.push(svg.getAttribute("aria-labelledby") + ": cut off: " + text(e));
  }
}
for (const parent of document.querySelectorAll("body, main, section, .pair, .badges, .legend, details, nav, header"))
  pairs([...parent.children].filter(e => !["SCRIPT", "STYLE", "TEMPLATE"].includes(e.tagName)
        && getComputedStyle(e).position !== "sticky"), parent.tagName, e => e.tagName + " " + text(e));
pairs([...document.querySelectorAll("nav a")], "nav", text);
for (const row of document.querySelectorAll("tr")) pairs([...row.cells].slice(1), "row", text);
return found.slice(0, 20);
"""

WIDER = """
const wide = document.documentElement.clientWidth, found = [];
for (const e of document.querySelectorAll("body *")) {
  const r = e.getBoundingClientRect();
  if (r.width && r.right > wide + 1 && !e.closest(".wide")) found.push(e.tagName + " " + (e.className.baseVal || e.className));
}
return [document.documentElement.scrollWidth - wide, found.slice(0, 10)];
"""

BROKEN_LINKS = """
return [...document.querySelectorAll("[href]")].map(e => e.getAttribute("href"))
  .filter(h => !h.startsWith("#") || !document.getElementById(h.slice(1)));
"""

# WCAG's contrast of the text of drawings with what is behind it: the page, or a filled box.
FAINT = """
const rgb = text => (text.match(/[\\d.]+/g) || []).map(Number);
const part = v => { v /= 255; return v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4; };
const light = c => .2126 * part(c[0]) + .7152 * part(c[1]) + .0722 * part(c[2]);
const paper = rgb(getComputedStyle(document.body).backgroundColor), found = [];
for (const svg of document.querySelectorAll("figure svg")) {
  const boxes = [...svg.querySelectorAll("polygon, rect, path, polyline")].filter(e => {
    const f = getComputedStyle(e).fill; return f !== "none" && f !== "rgba(0, 0, 0, 0)"; })
    .map(e => [e.getBoundingClientRect(), rgb(getComputedStyle(e).fill)]);
  for (const e of svg.querySelectorAll("text")) {
    const r = e.getBoundingClientRect();
    if (!r.width) continue;
    const x = (r.left + r.right) / 2, y = (r.top + r.bottom) / 2;
    let behind = paper;
    for (const [b, f] of boxes) if (b.left <= x && x <= b.right && b.top <= y && y <= b.bottom) behind = f;
    const ink = rgb(getComputedStyle(e).fill), a = light(ink), b = light(behind);
    const contrast = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
    if (contrast < 4.5) found.push(e.textContent.trim() + ": " + ink + " on " + behind + " is " + contrast.toFixed(1));
  }
}
return found.slice(0, 10);
"""


class Browser:
    """One Chromium for many pages. Close it."""

    def __init__(self) -> None:
        options = webdriver.ChromeOptions()
        for argument in ("--headless=new", "--no-sandbox", "--disable-gpu",
                         "--disable-dev-shm-usage", "--hide-scrollbars", "--no-first-run",
                         "--disable-background-networking", "--disable-component-update"):
            options.add_argument(argument)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        self.driver = webdriver.Chrome(service=Service("/usr/bin/chromedriver"), options=options)
        self.driver.set_page_load_timeout(120)
        self.driver.set_script_timeout(120)

    def close(self) -> None:
        self.driver.quit()

    def open(self, page: Path, width: int, dark: bool = False, script: bool = True) -> None:
        """Show a page, all of its details open."""
        self.command("Emulation.setDeviceMetricsOverride", width=width, height=HEIGHT,
                     deviceScaleFactor=1, mobile=False)
        self.command("Emulation.setEmulatedMedia", features=[
            {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])
        self.command("Emulation.setScriptExecutionDisabled", value=not script)
        self.driver.get_log("browser")
        self.driver.get_log("performance")
        self.driver.get(page.resolve().as_uri())

    def command(self, name: str, **arguments: Any) -> Any:
        return self.driver.execute_cdp_cmd(name, arguments)

    def run(self, script: str) -> Any:
        return self.driver.execute_script(script)

    def open_details(self) -> None:
        self.run("document.querySelectorAll('details').forEach(e => e.open = true)")

    def console(self) -> list[str]:
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def requests(self) -> list[str]:
        """What the page has asked for since it was opened."""
        events = [json.loads(entry["message"])["message"]
                  for entry in self.driver.get_log("performance")]
        return [event["params"]["request"]["url"] for event in events
                if event["method"] == "Network.requestWillBeSent"]

    def picture(self, file: Path, full: bool = True) -> None:
        shown = self.command("Page.captureScreenshot", format="png", captureBeyondViewport=full,
                             **({"clip": self._whole()} if full else {}))
        file.write_bytes(base64.b64decode(shown["data"]))

    def _whole(self) -> dict[str, float]:
        size = self.command("Page.getLayoutMetrics")["cssContentSize"]
        return {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1}

    def print(self, file: Path) -> None:
        """To PDF, A4."""
        made = self.command("Page.printToPDF", paperWidth=8.27, paperHeight=11.69,
                            printBackground=True)
        file.write_bytes(base64.b64decode(made["data"]))
