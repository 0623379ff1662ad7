// The page put together: what stands at its head, the figures, the jobs, and the controls.
const state = {axis: 'step', log: false};
const runs = data.runs;
const many = runs.length > 1;
const only = runs[0];
const goes_on = () => Boolean(data.live) && !data.live.has_ended;

// A line of each run, or, of one run alone, several lines of it.
const lines_of = values => axis => runs.flatMap((run, i) => Object.entries(values).map(([label, value], k, all) => ({
  label: many ? run.name + (all.length > 1 ? ', ' + label : '') : label,
  key: i + ' ' + label,
  index: i * all.length + k,
  points: points(run.measurements, value, axis),
})));

const end_text = s => ({steps: 'all steps taken', until: 'ended where it was to', interrupted: 'interrupted', failed: 'failed: ' + s.error}[s.end] || s.end);

// What a model is judged by: of predicted numbers the R2.
const score_of = test => test?.r2 === undefined ? ['accuracy', format.percent(test?.accuracy)] : ['R2', format.significant(test.r2)];

const head = () => {
  document.title = (many ? runs.map(run => run.name).join(', ') : only.name) + ' – laconic';
  document.getElementById('title').textContent = many ? 'Comparison of ' + runs.length + ' runs' : only.name;
  const s = only.summary;
  document.getElementById('lead').textContent = many ? runs.map(run => run.name).join(', ')
    : `${s.strategy}, ${s.model} with ${format.count(s.parameters)} parameters on ${s.dataset}, ${format.count(s.workers)} workers` +
      (goes_on() ? '' : ', ' + end_text(s));
  const headline = document.getElementById('headline');
  headline.replaceChildren();
  const add = (name, value) => headline.append(element('div', {}, element('dt', {}, name), element('dd', {}, value)));
  if (!many) {
    add(...score_of(s.test));
    add('bytes on the wire', format.bytes(s.wire_bytes));
    add('synchronisations', format.count(s.syncs));
    add('steps', format.count(s.steps));
    add('time', format.seconds(s.time_s));
  } else {
    const most = Math.max(...runs.map(run => run.summary.wire_bytes));
    for (const run of runs) {
      const fewer = run.summary.wire_bytes ? ', ' + format.significant(most / run.summary.wire_bytes) + 'x fewer' : '';
      add(run.name, score_of(run.summary.test).reverse().join(' ').replace(' accuracy', '') + ' at ' + format.bytes(run.summary.wire_bytes) + (most === run.summary.wire_bytes ? '' : fewer));
    }
  }
  document.getElementById('foot').textContent = 'Written by ' + s.program + '. Bytes are those on the wire, headers in; ' +
    (runs.every(run => run.summary.runtime === 'mpi') ? 'times are real.' : 'times are those of the simulated network and workers' +
     (runs.some(run => run.summary.runtime === 'mpi') ? ', of runs over MPI real.' : '.'));
};

