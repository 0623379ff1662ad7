// The page of a run that goes on, served by the program itself.
import assert from 'node:assert/strict';
import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {readFileSync} from 'node:fs';
import {after, before, test} from 'node:test';
import {createInterface} from 'node:readline';
import {setTimeout} from 'node:timers/promises';
import {chromium} from 'playwright-core';

const {PROGRAM, JOBS, RUNS, SHOTS} = process.env;
const without_end = 10_000_000;
let browser;
before(async () => { browser = await chromium.launch({executablePath: '/usr/bin/chromium', args: ['--no-sandbox']}); });
after(() => browser?.close());

// Starts a run of the fda job and gives it with where it is served.
const start = async (t, name, {steps = without_end, every = '50 steps', port = 0} = {}) => {
  const settings = {'job.name': `"${name}"`, 'job.steps': steps, 'evaluation.every': every, 'output.dir': `${RUNS}/${name}`};
  const run = spawn(PROGRAM, ['run', `${JOBS}/fda.toml`, ...Object.entries(settings).flatMap(([key, value]) => ['--set', `${key}=${value}`]),
    '--serve', String(port)], {stdio: ['ignore', 'pipe', 'inherit']});
  const ended = once(run, 'exit');
  t.after(() => { run.kill('SIGKILL'); return ended; });
  for await (const line of createInterface(run.stdout)) {
    const [, address] = /^watch at (http:\S+)$/.exec(line) || [];
    if (address) return {run, ended, address};
  }
  throw new Error('the run says nothing of where it is served');
};

// A page and all that went wrong on it.
const open = async address => {
  const page = await (await browser.newContext({viewport: {width: 1200, height: 900}})).newPage();
  const troubles = [];
  page.on('console', message => { if (['error', 'warning'].includes(message.type())) troubles.push(message.text()); });
  page.on('pageerror', error => troubles.push(String(error)));
  page.on('request', request => { if (!request.url().startsWith(address) && !request.url().startsWith('data:')) troubles.push(request.url()); });
  await page.goto(address);
  return {page, troubles};
};

const points = page => page.evaluate(() => charts[0].plot ? charts[0].plot.data[0].length : 0);
// Waits in this process: a wait inside the page would be code made of text there, which its policy forbids.
const until = async (page, holds, argument) => {
  for (const end = Date.now() + 60_000; !await page.evaluate(holds, argument);) {
    assert.ok(Date.now() < end, `does not come: ${holds} for ${argument}`);
    await setTimeout(100);
  }
};
const has_more = (page, count) => until(page, n => charts[0].plot?.data[0].length > n, count);
const is_state = (page, state) => until(page, text => document.getElementById('live-state').textContent === text, state);

test('points come while it runs; lines that are hidden, the part that is looked at and the focus stay', async t => {
  const {run, address} = await start(t, 'live');
  const {page, troubles} = await open(address);
  await is_state(page, 'running');
  await has_more(page, 5);
  const loss = page.locator('figure[data-chart="Loss"]');
  const chart = () => page.evaluate(() => {
    const {plot} = charts.find(c => c.plot?.root.closest('figure').dataset.chart === 'Loss');
    const {min, max} = plot.scales.x;
    return {min, max, shown: plot.series.slice(1).map(line => line.show), last: plot.data[0].at(-1)};
  });
  await loss.getByRole('button', {name: 'training'}).click();
  const over = await loss.locator('.u-over').boundingBox();
  await page.mouse.move(over.x + over.width * 0.2, over.y + 50);
  await page.mouse.down();
  await page.mouse.move(over.x + over.width * 0.6, over.y + 50, {steps: 4});
  await page.mouse.up();
  await loss.locator('summary').click();
  const button = await page.locator('figure[data-chart="Accuracy"] .legend button').first().elementHandle();
  await button.focus();
  await page.evaluate(() => scrollTo(0, 300));
  const former = await chart();
  assert.deepEqual(former.shown, [false, true]);
  assert.ok(former.max < former.last, 'a part of it');

  // Past 30 points lines are drawn in another way, which takes another plot.
  for (const more of [2, 40]) {
    await has_more(page, await points(page) + more);
    const now = await chart();
    assert.deepEqual([now.min, now.max, now.shown], [former.min, former.max, former.shown]);
    assert.ok(now.last > former.last);
    const focused = await page.evaluate(() => document.activeElement.textContent);
    assert.equal(focused, await page.locator('figure[data-chart="Accuracy"] .legend button').first().textContent());
    assert.equal(await page.evaluate(() => scrollY), 300);
  }
  assert.ok(await loss.locator('tbody tr').count() > 40, 'an open table has the new lines too');
  await loss.locator('.u-over').dblclick();
  await has_more(page, await points(page) + 2);
  assert.equal((await chart()).max, (await chart()).last, 'the whole again');
  assert.match(await page.locator('#live-step').textContent(), /^, step [\d,]+ of 10,000,000$/);
  await page.screenshot({path: `${SHOTS}/live-running.png`, fullPage: true});

  run.kill('SIGINT');
  await is_state(page, 'interrupted');
  assert.deepEqual(troubles, []);
});

