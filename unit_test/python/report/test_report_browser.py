"""Reports in headless Chromium: silent, without requests, no wider than the window, readable in both colour schemes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.browser import Browser, Page, open_browser
from helpers.reporting import make_reports

pytestmark = pytest.mark.slow

CONTRAST = """
(() => {
  const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
  const rgb = (colour, below) => {
    canvas.fillStyle = `rgb(${below.join()})`; canvas.fillRect(0, 0, 1, 1);
    canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };
  const light = ([r, g, b]) => [r, g, b].map(v => v / 255)
    .map(v => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [.2126, .7152, .0722][i], 0);
  const ground = e => {
    const chain = []; for (; e; e = e.parentElement) chain.unshift(getComputedStyle(e).backgroundColor);
    return chain.reduce((below, colour) => rgb(colour, below), [255, 255, 255]);
  };
  let worst = [99, ''];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const text = walker.currentNode.data.trim(), e = walker.currentNode.parentElement;
    if (!text || !e.getClientRects().length) continue;
    const back = ground(e), [a, b] = [light(rgb(getComputedStyle(e).color, back)), light(back)];
    const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
    if (ratio < worst[0]) worst = [ratio, text];
  }
  return worst;
})()
"""
"""The least contrast of a text with what is behind it, and that text."""

READABLE = 4.5
"""Contrast that WCAG 2 asks of text at level AA."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with open_browser() as running:
        yield running


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> Path:
    path = tmp_path_factory.mktemp("pages")
    reports = make_reports(path)
    reports.sweep().report(path / "sweep.html")
    return path


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [1280, 400])
@pytest.mark.parametrize("kind", ["fibnlr", "pfa", "merge", "compress", "sweep"])
def test_a_report_is_silent_fits_and_can_be_read(
    browser: Browser, folder: Path, kind: str, width: int, dark: bool
) -> None:
    page = Page(browser, folder / f"{kind}.html", width, dark)
    assert page.overflow() <= 0
    ratio, text = page.evaluate(CONTRAST)
    assert ratio >= READABLE, text
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert ground == ("rgb(19, 23, 29)" if dark else "rgb(255, 255, 255)")
    assert page.evaluate("document.scripts.length") == 0
    assert page.evaluate("document.querySelectorAll('svg *').length") > 5
    assert page.requests() == []
    assert page.complaints() == []


def test_the_test_notices_requests_scripts_and_width(browser: Browser, tmp_path: Path) -> None:
    text = '<body style="margin:0"><img src="http://localhost:9/x.png"><div style="width:2000px;height:9px">x</div><script>console.log("y")</script>'
    (tmp_path / "bad.html").write_text(text)
    page = Page(browser, tmp_path / "bad.html", 1280, False)
    assert page.overflow() == 720
    assert page.requests() == ["http://localhost:9/x.png"]
    assert page.complaints() != []
