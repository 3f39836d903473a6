"""Make the README's pictures of the chat page: a real conversation with the embedded engine, in Chromium.

python docs/picture_of_the_page.py docs/page.png docs/page-phone.png    (pip install 'imagerag[browser,serve]')
"""

import re
import shutil
import subprocess
import sys
import tempfile

from imagerag.extras import missing

try:
    from playwright.sync_api import sync_playwright
except ImportError:
    sys.exit(str(missing("playwright", "browser", __file__)))


def main(wide: str, phone: str) -> None:
    """Draw by the page, and save it at a desk's and at a phone's width."""
    with tempfile.TemporaryDirectory() as home, sync_playwright() as playwright:
        command = [sys.executable, "-m", "imagerag", "serve", "--port", "0", "--home", home]
        server = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        assert server.stderr is not None
        found = next(filter(None, (re.search(r"listening on (http://[^,]+)", line) for line in server.stderr)))
        try:
            browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
            page = browser.new_page(viewport={"width": 1200, "height": 1000}, color_scheme="light")
            page.goto(found[1])
            page.click("#settings summary")
            page.fill("#seed", "7")
            page.fill("#prompt", "a lobster in a kimono")
            page.press("#prompt", "Enter")
            page.wait_for_selector(".run .actions a", timeout=120_000)
            page.evaluate("window.scrollTo(0, 0)")
            page.locator("#prompt").blur()
            page.screenshot(path=wide)
            page.emulate_media(color_scheme="dark")
            page.set_viewport_size({"width": 390, "height": 844})
            page.locator(".run > ul > li").last.scroll_into_view_if_needed()
            page.screenshot(path=phone)
        finally:
            server.terminate()
            server.wait(20)


if __name__ == "__main__":
    main(*sys.argv[1:])
