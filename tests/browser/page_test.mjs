// The report page in Chromium: from files, with the network cut.
import assert from 'node:assert/strict';
import {readFileSync} from 'node:fs';
import {after, before, test} from 'node:test';
import {chromium} from 'playwright-core';

const {RUNS, SHOTS} = process.env;
const address = {
  fda: `file://${RUNS}/fda/report.html`,
  choco: `file://${RUNS}/choco/report.html`,
  push: `file://${RUNS}/push/report.html`,
  hostile: `file://${RUNS}/hostile.html`,
  comparison: `file://${RUNS}/comparison.html`,
};
let browser;
before(async () => { browser = await chromium.launch({executablePath: '/usr/bin/chromium', args: ['--no-sandbox']}); });
after(() => browser?.close());

// A page and all that went wrong on it.
const open = async (name, options = {}) => {
  const context = await browser.newContext({viewport: {width: 1200, height: 900}, ...options});
  await context.setOffline(true);
  const page = await context.newPage();
  const troubles = [];
  page.on('console', message => { if (['error', 'warning'].includes(message.type())) troubles.push(message.text()); });
  page.on('pageerror', error => troubles.push(String(error)));
  page.on('request', request => { if (request.url() !== address[name] && !request.url().startsWith('data:')) troubles.push(request.url()); });
  await page.goto(address[name]);
  return {page, troubles};
};

// Pixels of a figure's canvas that are of a colour, give or take.
const ink = (page, chart) => page.evaluate(title => {
  const canvas = document.querySelector(`figure[data-chart="${title}"] canvas`);
  const {data, width, height} = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  const colours = charts.map(c => c).find(c => c.plot?.root.closest('figure').dataset.chart === title).lines.map(line => line.style.colour);
  return colours.map(colour => {
    const [r, g, b] = [1, 3, 5].map(i => parseInt(colour.slice(i, i + 2), 16));
    let count = 0;
    for (let i = 0; i < data.length; i += 4) {
      if (data[i + 3] > 128 && Math.abs(data[i] - r) + Math.abs(data[i + 1] - g) + Math.abs(data[i + 2] - b) < 60) ++count;
    }
    return count;
  });
}, chart);
const shown = page => page.locator('figure[data-chart]:visible').evaluateAll(all => all.map(figure => figure.dataset.chart));

for (const name of ['fda', 'choco', 'push', 'comparison']) {
  test(`${name}: every figure has ink for each of its lines, and nothing went wrong`, async () => {
    const {page, troubles} = await open(name);
    const titles = await shown(page);
    for (const title of ['Accuracy', 'Loss', 'Bytes', 'Consensus distance']) assert.ok(titles.includes(title), `${title} in ${titles}`);
    for (const title of titles) {
      for (const [i, count] of (await ink(page, title)).entries()) assert.ok(count > 8, `${title}, line ${i}: ${count} pixels`);
    }
    assert.deepEqual(troubles, []);
  });
}

test('fda shows its estimate, the threshold and the synchronisations', async () => {
  const {page} = await open('fda');
  const buttons = await page.locator('figure[data-chart="Variance estimate and threshold"] .legend button').allTextContents();
  assert.deepEqual(buttons, ['estimate', 'threshold', 'synchronisations']);
});

test('a line goes and comes back by the keyboard', async () => {
  const {page} = await open('fda');
  const button = page.locator('figure[data-chart="Loss"] .legend button').first();
  await button.focus();
  await page.keyboard.press('Enter');
  assert.equal(await button.getAttribute('aria-pressed'), 'false');
  assert.equal((await ink(page, 'Loss'))[0], 0);
  await page.keyboard.press('Space');
  assert.equal(await button.getAttribute('aria-pressed'), 'true');
  assert.ok((await ink(page, 'Loss'))[0] > 8);
});

