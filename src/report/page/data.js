// What the page holds: runs, each with its measurements and synchronisations as columns.
const data = JSON.parse(document.getElementById('data').textContent);

// The axes that figures can stand against.
const axes = {
  step: {label: 'steps', of: row => row.step, text: format.count},
  epoch: {label: 'epochs', of: row => row.epoch, text: format.significant},
  bytes: {label: 'bytes', of: row => row.wire_bytes, text: format.bytes},
  time: {label: 'time', of: row => row.time_s, text: format.seconds},
};

// Lines of metrics.jsonl that have come since.
const add_lines = (run, lines) => {
  for (const {type, ...line} of lines) run[type === 'sync' ? 'syncs' : 'measurements'].push(line);
};

// While a run goes on its summary is what the newest measurement says, and the step that it has reached.
const summarise_so_far = (run, step) => {
  const newest = run.measurements[run.measurements.length - 1];
  const sync = run.syncs[run.syncs.length - 1];
  run.summary.steps = step;
  run.summary.syncs = Math.max(newest?.syncs ?? 0, sync?.syncs ?? 0);
  for (const key of ['test', 'wire_bytes', 'payload_bytes', 'time_s']) run.summary[key] = newest?.[key];
  run.summary.traffic = newest?.traffic ?? {};
};

const finite = x => Number.isFinite(x) ? x : null;
const kinds_of = run => [...new Set(run.measurements.flatMap(row => Object.keys(row.traffic)))];
const watched_of = run =>
  [...new Set([...run.measurements, ...run.syncs].flatMap(row => Object.keys(row.watched || {})))]
    .filter(name => name !== 'threshold');

// Points of a figure over measurements: what `value` gives, where it is a number.
const points = (rows, value, axis) => {
  const taken = rows.map(row => [axis.of(row), finite(value(row))]).filter(([x, y]) => Number.isFinite(x) && y !== null);
  // An axis that stands still (no bytes were sent) has its newest value.
  const last = new Map(taken);
  return [...last].sort((a, b) => a[0] - b[0]);
};
