"""A page in a real browser: Chromium, driven by Playwright."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Literal

from playwright.sync_api import Browser, Page, sync_playwright

# deploy/local/install-test-tools.sh installs one of them.
_NAMES: Final = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")

Scheme = Literal["light", "dark"]


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start Chromium.

    Raises:
        RuntimeError: There is none; a test that needs it fails.
    """
    found = next((path for name in _NAMES if (path := shutil.which(name))), None)
    if found is None:
        raise RuntimeError("Chromium is missing. Operator action: make test-tools")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=found)
        yield browser
        browser.close()


@contextmanager
def opened(browser: Browser, file: Path, width: int, scheme: Scheme) -> Iterator[Page]:
    """Open a file in a window of a width, in pixels, and a colour scheme."""
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page = context.new_page()
    page.goto(file.resolve().as_uri())
    yield page
    context.close()
