"""The files of `laconic report --svg` and the page that they are of: the same charts with the same numbers."""
import csv
import glob
import os
import re

from browser import RUNS, Page, Statements


def number_or_text(cell):
    try:
        return float(cell)
    except ValueError:
        return cell


class ChartFiles(Statements):

    def check(self, name, page_file, folder):
        page = Page(f"file://{RUNS}/{page_file}", is_offline=True)
        shown = {}
        for figure in page.all("figure"):
            # As a copy has them: a table shows the first 5,000 rows alone.
            title, rows = page.value("""(figure => {
              const details = figure.querySelector('details');
              details.open = true;
              details.dispatchEvent(new Event('toggle'));
              return [figure.querySelector('h3').textContent,
                      [...figure.querySelectorAll('details tr')].map(row => [...row.children].map(cell => cell.textContent))];
            })(arguments[0])""", figure)
            if not figure.get_dom_attribute("hidden"):
                shown[title] = [[number_or_text(cell) for cell in row] for row in rows[1:]]
        written = {}
        for path in glob.glob(f"{RUNS}/{folder}/*.svg"):
            with open(path, encoding="utf-8") as file:
                title = re.search("<title>(.*)</title>", file.read())[1]
            with open(os.path.splitext(path)[0] + ".csv", encoding="utf-8", newline="") as file:
                written[title] = [[number_or_text(cell) for cell in row] for row in list(csv.reader(file))[1:]]
        self.assertGreater(len(written), 4)
        self.assertEqual(set(written), set(shown), name)
        for title, rows in written.items():
            self.assertEqual(rows, shown[title], f"{name}: {title}")

    def test_fda_has_the_charts_of_its_page_as_files_with_the_same_numbers(self):
        self.check("fda", "fda/report.html", "fda/charts")

    def test_choco_has_the_charts_of_its_page_as_files_with_the_same_numbers(self):
        self.check("choco", "choco/report.html", "choco/charts")

    def test_push_has_the_charts_of_its_page_as_files_with_the_same_numbers(self):
        self.check("push", "push/report.html", "push/charts")