// A threshold that the job gives and nothing changes, or nothing.
const threshold_of = run => {
  const strategy = run.job.match(/^\[strategy\]\n(?:(?!\[).*\n?)*/m)?.[0] ?? '';
  return Number(strategy.match(/^threshold = ([-+.\de]+)$/m)?.[1] ?? NaN);
};

// A figure for each thing that the strategy watches; which there are the measurements tell.
const watched_shown = new Set();
const add_watched = before => {
  for (const name of new Set(runs.flatMap(watched_of))) {
    if (watched_shown.has(name)) continue;
    watched_shown.add(name);
    const is_estimate = name === 'variance_estimate';
    add_chart({before, title: is_estimate ? 'Variance estimate and threshold' : 'Watched: ' + name.replaceAll('_', ' '),
      note: is_estimate ? 'What the workers know of their models’ variance; a synchronisation follows where it exceeds the threshold. Always against steps or epochs.' : 'What the strategy watches. Always against steps or epochs.',
      text: format.significant, log: true,
      fixed: {get label() { return state.axis === 'epoch' ? 'epochs' : 'steps'; }, of: row => state.axis === 'epoch' ? row.epoch : row.step, get text() { return state.axis === 'epoch' ? format.significant : format.count; }},
      series: axis => runs.flatMap((run, i) => {
        const label = text => many ? run.name + ', ' + text : text;
        const all = [...run.measurements, ...run.syncs].sort((a, b) => a.step - b.step);
        const watched = points(all, row => row.watched?.[name], axis);
        const fixed = threshold_of(run);
        const moving = points(all, row => row.threshold ?? row.watched?.threshold, axis);
        return [
          {label: label(is_estimate ? 'estimate' : name.replaceAll('_', ' ')), key: i + ' value', index: 3 * i, points: watched},
          {label: label('threshold'), key: i + ' threshold', index: 3 * i + 1, steps: true,
           points: Number.isFinite(fixed) && fixed > 0 ? watched.map(([x]) => [x, fixed]) : moving},
          {label: label('synchronisations'), key: i + ' syncs', index: 3 * i + 2, marks: true, points: points(run.syncs, row => row.watched?.[name], axis)},
        ];
      })});
  }
};

const figures = () => {
  const of_model = 'On the test split, of the model that is measured: the average, or over MPI the one that worker 0 last synchronised.';
  const add_scores = (title, name, text, note) => add_chart({title, note, text,
    series: lines_of(many ? {[name]: row => row.test[name]}
      : {test: row => row.test[name], validation: row => row.validation?.[name], 'own models, mean': row => name in row.test && row.workers?.mean,
         'own models, least': row => name in row.test && row.workers?.minimum, 'own models, most': row => name in row.test && row.workers?.maximum})});
  const has = name => runs.some(run => run.summary.test?.[name] !== undefined || run.measurements.some(row => name in row.test));
  if (has('r2')) {
    add_scores('R2', 'r2', format.significant, of_model);
    add_chart({title: 'Mean absolute error', note: of_model, text: format.significant,
      series: lines_of(many ? {MAE: row => row.test.mae} : {test: row => row.test.mae, validation: row => row.validation?.mae})});
  }
  if (has('accuracy') || !has('r2')) add_scores('Accuracy', 'accuracy', format.percent, of_model);
  add_chart({title: 'Loss', note: 'In training, mean over the workers, and on the test split.', text: format.significant,
    series: lines_of({training: row => row.train_loss, test: row => row.test.loss})});
  add_watched(null);
  add_chart({title: 'Consensus distance', note: 'Mean squared distance of the workers’ models from their average.', text: format.significant, log: true,
    series: lines_of({distance: row => row.consensus_distance})});
  add_chart({title: 'Bytes', note: 'Sent so far by all, each frame counted once, headers in.', text: format.bytes,
    series: many ? lines_of({bytes: row => row.wire_bytes})
      : axis => lines_of(Object.fromEntries([['all', row => row.wire_bytes], ...(kinds_of(only).length > 1
        ? kinds_of(only).map(kind => [kind, row => row.traffic[kind]?.wire_bytes]) : [])]))(axis)});
  if (many) {
    add_bars('Bytes of each run', 'On the wire, headers in.', () => runs.map(run => ({label: run.name, value: run.summary.wire_bytes})));
  } else {
    add_bars('Bytes by kind', 'On the wire, headers in.', () => Object.entries(only.summary.traffic).map(([label, tally], index) => ({label, value: tally.wire_bytes, index: index % 8})));
    add_bars('Bytes by worker', 'Sent (above) and received (below) by each.', () => {
      const s = only.summary;
      if (goes_on()) return [];  // known at the end
      const nodes = (s.by_worker || []).map((node, rank) => ['worker ' + rank, node]);
      if (s.coordinator?.sent.wire_bytes + s.coordinator?.received.wire_bytes > 0) nodes.push(['coordinator', s.coordinator]);
      return nodes.flatMap(([label, node]) => [
        {label: label + ', sent', value: node.sent.wire_bytes, index: 0}, {label: label + ', received', value: node.received.wire_bytes, index: 1}]);
    });
  }
  for (const run of runs) {
    const of = many ? ', ' + run.name : '';
    add_end_tables(run, of);
    if (run.workers?.labels) add_labels('Labels by worker' + of, run.workers.labels, run.workers.classes || []);
    if (run.workers?.graph) add_graph('Graph' + of, run.workers.graph);
  }
  for (const run of runs) {
    const text = element('pre', {tabindex: '0', 'aria-label': 'Job of ' + run.name}, run.job);
    document.getElementById('jobs').append(many ? element('details', {}, element('summary', {}, run.name), text) : text);
  }
};

const redraw = () => charts.forEach(chart => chart.draw());

const controls = () => {
  const axis = document.getElementById('axis');
  for (const [name, {label}] of Object.entries(axes)) {
    axis.append(element('label', {}, element('input', {type: 'radio', name: 'axis', value: name, ...(name === 'step' ? {checked: ''} : {}), onchange: () => { state.axis = name; redraw(); }}), label));
  }
  document.getElementById('log').addEventListener('change', event => { state.log = event.target.checked; redraw(); });
  const dark = matchMedia('(prefers-color-scheme: dark)');
  const theme = document.getElementById('theme');
  const paint = printing => {
    const chosen = printing === true ? 'light' : theme.value === 'auto' ? (dark.matches ? 'dark' : 'light') : theme.value;
    document.documentElement.dataset.theme = chosen;
    redraw();
  };
  theme.addEventListener('change', () => paint());
  dark.addEventListener('change', () => paint());
  addEventListener('beforeprint', () => paint(true));
  addEventListener('afterprint', () => paint());
  paint();
};

if (goes_on()) summarise_so_far(only, data.live.step);
head();
figures();
controls();
