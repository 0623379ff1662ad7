"""The page of a run that goes on, served by the program itself."""
import signal
from urllib.parse import urlsplit

from browser import DEADLINE_S, JOBS, PROGRAM, RUNS, Page, Statements, lines_of, measurements, start, summary, until
from selenium.webdriver.common.action_chains import ActionChains

WITHOUT_END = 10_000_000


class Run:
    """A run of the fda job that is served, until the test ends."""

    def __init__(self, test, name, *, steps=WITHOUT_END, every="50 steps", port=0):
        settings = {"job.name": f'"{name}"', "job.steps": steps, "evaluation.every": every,
                    "output.dir": f"{RUNS}/{name}"}
        arguments = [part for key, value in settings.items() for part in ("--set", f"{key}={value}")]
        self.process, said = start([PROGRAM, "run", f"{JOBS}/fda.toml", *arguments, "--serve", str(port)],
                                   r"^watch at (http:\S+)$")
        self.address = said[1]
        test.addCleanup(self.kill)

    def kill(self):
        self.process.kill()
        self.ended()

    def ended(self):
        """Its exit status, once it has ended."""
        return self.process.wait(DEADLINE_S)


def points(page):
    return page.value("charts[0].plot ? charts[0].plot.data[0].length : 0")


def has_more(page, count):
    until(lambda: points(page) > count, f"more than {count} points", 2 * DEADLINE_S)


def is_state(page, state):
    until(lambda: page.text("#live-state") == state, f"the state is '{state}'")


class LivePage(Statements):

    def test_points_come_while_it_runs_lines_that_are_hidden_the_part_that_is_looked_at_and_the_focus_stay(self):
        run = Run(self, "live", every="100 steps")
        page = Page(run.address)
        is_state(page, "running")
        has_more(page, 5)
        loss = 'figure[data-chart="Loss"]'
        button = 'figure[data-chart="Accuracy"] .legend button'

        def chart():
            return page.value("""(({plot}) => ({
              min: plot.scales.x.min, max: plot.scales.x.max, last: plot.data[0].at(-1),
              shown: plot.series.slice(1).map(line => line.show),
            }))(charts.find(c => c.plot?.root.closest('figure').dataset.chart === 'Loss'))""")

        # The run stands still meanwhile: a plot that is drawn in another way ends what the pointer has begun.
        run.process.send_signal(signal.SIGSTOP)
        page.click(f"{loss} .legend button", "training")
        over = page.value("""(over => { over.scrollIntoView({block: 'center'}); return over.getBoundingClientRect(); })
          (document.querySelector(arguments[0]))""", f"{loss} .u-over")
        drag = ActionChains(page.driver)
        pointer = drag.w3c_actions.pointer_action
        pointer.move_to_location(int(over["x"] + 0.2 * over["width"]), int(over["y"] + 50)).pointer_down()
        pointer.move_to_location(int(over["x"] + 0.6 * over["width"]), int(over["y"] + 50)).pointer_up()
        drag.perform()
        page.click(f"{loss} summary")
        page.focus(button)
        page.driver.execute_script("scrollTo(0, 300)")
        former = chart()
        self.assertEqual(former["shown"], [False, True])
        self.assertLess(former["max"], former["last"], "a part of it")
        run.process.send_signal(signal.SIGCONT)

        # Past 30 points lines are drawn in another way, which takes another plot.
        for more in (2, 40):
            has_more(page, points(page) + more)
            now = chart()
            for what in ("min", "max", "shown"):
                self.assertEqual(now[what], former[what], what)
            self.assertGreater(now["last"], former["last"])
            self.assertTrue(page.value("document.activeElement === document.querySelector(arguments[0])", button),
                            "the focus stays")
            self.assertEqual(page.value("scrollY"), 300)
        self.assertGreater(page.value("document.querySelectorAll(arguments[0]).length", f"{loss} tbody tr"), 40,
                           "an open table has the new lines too")
        ActionChains(page.driver).double_click(page.one(f"{loss} .u-over")).perform()
        has_more(page, points(page) + 2)
        whole = chart()
        self.assertEqual(whole["max"], whole["last"], "the whole again")
        self.assertRegex(page.text("#live-step"), r"^, step [\d,]+ of 10,000,000$")
        page.screenshot("live-running")

        run.process.send_signal(signal.SIGINT)
        is_state(page, "interrupted")
        self.assertEqual(page.troubles(), [])

    def test_the_end_shows_all_that_the_results_hold_and_stays(self):
        run = Run(self, "whole", steps=6000, every="200 steps")
        page = Page(run.address)
        is_state(page, "done")
        self.assertEqual(run.ended(), 0)
        self.assertEqual(page.text("#live-step"), ", step 6,000 of 6,000")
        self.assertEqual(page.text("#live-note"), "all steps taken")
        self.assertRegex(page.text("#lead"), "8 workers, all steps taken$")
        shown = page.value("data.runs[0]")
        self.assertEqual(shown["measurements"], measurements("whole"))
        self.assertEqual(shown["syncs"], lines_of("whole", "sync"))
        self.assertEqual(shown["summary"], summary("whole"))
        page.one("h3", "Bytes by worker")
        page.choose("bytes")
        self.assertEqual(points(page), 30)
        self.assertEqual(page.troubles(), [])
        page.screenshot("live-done")

    def test_before_the_first_measurement_it_says_so(self):
        run = Run(self, "early", every="1000000 steps")
        page = Page(run.address)
        is_state(page, "running")
        self.assertRegex(page.one("#empty").text, r"^Nothing is measured yet\.")
        self.assertNotIn("Accuracy", page.shown_figures())

        def step():
            return page.value("document.getElementById('live-progress').value")

        until(lambda: step() > 0, "a step is taken")
        former = step()
        until(lambda: step() > former, f"more steps than {former} are taken")
        self.assertEqual(page.troubles(), [])
        page.screenshot("live-early")

    def test_a_run_that_is_gone_is_told_what_came_from_it_stays_and_another_one_is_not_taken_for_it(self):
        run = Run(self, "lost")
        page = Page(run.address)
        has_more(page, 3)
        run.kill()
        is_state(page, "connection lost")
        count = points(page)
        self.assertGreater(count, 3)
        self.assertIn("cannot be reached", page.text("#live-note"))
        Run(self, "next", port=urlsplit(run.address).port)
        # The page asks again after pauses of up to half a minute.
        until(lambda: page.text("#live-note").startswith("Another run is served here by now"), "the other run is told",
              2 * DEADLINE_S)
        self.assertTrue(page.one("#live-note").is_displayed())
        self.assertEqual(points(page), count)
        page.screenshot("live-lost")
