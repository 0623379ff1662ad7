"""The files of `laconic report --svg` and the page that they are of: the same charts with the same numbers."""
import csv
import glob
import os
import re

from browser import RUNS, Page, Statements


def numbers_of(rows):
    """A table with numbers as numbers, the columns behind the first by their names, which a page has in another order."""
    def read(cell):
        try:
            return float(cell)
        except ValueError:
            return cell

    head, *body = rows
    order = sorted(range(1, len(head)), key=lambda i: head[i].replace(", ", " ")) if len(head) > 2 else [1]
    names = [head[i].replace(", ", " ") for i in order] if len(head) > 2 else []
    return names, [[read(row[i]) for i in [0, *order]] for row in body]


# Of the page's tables, which are files without a picture.
TABLES = {"classes": "Classes", "most_confused": "Confusion matrix", "workers": "Workers’ own models"}


class ChartFiles(Statements):

    def check(self, run):
        page = Page(f"file://{RUNS}/{run}/report.html", is_offline=True)
        shown = {}
        for figure in page.all("figure"):
            title, rows = page.value("""(figure => {
              const details = figure.querySelector('details');
              details.open = true;
              figure.refresh();
              return [figure.querySelector('h3').textContent,
                      [...details.querySelectorAll('tr')].map(row => [...row.children].map(cell => cell.textContent))];
            })(arguments[0])""", figure)
            shown[title] = numbers_of(rows)
        written = {}
        for path in glob.glob(f"{RUNS}/{glob.escape(run)}/charts/*.csv"):
            name, _ = os.path.splitext(path)
            title = TABLES.get(os.path.basename(name))
            if os.path.exists(name + ".svg"):
                with open(name + ".svg", encoding="utf-8") as file:
                    title = re.search("<title>(.*)</title>", file.read())[1]
            if title:  # the page's table of several runs shows other figures than the file
                with open(path, encoding="utf-8", newline="") as file:
                    written[title] = numbers_of(list(csv.reader(file)))
        self.assertGreater(len(written), 4)
        self.assertEqual(set(written), set(shown))
        for title, numbers in written.items():
            self.assertEqual(numbers, shown[title], title)

    def test_fda_has_the_charts_of_its_page_as_files_with_the_same_numbers(self):
        self.check("fda")

    def test_choco_has_the_charts_of_its_page_as_files_with_the_same_numbers(self):
        self.check("choco")

    def test_push_has_the_charts_of_its_page_as_files_with_the_same_numbers(self):
        self.check("push")

    def test_a_comparison_has_the_charts_of_its_page_as_files_with_the_same_numbers(self):
        self.check("fda+choco+push.sweep")
