"""The report page in Chromium: from files, with the network cut."""
import base64
import json
import re
import socket

from browser import RUNS, Page, Statements, measurements, summary, until
from selenium.webdriver.common.keys import Keys

FILES = {
    "fda": f"{RUNS}/fda/report.html",
    "choco": f"{RUNS}/choco/report.html",
    "push": f"{RUNS}/push/report.html",
    "hostile": f"{RUNS}/hostile.html",
    "comparison": f"{RUNS}/comparison.html",
    "planted": f"{RUNS}/planted.html",
}


def open_page(name, **options):
    return Page(f"file://{FILES[name]}", is_offline=True, **options)


# WCAG 2.1, relative luminance and contrast.
def luminance(colour):
    channels = [int(colour[i:i + 2], 16) / 255 for i in (1, 3, 5)]
    r, g, b = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def contrast(a, b):
    less, more = sorted((luminance(a), luminance(b)))
    return (more + 0.05) / (less + 0.05)


class ReportPage(Statements):

    def check_figures(self, name, *expected):
        page = open_page(name)
        titles = page.shown_figures()
        self.assertLessEqual({"Bytes", "Consensus distance", *(expected or ("Accuracy", "Loss"))}, set(titles))
        for title in titles:
            counts = page.ink(title)
            self.assertTrue(counts, title)
            for line, count in enumerate(counts):
                self.assertGreater(count, 8, f"{title}, line {line}: pixels")
        self.assertEqual(page.troubles(), [])

    def test_fda_every_figure_has_ink_for_each_of_its_lines_and_nothing_went_wrong(self):
        self.check_figures("fda")

    def test_choco_every_figure_has_ink_for_each_of_its_lines_and_nothing_went_wrong(self):
        self.check_figures("choco")

    def test_push_every_figure_has_ink_for_each_of_its_lines_and_nothing_went_wrong(self):
        self.check_figures("push")

    def test_comparison_every_figure_has_ink_for_each_of_its_lines_and_nothing_went_wrong(self):
        self.check_figures("comparison", "Test accuracy", "Test loss", "Training loss")

    def test_what_goes_wrong_on_a_page_and_what_it_asks_of_the_network_is_seen_and_cut_off(self):
        with socket.create_server(("127.0.0.1", 0)) as server:
            near = f"http://127.0.0.1:{server.getsockname()[1]}"
            with open(FILES["planted"], "w", encoding="utf-8") as file:
                file.write(f"""<!doctype html><link rel="icon" href="data:,"><img src="{near}/image">
                  <script>console.warn('planted warning'); console.error('planted error');</script>
                  <script>new WebSocket('{near.replace("http", "ws")}/socket');</script>
                  <script>fetch('{near}/fetch').catch(() => document.title = 'cut off');</script>
                  <script>throw Error('planted exception');</script>""")
            page = open_page("planted")
            until(lambda: page.driver.title == "cut off", "the request fails")
            troubles = page.troubles()
            for what in ("planted warning", "planted error", "planted exception", f"{near}/image", f"{near}/fetch",
                         "/socket"):
                self.assertTrue(any(what in trouble for trouble in troubles), f"{what} in {troubles}")
            server.setblocking(False)
            with self.assertRaises(BlockingIOError, msg="somebody came"):
                server.accept()

    def test_fda_shows_its_estimate_the_threshold_and_the_synchronisations(self):
        page = open_page("fda")
        buttons = page.all('figure[data-chart="Variance estimate and threshold"] .legend button')
        self.assertEqual([button.text for button in buttons], ["estimate", "threshold", "synchronisations"])

    def test_a_line_goes_and_comes_back_by_the_keyboard(self):
        page = open_page("fda")
        button = 'figure[data-chart="Loss"] .legend button'
        page.focus(button)
        page.press(Keys.ENTER)
        self.assertEqual(page.one(button).get_dom_attribute("aria-pressed"), "false")
        self.assertEqual(page.ink("Loss")[0], 0)
        page.press(Keys.SPACE)
        self.assertEqual(page.one(button).get_dom_attribute("aria-pressed"), "true")
        self.assertGreater(page.ink("Loss")[0], 8)

    def test_the_axis_changes_what_figures_stand_against(self):
        page = open_page("fda")
        last = measurements("fda")[-1]
        for axis, key in (("steps", "step"), ("bytes", "wire_bytes"), ("time", "time_s"), ("epochs", "epoch")):
            page.choose(axis)
            self.assertEqual(page.value("charts[0].plot.data[0].at(-1)"), last[key], axis)

    def test_the_tables_hold_the_numbers_of_metrics_jsonl_and_a_copy_has_them(self):
        page = open_page("fda")
        page.command("Browser.grantPermissions", permissions=["clipboardReadWrite", "clipboardSanitizedWrite"])
        figure = 'figure[data-chart="Loss"]'
        page.click(f"{figure} summary")
        page.one(f"{figure} tbody tr")
        rows = page.value("[...document.querySelectorAll(arguments[0])].map(row => [...row.children].map(cell => "
                          "Number(cell.textContent)))", f"{figure} tbody tr")
        lines = measurements("fda")
        self.assertEqual(rows, [[line["step"], line["train_loss"], line["test"]["loss"]] for line in lines])
        # What is copied in either way; what is said of it goes away after a while.
        page.driver.execute_script("""
          window.copied = '';
          document.addEventListener('copy', () => { window.copied = String(document.activeElement.value || ''); });
          const said = arguments[0];
          window.heard = [];
          new MutationObserver(() => window.heard.push(said.textContent)).observe(said, {childList: true});
        """, page.driver.find_element("css selector", f"{figure} [role=status]"))
        page.click(f"{figure} button", "Copy the numbers")
        until(lambda: " copied" in page.value("window.heard"), "it says that they are copied")
        text = page.driver.execute_async_script("""
          const done = arguments[0];
          if (window.copied) done(window.copied);
          else navigator.clipboard.readText().then(done, error => done(String(error)));
        """)
        head, *copied = [line.split("\t") for line in text.split("\n")]
        self.assertEqual(head, ["steps", "training", "test"])
        self.assertEqual([[float(cell) for cell in row] for row in copied], rows)

    def test_a_changing_graph_shows_its_rounds(self):
        page = open_page("push")
        (figure,) = page.all("figure", "Graph")

        def lines():
            return page.value("[...arguments[0].querySelectorAll('line')].map(line => line.getAttribute('x2'))", figure)

        first = lines()
        (slider,) = page.all("input[type=range]")
        slider.send_keys(Keys.ARROW_RIGHT * 3)
        self.assertEqual(page.value("arguments[0].value", slider), "3")
        self.assertEqual(page.text("output"), "round 3")
        self.assertNotEqual(lines(), first)
        self.assertEqual(page.value("arguments[0].querySelectorAll('svg circle').length", figure), 8)

    def test_bars_add_up_to_the_bytes_of_the_summary(self):
        page = open_page("choco")
        tallies = page.value("Object.values(data.runs[0].summary.traffic)")
        self.assertEqual(sum(tally["wire_bytes"] for tally in tallies), summary("choco")["wire_bytes"])
        self.assertEqual(len(page.all("h3", "Bytes by worker")), 1)

    def table(self, page, title):
        """The cells of the table in a figure, as texts, a list for each row behind its head."""
        (figure,) = page.all("figure", title)
        return page.value("[...arguments[0].querySelector('.scroll').querySelectorAll('tbody tr')].map(row => "
                          "[...row.children].map(cell => cell.textContent))", figure)

    def test_the_confusion_matrix_holds_the_counts_of_the_summary(self):
        page = open_page("fda")
        counts = [[int(cell.replace(",", "") or 0) for cell in row[1:]] for row in self.table(page, "Confusion matrix")]
        self.assertEqual(counts, summary("fda")["classification"]["confusion"])

    def test_classes_and_workers_have_a_row_each_with_the_figures_of_the_summary(self):
        page = open_page("fda")
        known = summary("fda")
        classes = self.table(page, "Classes")
        self.assertEqual(len(classes), 2)
        for row, one in zip(classes, known["classification"]["by_class"]):
            self.assertEqual([int(cell.replace(",", "")) for cell in row[:3]], [one["class"], one["samples"], one["predicted"]])
            for cell, name in zip(row[3:], ("precision", "recall", "f1")):
                self.assertAlmostEqual(float(cell), one[name], delta=0.001)
        workers = self.table(page, "Workers’ own models")
        self.assertEqual([row[0] for row in workers], [f"worker {rank}" for rank in range(8)])
        for row, worker in zip(workers, known["by_worker"]):
            self.assertAlmostEqual(float(row[-1].rstrip("%")) / 100, worker["test_accuracy"], delta=0.0001)

    def test_names_are_text_whatever_they_hold(self):
        page = open_page("hostile")
        self.assertEqual(page.value("document.querySelectorAll('#planted').length"), 0)
        self.assertEqual(page.text("h1"), "<b id=planted>")
        self.assertIn("# </script><b id=planted>", page.text("pre"))
        self.assertEqual(page.troubles(), [])

    def test_nothing_is_wider_than_a_phone(self):
        page = open_page("fda", size=(360, 740), is_phone=True)
        self.assertEqual(page.value("innerWidth"), 360)
        self.assertLessEqual(page.value("document.documentElement.scrollWidth"), 360, "scrolls sideways")
        page.screenshot("phone")

    def check_contrasts(self, scheme):
        page = open_page("comparison", scheme=scheme)
        self.assertEqual(page.value("document.documentElement.dataset.theme"), scheme)
        names = ["--paper", "--raised", "--ink", "--quiet", "--link", *(f"--s{i}" for i in range(8))]
        colours = dict(zip(names, page.value("arguments[0].map(css)", names)))
        for ground in ("--paper", "--raised"):
            for name in names[2:]:
                least = 3 if name.startswith("--s") else 4.5
                self.assertGreaterEqual(contrast(colours[name], colours[ground]), least, f"{name} on {ground}")
        page.screenshot(f"single-runs-{scheme}")
        open_page("fda", scheme=scheme).screenshot(f"fda-{scheme}")

    def test_light_text_and_lines_stand_out_enough(self):
        self.check_contrasts("light")

    def test_dark_text_and_lines_stand_out_enough(self):
        self.check_contrasts("dark")

    def test_every_control_has_a_name_headings_come_in_order_the_plots_are_described(self):
        page = open_page("fda")
        nameless = page.value("""[...document.querySelectorAll('button, input, select, [role=region]')].filter(node =>
          !(node.getAttribute('aria-label') || node.textContent.trim() || node.labels?.[0]?.textContent.trim()))
          .map(node => node.outerHTML)""")
        self.assertEqual(nameless, [])
        levels = page.value("[...document.querySelectorAll('h1, h2, h3')].map(node => Number(node.tagName[1]))")
        self.assertEqual(levels.count(1), 1)
        described = [canvas.get_dom_attribute("aria-label") for canvas in page.all("figure[data-chart] canvas")]
        self.assertEqual(len(described), len(page.shown_figures()))
        for text in described:
            self.assertRegex(text or "", "from .* to ")

    def test_the_arrow_keys_read_the_values_of_a_plot(self):
        page = open_page("fda")
        figure = 'figure[data-chart="Accuracy"]'
        page.focus(f"{figure} .plot")
        lines = measurements("fda")
        for key, at in ((Keys.HOME, 0), (Keys.ARROW_RIGHT, 1), (Keys.END, -1), (Keys.ARROW_LEFT, -2)):
            page.press(key)
            line = lines[at]
            where = f"steps {line['step']:,}: "
            until(lambda: page.text(f"{figure} .value").startswith(where), f"it reads {where}")
            (accuracy,) = re.match(where + r"test ([\d.]+)%", page.text(f"{figure} .value")).groups()
            self.assertAlmostEqual(float(accuracy), 100 * line["test"]["accuracy"], delta=0.006)

    def test_ticks_of_an_axis_that_is_looked_at_closely_differ(self):
        page = open_page("fda")
        page.choose("bytes")
        texts = page.value("tick_texts([16_801_000, 16_802_000, 16_803_000, null], format.bytes)")
        self.assertEqual(texts, ["16.801 MB", "16.802 MB", "16.803 MB", ""])

    def test_more_lines_than_colours_still_differ(self):
        page = open_page("fda")
        styles = page.value("Array.from({length: 32}, (_, i) => style_of(i))")
        self.assertEqual(len({json.dumps(style) for style in styles}), 32)

    def test_prints_on_paper(self):
        page = open_page("fda", scheme="dark")
        printed = page.command("Page.printToPDF", paperWidth=8.27, paperHeight=11.69, printBackground=True)
        pdf = base64.b64decode(printed["data"])
        self.assertEqual(pdf[:5], b"%PDF-")
        self.assertGreater(len(pdf), 20_000)
        # Nothing is drawn anew for paper that is narrower than the screen.
        page.emulate(scheme="dark", media="print")
        page.driver.execute_script("document.body.style.width = '700px'")
        beyond = page.value("""[...document.querySelectorAll('figure canvas, .bars, .graph')].filter(node => {
          const [inner, outer] = [node.getBoundingClientRect(), node.closest('figure').getBoundingClientRect()];
          return inner.width > 0 &&
            (inner.left < outer.left || inner.right > outer.right || inner.bottom > outer.bottom);
        }).map(node => node.closest('figure').textContent)""")
        self.assertEqual(beyond, [])
