// What the model does to each class, and what each worker's own model is worth: tables, known at the end of a run.
const most_rows = 20;

// A figure whose table `fill(place)` makes anew when what is known has changed; it is hidden where that gives nothing.
const add_table_figure = (title, describe, fill, rows) => {
  const place = element('div', {class: 'scroll', tabindex: '0', role: 'region', 'aria-label': title});
  const note = element('span');
  const figure = make_figure(title, note, place, rows);
  const draw = () => {
    const table = fill();
    figure.hidden = !table;
    note.textContent = table ? describe() : '';
    place.replaceChildren(...(table ? [table] : []));
    figure.classList.toggle('wide', Boolean(table) && table.tHead.rows[0].cells.length > 7);
    figure.refresh();
  };
  charts.push({draw: () => {}, update: draw});
  document.getElementById('figures').append(figure);
  draw();
};

const table_of = (head, lines) => element('table', {},
  element('thead', {}, element('tr', {}, ...head.map(cell => element('th', {scope: 'col'}, cell)))),
  element('tbody', {}, ...lines.map(cells => element('tr', {}, ...cells))));

const shaded = (share, text, colour) => {
  const cell = element('td', {}, text);
  cell.style.background = `color-mix(in srgb, var(${colour}) ${Math.round(55 * share)}%, transparent)`;
  return cell;
};

const class_label = one => one.name ?? String(one.class);
const fraction = x => Number.isFinite(x) ? x.toFixed(3) : '–';
const classification_of = run => {
  const known = run.summary.classification;
  return known && Array.isArray(known.by_class) && known.by_class.length ? known : null;
};
const split_text = known => `On the ${known.split} split (${format.count(known.samples)} samples)`;

// The matrix, a row for each true class; of many classes the pairs that are mistaken most often.
const add_confusion = (run, of) => {
  const known = () => classification_of(run);
  const matrix = () => {
    const {by_class, confusion} = known();
    const lines = confusion.map((row, i) => [element('th', {scope: 'row'}, class_label(by_class[i])),
      ...row.map((count, j) => shaded(by_class[i].samples ? count / by_class[i].samples : 0, count ? format.count(count) : '', i === j ? '--s2' : '--s1'))]);
    return table_of(['is / taken for', ...by_class.map(class_label)], lines);
  };
  const pairs = () => table_of(['is', 'taken for', 'samples'], known().most_confused.map(pair =>
    [element('th', {scope: 'row'}, class_label(known().by_class[pair.class])), element('td', {}, class_label(known().by_class[pair.predicted])), element('td', {}, format.count(pair.samples))]));
  add_table_figure('Confusion matrix' + of,
    () => split_text(known()) + (known().confusion ? ': a row for each true class, a column for each class that the model takes it for. The darker, the larger the share of the row.'
      : ': the pairs of classes that are mistaken most often.'),
    () => Array.isArray(known()?.confusion) ? matrix() : Array.isArray(known()?.most_confused) ? pairs() : null,
    () => !known() ? [['class']] : known().confusion
      ? [['class', ...known().by_class.map(class_label)], ...known().confusion.map((row, i) => [class_label(known().by_class[i]), ...row])]
      : [['class', 'predicted', 'samples'], ...known().most_confused.map(pair => [class_label(known().by_class[pair.class]), class_label(known().by_class[pair.predicted]), pair.samples])]);
};

const add_class_figures = (run, of) => {
  const known = () => classification_of(run);
  const head = ['class', 'samples', 'predicted', 'precision', 'recall', 'F1'];
  const is_long = () => known().by_class.length > 100;
  // By rising F1 where they are too many to be looked through.
  const shown = () => is_long() ? known().by_class.filter(one => Number.isFinite(one.f1)).sort((a, b) => a.f1 - b.f1).slice(0, most_rows) : known().by_class;
  add_table_figure('Classes' + of,
    () => `${split_text(known())}: macro F1 ${fraction(known().macro_f1)}, balanced accuracy ${format.percent(known().balanced_accuracy)}` +
      (Number.isFinite(known().auc) ? `, AUC ${fraction(known().auc)}` : '') + '.' +
      (is_long() ? ` Of ${format.count(known().by_class.length)} classes the ${most_rows} with the lowest F1.` : ''),
    () => known() && table_of(head, shown().map(one => [element('th', {scope: 'row'}, class_label(one)),
      element('td', {}, format.count(one.samples)), element('td', {}, format.count(one.predicted)),
      ...[one.precision, one.recall, one.f1].map(x => shaded(Number.isFinite(x) ? 1 - x : 0, fraction(x), '--s1'))])),
    () => [head, ...(known()?.by_class ?? []).map(one => [class_label(one), one.samples, one.predicted, one.precision, one.recall, one.f1])]);
};

// What each worker's own model is worth, on the test split and on the samples that the worker trains on.
const add_worker_scores = (run, of) => {
  const workers = () => (run.summary.by_worker ?? []).map((worker, rank) => ({...worker, rank}))
    .filter(worker => [worker.own_accuracy, worker.own_r2, worker.test_accuracy, worker.test_r2].some(Number.isFinite));
  const numbers = () => workers().some(worker => 'own_r2' in worker || 'test_r2' in worker);
  const users = () => workers().some(worker => 'own_users' in worker);
  const name = () => numbers() ? 'R2' : 'accuracy';
  const text = x => numbers() ? format.significant(x) : format.percent(x);
  const test = worker => worker.test_accuracy ?? worker.test_r2, own = worker => worker.own_accuracy ?? worker.own_r2;
  const head = () => ['worker', 'own data', 'samples', ...(users() ? ['users'] : []), 'test split'];
  add_table_figure('Workers’ own models' + of,
    () => `At the end, ${name()} of each worker’s own model: on samples that the worker trains on, and on the test split.`,
    () => workers().length > 0 && table_of(head(), workers().map(worker => [element('th', {scope: 'row'}, 'worker ' + worker.rank),
      element('td', {}, text(own(worker))), element('td', {}, format.count(worker.own_samples)),
      ...(users() ? [element('td', {}, format.count(worker.own_users))] : []), element('td', {}, text(test(worker)))])),
    () => [head(), ...workers().map(worker => [worker.rank, own(worker), worker.own_samples, ...(users() ? [worker.own_users] : []), test(worker)])]);
};

const add_end_tables = (run, of) => {
  add_confusion(run, of);
  add_class_figures(run, of);
  add_worker_scores(run, of);
};
