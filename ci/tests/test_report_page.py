# SPDX-License-Identifier: MIT
"""The report of a run of the whole corpus, in headless Chromium: on a desk and on a phone."""
import pytest
from analysis.tests.browser import BROKEN_LINKS, FAINT, OVERLAPS, WIDER, Browser

from .conftest import exitmeter


@pytest.fixture(scope="module")
def page(full, tmp_path_factory):
    file = tmp_path_factory.mktemp("page") / "report.html"
    result = exitmeter("report", full, "-o", file)
    assert result.code == 0, result.err
    return file


def test_the_whole_corpus_is_drawn_and_nothing_overlaps(page):
    browser = Browser()
    try:
        for width, dark in ((1300, False), (390, True)):
            browser.open(page, width, dark)
            browser.open_details()
            assert browser.run(OVERLAPS) == []
            assert browser.run(WIDER) == [0, []]
            assert browser.run(BROKEN_LINKS) == []
            assert browser.run(FAINT) == []
            assert browser.requests() == [page.resolve().as_uri()]
            assert browser.console() == []
            assert browser.run("return document.querySelectorAll('figure svg').length") > 20
    finally:
        browser.close()
