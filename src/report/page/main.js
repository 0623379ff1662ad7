// The page of a run put together: what stands at its head, the figures, the job.
const only = data.runs[0];
const goes_on = () => Boolean(data.live) && !data.live.has_ended;

const lines_of = values => axis => Object.entries(values).map(([label, value], index) => ({
  label, index, points: points(only.measurements, value, axis),
}));

const end_text = s => ({steps: 'all steps taken', until: 'ended where it was to', interrupted: 'interrupted', failed: 'failed: ' + s.error}[s.end] || s.end);

// What a model is judged by: of predicted numbers the R2.
const score_of = test => test?.r2 === undefined ? ['accuracy', format.percent(test?.accuracy)] : ['R2', format.significant(test.r2)];

const head = () => {
  const s = only.summary;
  document.title = only.name + ' – laconic';
  document.getElementById('title').textContent = only.name;
  document.getElementById('lead').textContent =
    `${s.strategy}, ${s.model} with ${format.count(s.parameters)} parameters on ${s.dataset}, ${format.count(s.workers)} workers` +
    (goes_on() ? '' : ', ' + end_text(s));
  const headline = document.getElementById('headline');
  headline.replaceChildren();
  const add = (name, value) => headline.append(element('div', {}, element('dt', {}, name), element('dd', {}, value)));
  add(...score_of(s.test));
  add('bytes on the wire', format.bytes(s.wire_bytes));
  add('synchronisations', format.count(s.syncs));
  add('steps', format.count(s.steps));
  add('time', format.seconds(s.time_s));
  document.getElementById('foot').textContent = 'Written by ' + s.program + '. Bytes are those on the wire, headers in; ' +
    (s.runtime === 'mpi' ? 'times are real.' : 'times are those of the simulated network and workers.');
};

// A threshold that the job gives and nothing changes, or nothing.
const threshold_of = run => {
  const strategy = run.job.match(/^\[strategy\]\n(?:(?!\[).*\n?)*/m)?.[0] ?? '';
  return Number(strategy.match(/^threshold = ([-+.\de]+)$/m)?.[1] ?? NaN);
};

// A figure for each thing that the strategy watches; which there are the measurements tell.
const watched_shown = new Set();
const add_watched = before => {
  for (const name of watched_of(only)) {
    if (watched_shown.has(name)) continue;
    watched_shown.add(name);
    const is_estimate = name === 'variance_estimate';
    add_chart({before, title: is_estimate ? 'Variance estimate and threshold' : 'Watched: ' + name.replaceAll('_', ' '),
      note: is_estimate ? 'What the workers know of their models’ variance; a synchronisation follows where it exceeds the threshold. Always against steps or epochs.' : 'What the strategy watches. Always against steps or epochs.',
      text: format.significant, log: true, fixed: steps_or_epochs,
      series: axis => {
        const all = [...only.measurements, ...only.syncs].sort((a, b) => a.step - b.step);
        const watched = points(all, row => row.watched?.[name], axis);
        const fixed = threshold_of(only);
        const moving = points(all, row => row.threshold ?? row.watched?.threshold, axis);
        return [
          {label: is_estimate ? 'estimate' : name.replaceAll('_', ' '), index: 0, points: watched},
          {label: 'threshold', index: 1, steps: true,
           points: Number.isFinite(fixed) && fixed > 0 ? watched.map(([x]) => [x, fixed]) : moving},
          {label: 'synchronisations', index: 2, marks: true, points: points(only.syncs, row => row.watched?.[name], axis)},
        ];
      }});
  }
};

const figures = () => {
  const of_model = 'On the test split, of the model that is measured: the average, or over MPI the one that worker 0 last synchronised.';
  const add_scores = (title, name, text, note) => add_chart({title, note, text,
    series: lines_of({test: row => row.test[name], validation: row => row.validation?.[name],
      'own models, mean': row => name in row.test && row.workers?.mean,
      'own models, least': row => name in row.test && row.workers?.minimum,
      'own models, most': row => name in row.test && row.workers?.maximum})});
  const has = name => only.summary.test?.[name] !== undefined || only.measurements.some(row => name in row.test);
  if (has('r2')) {
    add_scores('R2', 'r2', format.significant, of_model);
    add_chart({title: 'Mean absolute error', note: of_model, text: format.significant,
      series: lines_of({test: row => row.test.mae, validation: row => row.validation?.mae})});
  }
  if (has('accuracy') || !has('r2')) add_scores('Accuracy', 'accuracy', format.percent, of_model);
  add_chart({title: 'Loss', note: 'In training, mean over the workers, and on the held-out splits.', text: format.significant,
    series: lines_of({training: row => row.train_loss, test: row => row.test.loss, validation: row => row.validation?.loss})});
  add_watched(null);
  add_chart({title: 'Consensus distance', note: 'Mean squared distance of the workers’ models from their average.', text: format.significant, log: true,
    series: lines_of({distance: row => row.consensus_distance})});
  add_chart({title: 'Bytes', note: 'Sent so far by all, each frame counted once, headers in.', text: format.bytes,
    series: axis => lines_of(Object.fromEntries([['all', row => row.wire_bytes], ...(kinds_of(only).length > 1
      ? kinds_of(only).map(kind => [kind, row => row.traffic[kind]?.wire_bytes]) : [])]))(axis)});
  add_bars('Bytes by kind', 'On the wire, headers in.', () => Object.entries(only.summary.traffic).map(([label, tally], index) => ({label, value: tally.wire_bytes, index: index % 8})));
  add_bars('Bytes by worker', 'Sent (above) and received (below) by each.', () => {
    const s = only.summary;
    if (goes_on()) return [];  // known at the end
    const nodes = (s.by_worker || []).map((node, rank) => ['worker ' + rank, node]);
    if (s.coordinator?.sent.wire_bytes + s.coordinator?.received.wire_bytes > 0) nodes.push(['coordinator', s.coordinator]);
    return nodes.flatMap(([label, node]) => [
      {label: label + ', sent', value: node.sent.wire_bytes, index: 0}, {label: label + ', received', value: node.received.wire_bytes, index: 1}]);
  });
  add_end_tables(only, '');
  if (only.workers?.labels) add_labels('Labels by worker', only.workers.labels, only.workers.classes || []);
  if (only.workers?.graph) add_graph('Graph', only.workers.graph);
  document.getElementById('jobs').append(element('pre', {tabindex: '0', 'aria-label': 'Job of ' + only.name}, only.job));
};

if (goes_on()) summarise_so_far(only, data.live.step);
head();
figures();
controls();
