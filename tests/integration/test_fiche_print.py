"""The sheets in one file, printed by a real browser: two to four A4 pages each."""

import re
import shutil
import subprocess

import pytest

pytestmark = pytest.mark.integration

CHROMIUM = shutil.which("chromium")
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--host-resolver-rules=MAP * ~NOTFOUND")


@pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")
def test_a_sheet_prints_on_two_to_four_pages(embedded_run, tmp_path):
    site = embedded_run.site
    sheets = sorted(site.glob("cites/*/fiche-*.html"), key=lambda path: path.stat().st_size)
    lens = next(site.glob("communes/62498/fiche-*.html"))
    for rank, sheet in enumerate((sheets[0], sheets[len(sheets) // 2], sheets[-1], lens)):
        output = tmp_path / f"{rank}.pdf"
        subprocess.run(
            [CHROMIUM, *FLAGS, f"--user-data-dir={tmp_path}", f"--print-to-pdf={output}", sheet.as_uri()],
            capture_output=True,
            timeout=120,
            check=True,
        )
        assert 2 <= len(re.findall(rb"/Type\s*/Page\b", output.read_bytes())) <= 4, sheet.name