test('the axis changes what figures stand against', async () => {
  const {page} = await open('fda');
  const extent = () => page.evaluate(() => { const xs = charts[0].plot.data[0]; return [xs[0], xs[xs.length - 1]]; });
  const metrics = readFileSync(`${RUNS}/fda/metrics.jsonl`, 'utf8').trim().split('\n').map(JSON.parse).filter(line => line.type === 'measurement');
  const last = metrics[metrics.length - 1];
  for (const [axis, end] of [['steps', last.step], ['bytes', last.wire_bytes], ['time', last.time_s], ['epochs', last.epoch]]) {
    await page.getByLabel(axis, {exact: true}).check();
    assert.equal((await extent())[1], end, axis);
  }
});

test('the tables hold the numbers of metrics.jsonl, and a copy has them', async () => {
  const {page} = await open('fda', {permissions: ['clipboard-read', 'clipboard-write']});
  const figure = page.locator('figure[data-chart="Loss"]');
  await figure.locator('summary').click();
  await figure.locator('tbody tr').first().waitFor();
  const rows = await figure.locator('tbody tr').evaluateAll(all => all.map(row => [...row.children].map(cell => Number(cell.textContent))));
  const metrics = readFileSync(`${RUNS}/fda/metrics.jsonl`, 'utf8').trim().split('\n').map(JSON.parse).filter(line => line.type === 'measurement');
  assert.deepEqual(rows, metrics.map(line => [line.step, line.train_loss, line.test.loss]));
  await page.evaluate(() => { window.copied = ''; document.addEventListener('copy', () => { window.copied = String(document.activeElement.value || ''); }); });
  await figure.getByRole('button', {name: 'Copy the numbers'}).click();
  await figure.getByText('copied').waitFor();
  const text = await page.evaluate(async () => window.copied || navigator.clipboard.readText());
  assert.equal(text.split('\n').length, metrics.length + 1);
  assert.equal(text.split('\n')[1].split('\t')[1], String(metrics[0].train_loss));
});

test('a changing graph shows its rounds', async () => {
  const {page} = await open('push');
  const figure = page.locator('figure', {has: page.getByRole('heading', {name: 'Graph'})});
  const lines = () => figure.locator('svg line').evaluateAll(all => all.map(line => line.getAttribute('x2')).join());
  const first = await lines();
  await figure.getByRole('slider').fill('3');
  assert.notEqual(await lines(), first);
  assert.equal(await figure.locator('svg circle').count(), 8);
});

test('bars add up to the bytes of the summary', async () => {
  const {page} = await open('choco');
  const sum = await page.evaluate(() => Object.values(data.runs[0].summary.traffic).reduce((all, tally) => all + tally.wire_bytes, 0));
  assert.equal(sum, JSON.parse(readFileSync(`${RUNS}/choco/summary.json`)).wire_bytes);
  assert.equal(await page.getByRole('heading', {name: 'Bytes by worker'}).count(), 1);
});

test('names are text, whatever they hold', async () => {
  const {page, troubles} = await open('hostile');
  assert.equal(await page.locator('#planted').count(), 0);
  assert.equal(await page.locator('h1').textContent(), '<b id=planted>');
  assert.match(await page.locator('pre').textContent(), /# <\/script><b id=planted>/);
  assert.deepEqual(troubles, []);
});

test('nothing is wider than a phone', async () => {
  const {page} = await open('fda', {viewport: {width: 360, height: 740}, isMobile: true, hasTouch: true});
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), 'scrolls sideways');
  await page.screenshot({path: `${SHOTS}/phone.png`, fullPage: true});
});

