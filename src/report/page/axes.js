// What the page holds, and the axes that its figures can stand against.
const data = JSON.parse(document.getElementById('data').textContent);
const state = {axis: 'step', log: false};

const axes = {
  step: {key: 'step', label: 'steps', of: row => row.step, text: format.count},
  epoch: {key: 'epoch', label: 'epochs', of: row => row.epoch, text: format.significant},
  bytes: {key: 'bytes', label: 'bytes', of: row => row.wire_bytes, text: format.bytes},
  time: {key: 'time', label: 'time', of: row => row.time_s, text: format.seconds},
};
// Of figures that stand against steps or epochs alone.
const steps_or_epochs = {
  get key() { return axes[state.axis === 'epoch' ? 'epoch' : 'step'].key; },
  get label() { return axes[this.key].label; },
  of: row => axes[steps_or_epochs.key].of(row),
  get text() { return axes[this.key].text; },
};

const finite = x => Number.isFinite(x) ? x : null;
// Points in the order of x, those without numbers left out.
const in_order = pairs => {
  const taken = pairs.filter(([x, y]) => Number.isFinite(x) && finite(y) !== null);
  // An axis that stands still (no bytes were sent) has its newest value.
  return [...new Map(taken)].sort((a, b) => a[0] - b[0]);
};
