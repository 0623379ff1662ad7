// A run, with its measurements and synchronisations as rows.
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

const kinds_of = run => [...new Set(run.measurements.flatMap(row => Object.keys(row.traffic)))];
const watched_of = run =>
  [...new Set([...run.measurements, ...run.syncs].flatMap(row => Object.keys(row.watched || {})))]
    .filter(name => name !== 'threshold');

// Points of a figure over measurements: what `value` gives, where it is a number.
const points = (rows, value, axis) => in_order(rows.map(row => [axis.of(row), value(row)]));