// WCAG 2.1, relative luminance and contrast.
const contrasts = page => page.evaluate(() => {
  const style = getComputedStyle(document.documentElement);
  const luminance = colour => {
    const [r, g, b] = [1, 3, 5].map(i => parseInt(colour.slice(i, i + 2), 16) / 255).map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const of = (a, b) => { const [x, y] = [luminance(a), luminance(b)].sort((p, q) => q - p); return (x + 0.05) / (y + 0.05); };
  const get = name => style.getPropertyValue(name).trim();
  const result = {};
  for (const ground of ['--paper', '--raised']) {
    for (const name of ['--ink', '--quiet', '--link']) result[name + ' on ' + ground] = [of(get(name), get(ground)), 4.5];
    for (let i = 0; i < 8; ++i) result[`--s${i} on ${ground}`] = [of(get('--s' + i), get(ground)), 3];
  }
  return result;
});
for (const colorScheme of ['light', 'dark']) {
  test(`${colorScheme}: text and lines stand out enough`, async () => {
    const {page} = await open('comparison', {colorScheme});
    assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), colorScheme);
    for (const [pair, [contrast, least]] of Object.entries(await contrasts(page))) assert.ok(contrast >= least, `${pair}: ${contrast}`);
    await page.screenshot({path: `${SHOTS}/comparison-${colorScheme}.png`, fullPage: true});
    const {page: single} = await open('fda', {colorScheme});
    await single.screenshot({path: `${SHOTS}/fda-${colorScheme}.png`, fullPage: true});
  });
}

test('every control has a name, headings come in order, the plots are described', async () => {
  const {page} = await open('fda');
  const nameless = await page.locator('button, input, select, [role=region]').evaluateAll(all => all.filter(node =>
    !(node.getAttribute('aria-label') || node.textContent.trim() || node.labels?.[0]?.textContent.trim())).map(node => node.outerHTML));
  assert.deepEqual(nameless, []);
  const levels = await page.locator('h1, h2, h3').evaluateAll(all => all.map(node => Number(node.tagName[1])));
  assert.equal(levels.filter(level => level === 1).length, 1);
  const described = await page.locator('figure[data-chart]:visible canvas').evaluateAll(all => all.map(node => node.getAttribute('aria-label') || ''));
  for (const text of described) assert.match(text, /from .* to /);
});

test('the arrow keys read the values of a plot', async () => {
  const {page} = await open('fda');
  const figure = page.locator('figure[data-chart="Accuracy"]');
  await figure.locator('.plot').focus();
  const seen = new Set();
  for (const key of ['Home', 'ArrowRight', 'End', 'ArrowLeft']) {
    await page.keyboard.press(key);
    await page.waitForTimeout(50);
    seen.add(await figure.locator('.value').textContent());
  }
  assert.ok(seen.size >= 3, [...seen].join(' | '));
  for (const value of seen) assert.match(value, /^steps [\d,]+: test [\d.]+%/);
});

test('ticks of an axis that is looked at closely differ', async () => {
  const {page} = await open('fda');
  await page.getByRole('radio', {name: 'bytes'}).check();
  const texts = await page.evaluate(() => tick_texts([16_801_000, 16_802_000, 16_803_000, null], format.bytes));
  assert.deepEqual(texts, ['16.801 MB', '16.802 MB', '16.803 MB', '']);
});

test('more lines than colours still differ', async () => {
  const {page} = await open('fda');
  const styles = await page.evaluate(() => Array.from({length: 32}, (_, i) => JSON.stringify(style_of(i))));
  assert.equal(new Set(styles).size, 32);
});

test('prints on paper', async () => {
  const {page} = await open('fda', {colorScheme: 'dark'});
  const pdf = await page.pdf({format: 'A4', printBackground: true});
  assert.equal(pdf.subarray(0, 5).toString(), '%PDF-');
  assert.ok(pdf.length > 20_000);
  // Nothing is drawn anew for paper that is narrower than the screen.
  await page.emulateMedia({media: 'print'});
  const beyond = await page.evaluate(() => {
    document.body.style.width = '700px';
    return [...document.querySelectorAll('figure canvas, .bars, .graph')].filter(node => {
      const [inner, outer] = [node.getBoundingClientRect(), node.closest('figure').getBoundingClientRect()];
      return inner.width > 0 && (inner.left < outer.left || inner.right > outer.right || inner.bottom > outer.bottom);
    }).length;
  });
  assert.equal(beyond, 0);
});
