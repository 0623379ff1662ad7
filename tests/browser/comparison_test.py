"""The page of a comparison in Chromium: groups of runs with bands, the summary table, the filter, many lines, paper."""
import json

from browser import RUNS, Page, Statements, lines_of, until
from selenium.webdriver.common.keys import Keys

THREE = f"{RUNS}/fda+choco+push.sweep"
THIRTY = f"{RUNS}/fda.sweep"
SEEDS = (1, 2, 3)


def open_page(folder, **options):
    return Page(f"file://{folder}/report.html", is_offline=True, **options)


def sweep(folder):
    with open(f"{folder}/sweep.json", encoding="utf-8") as file:
        return json.load(file)


def rows(page):
    """The summary table as the texts of its cells."""
    return page.value("[...document.querySelectorAll('#summary-table tbody tr')].map(row => "
                      "[...row.children].map(cell => cell.textContent))")


def column(page, head):
    heads = page.value("[...document.querySelectorAll('#summary-table thead button')].map(node => node.textContent)")
    return [row[heads.index(head)] for row in rows(page)]


def filter_by(page, words):
    field = page.one("#filter")
    field.clear()
    if words:
        field.send_keys(words)
    else:
        page.driver.execute_script("arguments[0].dispatchEvent(new Event('input'))", field)