test('the end shows all that the results hold, and stays', async t => {
  const {ended, address} = await start(t, 'whole', {steps: 6000, every: '200 steps'});
  const {page, troubles} = await open(address);
  await is_state(page, 'done');
  assert.deepEqual(await ended, [0, null]);
  assert.equal(await page.locator('#live-step').textContent(), ', step 6,000 of 6,000');
  assert.equal(await page.locator('#live-note').textContent(), 'all steps taken');
  assert.match(await page.locator('#lead').textContent(), /8 workers, all steps taken$/);
  const lines = readFileSync(`${RUNS}/whole/metrics.jsonl`, 'utf8').trim().split('\n').map(JSON.parse);
  const without_type = kind => lines.filter(line => line.type === kind).map(({type, ...rest}) => rest);
  const shown = await page.evaluate(() => data.runs[0]);
  assert.deepEqual(shown.measurements, without_type('measurement'));
  assert.deepEqual(shown.syncs, without_type('sync'));
  assert.deepEqual(shown.summary, JSON.parse(readFileSync(`${RUNS}/whole/summary.json`)));
  await page.getByRole('heading', {name: 'Bytes by worker'}).waitFor();
  await page.getByLabel('bytes', {exact: true}).check();
  assert.equal(await points(page), 30);
  assert.deepEqual(troubles, []);
  await page.screenshot({path: `${SHOTS}/live-done.png`, fullPage: true});
});

test('before the first measurement it says so', async t => {
  const {address} = await start(t, 'early', {every: '1000000 steps'});
  const {page, troubles} = await open(address);
  await is_state(page, 'running');
  await page.getByText('Nothing is measured yet.').waitFor();
  assert.equal(await page.locator('figure[data-chart="Accuracy"]:visible').count(), 0);
  const step = () => page.locator('#live-progress').evaluate(bar => bar.value);
  await until(page, () => document.getElementById('live-progress').value > 0);
  const former = await step();
  await until(page, value => document.getElementById('live-progress').value > value, former);
  assert.deepEqual(troubles, []);
  await page.screenshot({path: `${SHOTS}/live-early.png`, fullPage: true});
});

test('a run that is gone is told, what came from it stays, and another one is not taken for it', async t => {
  const {run, ended, address} = await start(t, 'lost');
  const {page} = await open(address);
  await has_more(page, 3);
  run.kill('SIGKILL');
  await ended;
  await is_state(page, 'connection lost');
  const count = await points(page);
  assert.ok(count > 3);
  assert.match(await page.locator('#live-note').textContent(), /cannot be reached/);
  await start(t, 'next', {port: new URL(address).port});
  await page.getByText('Another run is served here by now').waitFor({timeout: 60_000});
  assert.equal(await points(page), count);
  await page.screenshot({path: `${SHOTS}/live-lost.png`, fullPage: true});
});