class ComparisonPage(Statements):

    def chart(self, title):
        return f"charts.find(c => c.plot?.root.closest('figure').dataset.chart === '{title}')"

    def test_a_line_is_the_mean_of_its_runs_and_the_band_goes_from_the_lowest_to_the_highest(self):
        page = open_page(THREE)
        for job in ("fda", "choco", "push"):
            runs = [lines_of(f"{THREE.removeprefix(RUNS + '/')}/{job},seed={seed}", "measurement") for seed in SEEDS]
            line = page.value(self.chart("Test accuracy") + ".lines.find(line => line.key === arguments[0])", job)
            by_step = list(zip(*([row["test"]["accuracy"] for row in run] for run in runs)))
            self.assertEqual([x for x, _ in line["points"]], [row["step"] for row in runs[0]])
            self.assertEqual([y for _, y in line["low"]], [min(values) for values in by_step])
            self.assertEqual([y for _, y in line["high"]], [max(values) for values in by_step])
            for (_, mean), values in zip(line["points"], by_step):
                self.assertAlmostEqual(mean, sum(values) / 3, places=12)

    def test_bands_are_drawn_and_go_with_their_lines(self):
        page = open_page(THREE)
        # Of all bands the place where the middle between mean and upper end is farthest from both, and not within another
        # band: its colour there, and what it is where the band is taken away.
        place = page.value("""(() => {
          let best = {gap: 0};
          for (const chart of charts.filter(chart => chart.plot && chart.bands.length > 1)) {
            const y_of = y => chart.plot.valToPos(y, 'y', true);
            // Beside the points, where no line of the grid is.
            for (const {line} of chart.bands) line.points.slice(0, -1).forEach(([x, mean], i) => {
              const [top, middle] = [y_of(line.high[i][1]), (y_of(line.high[i][1]) + y_of(mean)) / 2];
              const free = chart.bands.every(({line: other}) => other === line ||
                other.points.every((p, k) => middle < y_of(other.high[k][1]) - 4 || middle > y_of(other.low[k][1]) + 4));
              const gap = middle - top;
              if (free && gap > best.gap) best = {gap, title: chart.plot.root.closest('figure').dataset.chart, key: line.key, x: chart.plot.valToPos(x, 'x', true) + 3, y: middle};
            });
          }
          return best;
        })()""")
        self.assertGreater(place["gap"], 4, f"no band is wide enough to look into: {place}")
        chart = self.chart(place["title"])

        def pixel():
            return page.value(f"[...{chart}.plot.ctx.getImageData(arguments[0], arguments[1], 1, 1).data]",
                              round(place["x"]), round(place["y"]))

        with_band = pixel()
        page.click(f'figure[data-chart="{place["title"]}"] .legend button[data-key="{place["key"]}"]')
        shown = page.value(f"{chart}.plot.series.slice(1).map(series => series.show)")
        self.assertEqual(shown.count(False), 3, "the line and both ends of its band")
        until(lambda: pixel() != with_band, f"the band's colour {with_band} goes away")
        self.assertIn("band: lowest to highest", page.text(f'figure[data-chart="{place["title"]}"] .legend .band'))

    def test_the_table_has_the_figures_of_sweep_json_in_the_order_of_the_ranking(self):
        page = open_page(THREE)
        groups = sorted(sweep(THREE)["groups"], key=lambda group: group["rank"])
        self.assertEqual(column(page, "group"), [group["name"] for group in groups])
        self.assertEqual(column(page, "runs"), ["3"] * 3)
        for text, group in zip(column(page, "test accuracy"), groups):
            mean, deviation = (float(part) for part in text.replace("%", "").split(" ± "))
            self.assertAlmostEqual(mean, 100 * group["accuracy"]["mean"], delta=0.0051)
            self.assertAlmostEqual(deviation, 100 * group["accuracy"]["deviation"],
                                   delta=0.06 * abs(deviation) + 1e-9)
        self.assertEqual(page.troubles(), [])

    def test_a_press_on_a_head_sorts_by_its_column_and_another_one_the_other_way_round(self):
        page = open_page(THIRTY)
        groups = sweep(THIRTY)["groups"]
        rates = [float(group["settings"]["optimizer.learning_rate"])
                 for group in sorted(groups, key=lambda group: group["wire_bytes"]["mean"])]

        def shown_rates():
            return [float(name.removeprefix("fda, learning_rate=")) for name in column_of_groups()]

        def column_of_groups():
            return [row[1] for row in rows(page)]

        page.click("#summary-table thead button", "on the wire")
        self.assertEqual(shown_rates(), rates)
        head = "#summary-table th[aria-sort]"
        self.assertEqual(page.one(head).get_dom_attribute("aria-sort"), "ascending")
        page.focus(head + " button")
        page.press(Keys.ENTER)
        bytes_of = {float(group["settings"]["optimizer.learning_rate"]): group["wire_bytes"]["mean"] for group in groups}
        sent = [bytes_of[rate] for rate in shown_rates()]
        self.assertEqual(sent, sorted(sent, reverse=True))
        self.assertEqual(page.one(head).get_dom_attribute("aria-sort"), "descending")

    def test_the_filter_leaves_groups_with_all_its_words_in_table_and_figures(self):
        page = open_page(THREE)
        lines = f"{self.chart('Test accuracy')}.lines.map(line => line.key)"
        filter_by(page, "choco")
        until(lambda: column(page, "group") == ["choco"], "one row is left")
        self.assertEqual(page.value(lines), ["choco"])
        self.assertEqual(page.text("#filter-count"), "1 of 3 groups")
        filter_by(page, "-choco")
        until(lambda: sorted(column(page, "group")) == ["fda", "push"], "the others are left")
        self.assertEqual(sorted(page.value(lines)), ["fda", "push"])
        filter_by(page, "nobody")
        until(lambda: column(page, "group") == [], "none is left")
        filter_by(page, "")
        until(lambda: len(rows(page)) == 3, "all are back")
        self.assertEqual(len(page.value(lines)), 3)
        self.assertEqual(page.troubles(), [])

    def test_thirty_lines_have_thirty_looks_and_a_legend_that_unfolds(self):
        page = open_page(THIRTY)
        figure = 'figure[data-chart="Test accuracy"]'
        looks = page.value(f"{self.chart('Test accuracy')}.lines.map(line => line.style)")
        self.assertEqual(len(looks), 30)
        self.assertEqual(len({json.dumps(look) for look in looks}), 30)
        entries = f"{figure} .legend button[data-key]"
        self.assertLess(len(page.all(entries)), 30)
        page.click(f"{figure} .legend .more")
        self.assertEqual(len(page.all(entries)), 30)
        drawn = page.value("[...document.querySelectorAll(arguments[0])].map(node => node.innerHTML)", entries + " svg")
        self.assertEqual(len(set(drawn)), 30, "the legend tells them apart")
        for line, count in enumerate(page.ink("Bytes")):
            self.assertGreater(count, 8, f"line {line}: pixels")
        self.assertEqual(page.troubles(), [])

    def test_a_line_that_is_pointed_at_stands_out(self):
        page = open_page(THIRTY)
        figure = 'figure[data-chart="Test accuracy"]'
        button = f"{figure} .legend button[data-key]"
        page.focus(button)
        key = page.one(button).get_dom_attribute("data-key")
        chart = self.chart("Test accuracy")
        alphas = page.value(f"{chart}.lines.map((line, i) => [line.key, {chart}.plot.series[{chart}.at(i)].alpha])")
        self.assertEqual([name for name, alpha in alphas if alpha == 1], [key])
        page.focus("#filter")
        alphas = page.value(f"{chart}.lines.map((line, i) => {chart}.plot.series[{chart}.at(i)].alpha)")
        self.assertEqual(set(alphas), {1})

    def test_nothing_is_wider_than_a_phone(self):
        for folder in (THREE, THIRTY):
            page = open_page(folder, size=(360, 740), is_phone=True)
            self.assertEqual(page.value("innerWidth"), 360)
            self.assertLessEqual(page.value("document.documentElement.scrollWidth"), 360, f"{folder} scrolls sideways")
        page.screenshot("comparison-phone")

    def test_every_figure_has_ink_in_light_and_dark(self):
        for scheme in ("light", "dark"):
            page = open_page(THREE, scheme=scheme)
            self.assertEqual(page.value("document.documentElement.dataset.theme"), scheme)
            titles = page.shown_figures()
            self.assertLessEqual({"Test accuracy", "Test loss", "Training loss", "Bytes", "Consensus distance"},
                                 set(titles))
            for title in titles:
                for line, count in enumerate(page.ink(title)):
                    self.assertGreater(count, 4, f"{title}, line {line}: pixels")
            self.assertEqual(page.troubles(), [])
            page.screenshot(f"comparison-{scheme}")
        open_page(THIRTY).screenshot("comparison-thirty")

    def test_prints_on_paper_with_the_whole_table(self):
        page = open_page(THIRTY, scheme="dark")
        page.emulate(scheme="dark", media="print")
        page.driver.execute_script("document.body.style.width = '700px'; dispatchEvent(new Event('beforeprint'))")
        self.assertEqual(page.value("document.documentElement.dataset.theme"), "light")
        beyond = page.value("""[...document.querySelectorAll('figure canvas, .bars, #summary-table table')].filter(node => {
          const frame = node.closest('figure') ?? document.body;
          const [inner, outer] = [node.getBoundingClientRect(), frame.getBoundingClientRect()];
          return inner.width > 0 && (inner.left < outer.left - 1 || inner.right > outer.right + 1);
        }).map(node => node.outerHTML.slice(0, 80))""")
        self.assertEqual(beyond, [])
        self.assertEqual(page.all("#filter"), [])
        table, region = page.value("['#summary-table table', '#summary-table'].map(css => "
                                   "document.querySelector(css).getBoundingClientRect().height)")
        self.assertLessEqual(table, region + 1, "no row is cut off")
        page.screenshot("comparison-print")
